# One plan with every optional role and policy, for `make permissions` and for the tests that read
# policies. Its names are those that a test can derive.
mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan

  override_resource {
    target = aws_iam_role.nodes
    values = { arn = "arn:aws:iam::123456789012:role/marquee-test-nodes" }
  }
}

variables {
  environment = "test"
  region      = "eu-west-1"

  # EMR's role then has the right that Spot nodes need.
  instance_fleets = {}
  task_nodes      = { maximum = 1 }
}

run "policies" {
  command = plan
}
