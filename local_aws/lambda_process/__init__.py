"""Runs Lambda functions as processes: each execution environment runs AWS's own awslambdaric."""
