mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  environment = "test"
  region      = "eu-west-1"
}

run "as_on_aws" {
  command = plan

  assert {
    condition     = alltrue([for encryption in aws_s3_bucket_server_side_encryption_configuration.this : one(one(encryption.rule).apply_server_side_encryption_by_default).sse_algorithm == "AES256"]) && length(aws_s3_bucket_server_side_encryption_configuration.this) == 5
    error_message = "A bucket is not encrypted."
  }

  assert {
    condition = length(aws_s3_bucket_public_access_block.this) == 5 && alltrue([
      for block in aws_s3_bucket_public_access_block.this :
      block.block_public_acls && block.block_public_policy && block.ignore_public_acls && block.restrict_public_buckets
    ])
    error_message = "A bucket lets the public in."
  }

  assert {
    condition = alltrue([
      for kind in ["ratings", "models", "results", "site", "artifacts"] : anytrue([
        for statement in jsondecode(aws_s3_bucket_policy.this[kind].policy).Statement :
        statement.Effect == "Deny" && statement.Principal == "*" && statement.Action == "s3:*"
        && statement.Condition == { Bool = { "aws:SecureTransport" = "false" } }
        && toset(flatten([statement.Resource])) == toset([
          "arn:aws:s3:::marquee-test-123456789012-${kind}", "arn:aws:s3:::marquee-test-123456789012-${kind}/*",
        ])
      ])
    ])
    error_message = "A bucket answers plain HTTP."
  }

  assert {
    condition     = toset(keys(aws_s3_bucket_versioning.this)) == toset(["models", "site", "artifacts"])
    error_message = "Models, site and artifacts are versioned; ratings and results never, so that forgetting forgets."
  }

  assert {
    condition     = alltrue([for bucket in aws_s3_bucket.this : !bucket.force_destroy])
    error_message = "A bucket with data in it could be destroyed."
  }

  assert {
    condition = alltrue([
      for lifecycle in aws_s3_bucket_lifecycle_configuration.this :
      anytrue([for rule in lifecycle.rule : length(rule.abort_incomplete_multipart_upload) == 1 && rule.status == "Enabled"])
    ]) && length(aws_s3_bucket_lifecycle_configuration.this) == 5
    error_message = "Incomplete uploads stay for ever in a bucket."
  }

  assert {
    condition = {
      for kind, lifecycle in aws_s3_bucket_lifecycle_configuration.this :
      kind => { for rule in lifecycle.rule : one(rule.filter).prefix => one(rule.expiration).days if length(rule.expiration) == 1 }
      } == {
      ratings = { "submissions/" = 2 }, results = { "submission=" = 2 }, artifacts = { "logs/" = 30 }, models = {}, site = { "posters/" = 150 }
    }
    error_message = "Submissions and results that nothing collected expire after two days, cluster logs after 30, posters before TMDB's six months are over; visitor objects stay as training data."
  }

  assert {
    condition = alltrue([
      for kind in ["models", "site", "artifacts"] :
      anytrue([for rule in aws_s3_bucket_lifecycle_configuration.this[kind].rule : length(rule.noncurrent_version_expiration) == 1])
    ])
    error_message = "A versioned bucket keeps replaced versions for ever."
  }

  assert {
    condition     = one(aws_s3_bucket_notification.ratings.queue).filter_prefix == "visitors/" && one(aws_s3_bucket_notification.ratings.queue).filter_suffix == ".json"
    error_message = "Another object than a visitor object would start the flow."
  }

  assert {
    condition     = one(aws_s3_bucket_notification.results.queue).filter_suffix == "_SUCCESS"
    error_message = "Results would be read before the step has finished writing them."
  }
}
