mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  environment = "test"
  region      = "eu-west-1"
}

run "queues" {
  command = plan

  assert {
    condition     = alltrue([for queue in concat(values(aws_sqs_queue.this), values(aws_sqs_queue.dead_letters)) : queue.sqs_managed_sse_enabled])
    error_message = "A queue is not encrypted."
  }

  assert {
    condition     = alltrue([for queue in aws_sqs_queue.this : jsondecode(queue.redrive_policy).maxReceiveCount == 5])
    error_message = "A queue has no dead letters, or gives up at another count than max_receive_count."
  }

  assert {
    condition = alltrue([
      for kind in ["visitors", "results", "texts"] :
      jsondecode(aws_sqs_queue.dead_letters["${kind}-dead-letters"].redrive_allow_policy) == {
        redrivePermission = "byQueue", sourceQueueArns = ["arn:aws:sqs:eu-west-1:123456789012:marquee-test-${kind}"]
      }
    ])
    error_message = "A dead-letter queue takes letters from other queues than its own."
  }

  assert {
    condition     = jsondecode(aws_sqs_queue.dead_letters["reconcile-dead-letters"].redrive_allow_policy) == { redrivePermission = "denyAll" }
    error_message = "A queue could name reconcile's dead letters as its own."
  }

  assert {
    condition     = alltrue([for queue in aws_sqs_queue.dead_letters : !strcontains(queue.redrive_allow_policy, "null")])
    error_message = "SQS answers a redrive_allow_policy without nulls, and the provider would wait until it times out."
  }

  assert {
    condition = [
      for statement in jsondecode(aws_sqs_queue.dead_letters["reconcile-dead-letters"].policy).Statement : statement if statement.Effect == "Allow"
      ] == [{
        Sid       = "EventBridgeGivesUp"
        Effect    = "Allow"
        Principal = { Service = "events.amazonaws.com" }
        Action    = "sqs:SendMessage"
        Resource  = "arn:aws:sqs:eu-west-1:123456789012:marquee-test-reconcile-dead-letters"
        Condition = {
          ArnEquals = {
            "aws:SourceArn" = [
              for rule in ["step-ended-badly", "sweep", "train"] : "arn:aws:events:eu-west-1:123456789012:rule/marquee-test-${rule}"
            ]
          }
          StringEquals = { "aws:SourceAccount" = "123456789012" }
        }
    }]
    error_message = "Reconcile's dead letters are taken from others than the rules of its own stack."
  }

  assert {
    condition     = alltrue([for queue in aws_sqs_queue.dead_letters : queue.message_retention_seconds == 1209600])
    error_message = "Dead letters are kept for less than 14 days."
  }

  assert {
    condition = { for kind, queue in aws_sqs_queue.this : kind => queue.visibility_timeout_seconds } == {
      visitors = 390, results = 360, texts = 360
    }
    error_message = "A visibility timeout is not six times its function's timeout."
  }

  assert {
    condition = alltrue([
      for kind, bucket in { visitors = "ratings", results = "results" } : [
        for statement in jsondecode(aws_sqs_queue.this[kind].policy).Statement : statement if statement.Effect == "Allow"
        ] == [{
          Sid       = "BucketNotifies"
          Effect    = "Allow"
          Principal = { Service = "s3.amazonaws.com" }
          Action    = "sqs:SendMessage"
          Resource  = "arn:aws:sqs:eu-west-1:123456789012:marquee-test-${kind}"
          Condition = {
            ArnEquals    = { "aws:SourceArn" = "arn:aws:s3:::marquee-test-123456789012-${bucket}" }
            StringEquals = { "aws:SourceAccount" = "123456789012" }
          }
      }]
    ])
    error_message = "A queue takes notifications from another bucket or account than its own."
  }

  assert {
    condition     = length([for statement in jsondecode(aws_sqs_queue.this["texts"].policy).Statement : statement if statement.Effect == "Allow"]) == 0
    error_message = "Somebody without a role may ask for texts."
  }

  assert {
    condition = alltrue([
      for queue in concat(values(aws_sqs_queue.this), values(aws_sqs_queue.dead_letters)) :
      anytrue([for statement in jsondecode(queue.policy).Statement : statement.Effect == "Deny" && statement.Condition == { Bool = { "aws:SecureTransport" = "false" } }])
    ])
    error_message = "A queue answers plain HTTP."
  }
}
