# Each queue, its dead letters, and who may send. Policies are attributes of the queues, not
# resources of their own: the provider waits about half a minute after each change of a queue, and
# this way it waits once.
locals {
  queue_notifiers = {
    visitors = local.bucket_arns.ratings
    results  = local.bucket_arns.results
  }

  # Lambda and the functions send with their roles; only senders without one need a statement.
  queue_statements = {
    for kind, arn in local.queue_arns : kind => concat(
      [
        for required in [var.require_tls] : {
          Sid       = "RefusePlainHttp"
          Effect    = "Deny"
          Principal = "*"
          Action    = "sqs:*"
          Resource  = arn
          Condition = { Bool = { "aws:SecureTransport" = "false" } }
        } if required
      ],
      [
        for bucket_arn in compact([lookup(local.queue_notifiers, kind, "")]) : {
          Sid       = "BucketNotifies"
          Effect    = "Allow"
          Principal = { Service = "s3.amazonaws.com" }
          Action    = "sqs:SendMessage"
          Resource  = arn
          Condition = {
            ArnEquals    = { "aws:SourceArn" = bucket_arn }
            StringEquals = { "aws:SourceAccount" = local.account_id }
          }
        }
      ],
      [
        # What EventBridge could not deliver to reconcile at all.
        for rules in [local.reconcile_rule_arns] : {
          Sid       = "EventBridgeGivesUp"
          Effect    = "Allow"
          Principal = { Service = "events.amazonaws.com" }
          Action    = "sqs:SendMessage"
          Resource  = arn
          Condition = {
            ArnEquals    = { "aws:SourceArn" = rules }
            StringEquals = { "aws:SourceAccount" = local.account_id }
          }
        } if kind == "reconcile-dead-letters"
      ],
    )
  }

  queue_policies = {
    for kind, statements in local.queue_statements :
    kind => length(statements) == 0 ? null : jsonencode({ Version = "2012-10-17", Statement = statements })
  }
}

resource "aws_sqs_queue" "dead_letters" {
  for_each = local.dead_letter_kinds

  name                      = "${local.name}-${each.value}"
  message_retention_seconds = 14 * 24 * 60 * 60
  sqs_managed_sse_enabled   = true
  policy                    = local.queue_policies[each.value]

  # Only the queue these letters come from; reconcile's arrive from Lambda and EventBridge instead.
  # Encoded apart: one conditional makes both of one type and adds sourceQueueArns = null, which
  # SQS never answers and the provider waits for in vain (hashicorp/terraform-provider-aws#42453).
  redrive_allow_policy = (
    each.value == "reconcile-dead-letters"
    ? jsonencode({ redrivePermission = "denyAll" })
    : jsonencode({ redrivePermission = "byQueue", sourceQueueArns = [local.queue_arns[trimsuffix(each.value, "-dead-letters")]] })
  )
}

resource "aws_sqs_queue" "this" {
  for_each = local.queue_kinds

  name                       = "${local.name}-${each.value}"
  visibility_timeout_seconds = var.queue_visibility_seconds[each.value]
  receive_wait_time_seconds  = 20
  # A broken function can be mended over a long weekend; marquee.aws.ledger remembers for longer.
  message_retention_seconds = 4 * 24 * 60 * 60
  sqs_managed_sse_enabled   = true
  policy                    = local.queue_policies[each.value]

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letters["${each.value}-dead-letters"].arn
    maxReceiveCount     = var.max_receive_count
  })
}
