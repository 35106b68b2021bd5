# One plan with every optional role and policy in it, for `make permissions` and for the tests that
# read policies: its names are those that a test can build again.
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
}

run "policies" {
  command = plan
}
