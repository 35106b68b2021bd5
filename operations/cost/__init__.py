"""What a deployment costs a month, counted from Terraform's plan and the SAM template."""
