# Variables of a deployment on AWS: copy this file to <environment>.tfvars and change what differs.
# Variables that are not set here have their default from variables.tf.
environment = "staging"
region      = "us-east-1"

# Refuse to touch any other account.
account_id = "123456789012"

# The site names them to the people who use it.
operator = {
  name    = "Example Cinema"
  contact = "help@example.com"
}

alarm_email           = "operators@example.com"
texts_spend_alarm_usd = 5

# About 0.61 dollars an hour for three m7g.xlarge with EMR's surcharge in us-east-1; `make cost` counts.
primary_instance_type = "m7g.xlarge"
core_instance_type    = "m7g.xlarge"
core_instance_count   = 2

# docs/deploy.md ("Which cluster") says when each of these is worth it.
# core_instance_count = 0                                                      # one node
# instance_fleets     = { primary = ["m6g.xlarge"], core = ["m6g.xlarge"] }    # or other types
# task_nodes          = { maximum = 4 }                                        # Spot, with fleets
