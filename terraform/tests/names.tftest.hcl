# Checks every name that docs/contracts.md fixes.
mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  environment = "test"
  region      = "eu-west-1"
}

run "names" {
  command = plan

  assert {
    condition = toset([for bucket in aws_s3_bucket.this : bucket.bucket]) == toset([
      "marquee-test-123456789012-ratings", "marquee-test-123456789012-models", "marquee-test-123456789012-results",
      "marquee-test-123456789012-site", "marquee-test-123456789012-artifacts",
    ])
    error_message = "The buckets are not the five of docs/contracts.md."
  }

  assert {
    condition     = toset([for table in aws_dynamodb_table.this : table.name]) == toset(["marquee-test-movies", "marquee-test-visitors", "marquee-test-idempotency", "marquee-test-lists"])
    error_message = "The tables are not the four of docs/contracts.md."
  }

  assert {
    condition     = toset([for queue in aws_sqs_queue.this : queue.name]) == toset(["marquee-test-visitors", "marquee-test-results", "marquee-test-texts"])
    error_message = "The queues are not the three of docs/contracts.md."
  }

  assert {
    condition = toset([for queue in aws_sqs_queue.dead_letters : queue.name]) == toset([
      "marquee-test-visitors-dead-letters", "marquee-test-results-dead-letters", "marquee-test-texts-dead-letters",
      "marquee-test-reconcile-dead-letters",
    ])
    error_message = "The dead-letter queues are not the four of docs/contracts.md."
  }

  assert {
    condition     = aws_sns_topic.alarms.name == "marquee-test-alarms" && aws_emr_cluster.this.name == "marquee-test"
    error_message = "Topic or cluster has another name than docs/contracts.md gives it."
  }

  assert {
    condition = toset([for parameter in aws_ssm_parameter.this : parameter.name]) == toset([
      for name in [
        "ratings-bucket", "models-bucket", "results-bucket", "site-bucket", "artifacts-bucket",
        "movies-table", "visitors-table", "idempotency-table", "lists-table",
        "visitors-queue-url", "visitors-queue-arn", "results-queue-url", "results-queue-arn",
        "texts-queue-url", "texts-queue-arn", "reconcile-dead-letters-url", "reconcile-dead-letters-arn",
        "alarms-topic-arn", "cluster-id", "former-cluster-ids", "site-url", "operator", "retention",
        "ingest-role-arn", "submit-step-role-arn", "queue-results-role-arn", "send-text-role-arn", "reconcile-role-arn",
      ] : "/marquee/test/${name}"
    ])
    error_message = "The SSM parameters are not those of docs/contracts.md (token-secret is not Terraform's)."
  }

  assert {
    condition     = aws_ssm_parameter.this["cluster-id"].value == "j-TESTCLUSTER" && aws_ssm_parameter.this["visitors-table"].value == "marquee-test-visitors"
    error_message = "A parameter does not hold what its name says."
  }

  assert {
    condition     = toset([for group in aws_cloudwatch_log_group.functions : group.name]) == toset([for name in ["ingest", "submit-step", "queue-results", "send-text", "reconcile"] : "/aws/lambda/marquee-test-${name}"])
    error_message = "The log groups are not those of the five functions."
  }
}
