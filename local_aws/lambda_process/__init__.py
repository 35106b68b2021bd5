"""Lambda functions as processes: each execution environment runs under AWS's own awslambdaric."""
