# Variables of a local deployment. Every difference between the local AWS and an account is in this
# file.
environment = "local"
region      = "us-east-1"

provider_settings = {
  s3_use_path_style           = true
  skip_credentials_validation = true
  skip_metadata_api_check     = true
}

# The emulators lose the tags of an alarm, so every plan would add them again.
tags = {}

# The endpoint is http and has no CloudFront. For a local AWS on another port, pass
# -var website_endpoint=s3-website.localhost:PORT.
require_tls      = false
site_hosting     = "website"
website_endpoint = "s3-website.localhost:4566"

# Everything is deleted when the local AWS stops.
protect_data           = false
termination_protection = false
encrypt_disks          = false

# The runner of local steps brings its own Python and sizes Spark by the step's input.
cluster_python      = null
driver_memory_share = 0
spark_defaults      = {}
