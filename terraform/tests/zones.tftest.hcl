# Checks the choice of the cluster's zone, which must offer the instance types of both its nodes.
mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  environment           = "test"
  region                = "eu-west-1"
  primary_instance_type = "m7g.xlarge"
  core_instance_type    = "r8g.xlarge"
}

run "the_first_zone_lacks_a_type" {
  command = plan

  override_data {
    target          = data.aws_ec2_instance_type_offerings.nodes["core"]
    override_during = plan
    values          = { locations = ["eu-west-1c", "eu-west-1b"] }
  }

  assert {
    condition     = terraform_data.zone.input == "eu-west-1b"
    error_message = "The cluster is in a zone without its core nodes' type."
  }
}

run "no_zone_offers_both" {
  command = plan

  override_data {
    target          = data.aws_ec2_instance_type_offerings.nodes["primary"]
    override_during = plan
    values          = { locations = ["eu-west-1a"] }
  }

  override_data {
    target          = data.aws_ec2_instance_type_offerings.nodes["core"]
    override_during = plan
    values          = { locations = ["eu-west-1b"] }
  }

  expect_failures = [aws_subnet.cluster]
}

run "no_zone_offers_the_type" {
  command = plan

  override_data {
    target          = data.aws_ec2_instance_type_offerings.nodes["core"]
    override_during = plan
    values          = { locations = [] }
  }

  expect_failures = [aws_subnet.cluster]
}

run "the_zone_asked_for_lacks_a_type" {
  command = plan

  variables {
    availability_zone = "eu-west-1c"
  }

  expect_failures = [aws_subnet.cluster]
}
