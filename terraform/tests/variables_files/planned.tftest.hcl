# Planned with a variables file of the command line: `-test-directory=tests/variables_files -var-file=…`.
# operations/planned.py plans by it, too: `make cost` and `make preflight` count what it would make.
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
