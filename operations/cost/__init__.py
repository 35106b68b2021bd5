"""Estimate a deployment's monthly cost from Terraform's plan and the SAM template."""
