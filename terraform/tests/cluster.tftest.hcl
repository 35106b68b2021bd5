mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  environment = "test"
  region      = "eu-west-1"
}

run "as_on_aws" {
  command = plan

  assert {
    condition     = aws_emr_cluster.this.release_label == "emr-spark-8.1.0" && aws_emr_cluster.this.applications == toset(["Spark"])
    error_message = "The cluster does not run Spark alone, of the release the tests run on."
  }

  assert {
    condition     = one(aws_emr_cluster.this.master_instance_group).instance_count == 1 && one(aws_emr_cluster.this.core_instance_group).instance_count == 2
    error_message = "The cluster is not one primary and two core nodes."
  }

  assert {
    condition     = aws_emr_cluster.this.step_concurrency_level == 1
    error_message = "A recommend step could run before the train step that was put before it."
  }

  assert {
    condition     = length(aws_emr_cluster.this.auto_termination_policy) == 0 && aws_emr_cluster.this.keep_job_flow_alive_when_no_steps && aws_emr_cluster.this.termination_protection
    error_message = "The cluster ends by itself, or anybody may end it."
  }

  assert {
    condition = (
      one([for entry in jsondecode(aws_emr_cluster.this.configurations_json) : entry.Properties if entry.Classification == "spark-defaults"])["spark.pyspark.python"] == "/usr/bin/python3.13"
      && alltrue([for entry in jsondecode(aws_emr_cluster.this.configurations_json) : contains(keys(entry), "Classification") && contains(keys(entry), "Properties")])
    )
    error_message = "The steps would run on another Python, or lower-case keys would replace the cluster on every plan."
  }

  assert {
    condition     = terraform_data.zone.input == "eu-west-1a"
    error_message = "The cluster is not in the first zone that offers both instance types."
  }

  assert {
    condition = (
      jsondecode(aws_emr_security_configuration.this.configuration).InstanceMetadataServiceConfiguration.MinimumInstanceMetadataServiceVersion == 2
      && jsondecode(aws_emr_security_configuration.this.configuration).EncryptionConfiguration.AtRestEncryptionConfiguration.LocalDiskEncryptionConfiguration.EnableEbsEncryption
      && aws_emr_cluster.this.security_configuration == "marquee-test"
    )
    error_message = "A node's disks are not encrypted, or IMDSv1 gives its credentials away."
  }

  assert {
    condition = (
      one(aws_emr_cluster.this.bootstrap_action).path == "s3://marquee-test-123456789012-artifacts/bootstrap/install.sh"
      && one(one(aws_emr_cluster.this.bootstrap_action).args) == "s3://marquee-test-123456789012-artifacts/bootstrap/wheels/"
      && aws_s3_object.bootstrap.key == "bootstrap/install.sh"
    )
    error_message = "The nodes do not install what is uploaded for them."
  }

  assert {
    condition     = alltrue([for rule in aws_vpc_security_group_ingress_rule.between_nodes : rule.cidr_ipv4 == null && rule.cidr_ipv6 == null && rule.prefix_list_id == null && rule.referenced_security_group_id != null])
    error_message = "A node takes connections from outside the cluster."
  }

  assert {
    condition     = length(aws_default_security_group.unused.ingress) == 0 && length(aws_default_security_group.unused.egress) == 0
    error_message = "The VPC's default group lets something through."
  }
}
