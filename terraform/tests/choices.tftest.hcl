# Checks what the variables change, in one plan for a laptop that sets nearly every optional one.
mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  environment = "test"
  region      = "eu-west-1"
}

run "other_choices" {
  command = plan

  variables {
    site_hosting         = "website"
    website_endpoint     = "s3-website.localhost:4610"
    require_tls          = false
    protect_data         = false
    retention_days       = { visitor_objects = 400 }
    alarm_email          = "operators@example.com"
    wheels_directory     = "./bootstrap"
    idle_timeout_minutes = 90
    encrypt_disks        = false
    cluster_python       = null
    driver_memory_share  = 0
    spark_defaults       = { "spark.sql.ansi.enabled" = "false" }
    availability_zone    = "eu-west-1b"

    # Must be off with idle_timeout_minutes: AWS does not document which of the two wins.
    termination_protection = false
  }

  assert {
    condition     = output.site_url == "http://marquee-test-123456789012-site.s3-website.localhost:4610/"
    error_message = "The site's address is not the local website's."
  }

  assert {
    condition     = length(aws_cloudfront_distribution.site) == 0 && output.site_distribution_id == null
    error_message = "A laptop has no CloudFront."
  }

  assert {
    condition = alltrue([
      for statement in jsondecode(aws_s3_bucket_policy.this["site"].policy).Statement :
      statement.Condition == { IpAddress = { "aws:SourceIp" = "127.0.0.0/8" } }
    ])
    error_message = "More than the loopback may read the local site."
  }

  assert {
    condition     = toset(keys(aws_s3_bucket_policy.this)) == toset(["site"])
    error_message = "A bucket still refuses the plain HTTP that the local endpoint speaks."
  }

  assert {
    condition     = alltrue([for bucket in aws_s3_bucket.this : bucket.force_destroy]) && !anytrue([for table in aws_dynamodb_table.this : table.deletion_protection_enabled])
    error_message = "protect_data = false still keeps something from being destroyed."
  }

  assert {
    condition     = anytrue([for rule in aws_s3_bucket_lifecycle_configuration.this["ratings"].rule : one(rule.filter).prefix == "visitors/" && try(one(rule.expiration).days == 400, false)])
    error_message = "retention_days.visitor_objects does not reach visitors/."
  }

  assert {
    condition     = one(aws_sns_topic_subscription.operators[*].endpoint) == "operators@example.com"
    error_message = "alarm_email is not subscribed."
  }

  assert {
    condition     = join(" ", [for object in aws_s3_object.wheels : object.key]) == "bootstrap/wheels/install.sh"
    error_message = "The files of wheels_directory are not uploaded where the bootstrap action looks."
  }

  assert {
    condition     = one(aws_emr_cluster.this.auto_termination_policy).idle_timeout == 5400
    error_message = "idle_timeout_minutes does not reach EMR, which counts seconds."
  }

  assert {
    condition     = length(aws_kms_key.disks) == 0 && !strcontains(aws_emr_security_configuration.this.configuration, "EncryptionConfiguration")
    error_message = "encrypt_disks = false still makes a key or asks for one."
  }

  assert {
    condition = (
      !strcontains(aws_emr_cluster.this.configurations_json, "python3.13")
      && strcontains(aws_emr_cluster.this.configurations_json, "\"spark.sql.ansi.enabled\":\"false\"")
    )
    error_message = "cluster_python or spark_defaults does not reach the cluster."
  }

  assert {
    condition     = !strcontains(aws_emr_cluster.this.configurations_json, "spark.driver.memory") && length(data.aws_ec2_instance_type.primary) == 0
    error_message = "driver_memory_share = 0 still sizes the driver, which hurts a laptop."
  }

  assert {
    condition     = aws_subnet.cluster.availability_zone == "eu-west-1b"
    error_message = "availability_zone does not reach the subnet."
  }
}
