# Every bad value is refused before anything is planned.
mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  environment = "test"
  region      = "eu-west-1"
}

run "names_that_cannot_be" {
  command = plan
  variables {
    environment  = "a-very-long-environment"
    site_hosting = "website"
  }
  expect_failures = [var.environment, var.site_hosting]
}

run "values_out_of_range" {
  command = plan
  variables {
    environment                  = "Staging"
    region                       = "Ireland"
    account_id                   = "1234"
    retention_days               = { results = 0, function_logs = 2 }
    website_endpoint             = "http://localhost/"
    cloudfront_price_class       = "cheap"
    queue_visibility_seconds     = { texts = 50000 }
    max_receive_count            = 0
    vpc_cidr                     = "10.0.0.0/28"
    availability_zone            = "eu-west-1"
    release_label                = "8.0.0"
    cluster_python               = "python3"
    primary_instance_type        = "large"
    core_instance_type           = "large"
    disk_gib                     = { root = 10 }
    idle_timeout_minutes         = 0
    driver_memory_share          = 0.9
    spark_defaults               = { "sql.ansi.enabled" = "true" }
    alarm_email                  = "nobody"
    oldest_message_alarm_seconds = 5
    texts_spend_alarm_usd        = 0
    tags                         = { "aws:owner" = "us" }
    operator                     = { name = "" }
  }
  expect_failures = [
    var.environment, var.region, var.account_id, var.retention_days, var.website_endpoint, var.cloudfront_price_class,
    var.queue_visibility_seconds, var.max_receive_count, var.vpc_cidr, var.availability_zone, var.release_label,
    var.cluster_python, var.primary_instance_type, var.core_instance_type, var.disk_gib,
    var.idle_timeout_minutes, var.driver_memory_share, var.spark_defaults, var.alarm_email, var.oldest_message_alarm_seconds,
    var.texts_spend_alarm_usd, var.tags, var.operator,
  ]
}

run "an_operator_whose_name_has_two_lines" {
  command = plan
  variables {
    operator = { name = "Example\nCinema" }
  }
  expect_failures = [var.operator]
}

run "an_operator_whose_name_is_too_long" {
  command = plan
  variables {
    operator = { name = "A name of sixty-one characters, which is more than sixty of them" }
  }
  expect_failures = [var.operator]
}

run "an_operator_who_cannot_be_written_to" {
  command = plan
  variables {
    operator = { contact = "javascript:alert(1)" }
  }
  expect_failures = [var.operator]
}

run "an_operator_whose_privacy_page_is_not_encrypted" {
  command = plan
  variables {
    operator = { privacy_url = "http://example.com/privacy" }
  }
  expect_failures = [var.operator]
}

run "an_operator_whose_terms_are_no_address" {
  command = plan
  variables {
    operator = { terms_url = "see below" }
  }
  expect_failures = [var.operator]
}

run "ends_when_idle_and_is_protected" {
  command = plan
  variables {
    idle_timeout_minutes   = 60
    termination_protection = true
  }
  expect_failures = [var.idle_timeout_minutes]
}

run "a_release_without_spark_4" {
  command = plan
  variables {
    release_label = "emr-7.13.0"
  }
  expect_failures = [var.release_label]
}

run "part_of_a_node" {
  command = plan
  variables {
    core_instance_count = 1.5
  }
  expect_failures = [var.core_instance_count]
}

run "a_fleet_of_something_else" {
  command = plan
  variables {
    instance_fleets = { core = ["large"] }
  }
  expect_failures = [var.instance_fleets]
}

run "no_task_nodes_at_most" {
  command = plan
  variables {
    instance_fleets = {}
    task_nodes      = { maximum = 0 }
  }
  expect_failures = [var.task_nodes]
}

run "one_node_ends_when_idle" {
  command = plan
  variables {
    core_instance_count    = 0
    idle_timeout_minutes   = 60
    termination_protection = false
  }
  expect_failures = [var.idle_timeout_minutes]
}

run "one_node_has_task_nodes" {
  command = plan
  variables {
    core_instance_count = 0
    instance_fleets     = {}
    task_nodes          = { maximum = 2 }
  }
  expect_failures = [var.task_nodes]
}

run "task_nodes_in_an_instance_group" {
  command = plan
  variables {
    task_nodes = { maximum = 2 }
  }
  expect_failures = [var.task_nodes]
}

run "more_task_nodes_at_least_than_at_most" {
  command = plan
  variables {
    instance_fleets = {}
    task_nodes      = { minimum = 3, maximum = 2 }
  }
  expect_failures = [var.task_nodes]
}

run "task_nodes_of_an_unknown_market" {
  command = plan
  variables {
    instance_fleets = {}
    task_nodes      = { maximum = 2, market = "Spot" }
  }
  expect_failures = [var.task_nodes]
}

run "a_fleet_that_lists_its_own_type" {
  command = plan
  variables {
    instance_fleets = { primary = ["m7g.xlarge"] }
  }
  expect_failures = [var.instance_fleets]
}
