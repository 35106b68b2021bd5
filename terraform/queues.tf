# The queues, their dead-letter queues, and who may send to them. Policies are attributes of the
# queues instead of separate resources: the provider waits about half a minute after each change to
# a queue, and this way it waits once.
locals {
  queue_notifiers = {
    visitors = local.bucket_arns.ratings
    results  = local.bucket_arns.results
  }

  # Lambda and the functions send with their roles. Only senders that have no role need a statement.
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
        # For events that EventBridge could not deliver to reconcile.
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

  # Only its own queue may send messages to a dead-letter queue. reconcile's dead letters come from
  # Lambda and EventBridge instead of a queue. The two branches are encoded separately: jsonencode
  # around the conditional would give both the same type and add sourceQueueArns = null, which SQS
  # never returns, so the provider would wait for it in vain
  # (hashicorp/terraform-provider-aws#42453).
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
  # Four days leave a long weekend to repair a broken function; marquee.aws.ledger remembers for
  # longer.
  message_retention_seconds = 4 * 24 * 60 * 60
  sqs_managed_sse_enabled   = true
  policy                    = local.queue_policies[each.value]

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letters["${each.value}-dead-letters"].arn
    maxReceiveCount     = var.max_receive_count
  })
}
