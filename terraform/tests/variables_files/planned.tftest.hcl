# Planned with the variables file named on the command line:
# `-test-directory=tests/variables_files -var-file=…`. operations/planned.py also plans with it:
# `make cost` and `make preflight` count what the plan would create.
mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

run "planned" {
  command = plan

  assert {
    condition     = aws_emr_cluster.this.name == "marquee-${var.environment}"
    error_message = "The variables file plans another deployment than it names."
  }
}
