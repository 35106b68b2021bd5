# The parameters that the SAM template resolves, and two that only the site's pages show. token-secret
# is not among them: `operations` creates it on the first deployment, so that Terraform's state
# contains no secret.
locals {
  # How many days what a visitor gave may be kept after they were forgotten, for the site's page on
  # privacy (docs/decisions/0015-forgetting.md).
  retention = {
    # S3 ends a lifecycle rule's period at the next midnight UTC.
    batch_days = max(var.retention_days.results, var.retention_days.submissions) + 1
    # The functions' logs, and traces, which X-Ray keeps for 30 days. Messages live 14 days at most.
    log_days = max(var.retention_days.function_logs, 30)
    # Point-in-time recovery, whose period tables.tf leaves at DynamoDB's default.
    backup_days = 35
    # null: SNS does not log texts that failed.
    failed_text_days = var.log_failed_texts ? aws_cloudwatch_log_group.failed_texts[0].retention_in_days : null
  }

  parameters = merge(
    { for kind in local.bucket_kinds : "${kind}-bucket" => aws_s3_bucket.this[kind].id },
    { for kind in local.table_kinds : "${kind}-table" => aws_dynamodb_table.this[kind].name },
    { for kind in local.queue_kinds : "${kind}-queue-url" => aws_sqs_queue.this[kind].url },
    { for kind in local.queue_kinds : "${kind}-queue-arn" => aws_sqs_queue.this[kind].arn },
    { for name in local.functions : "${name}-role-arn" => aws_iam_role.functions[name].arn },
    {
      reconcile-dead-letters-url = aws_sqs_queue.dead_letters["reconcile-dead-letters"].url
      reconcile-dead-letters-arn = aws_sqs_queue.dead_letters["reconcile-dead-letters"].arn
      alarms-topic-arn           = aws_sns_topic.alarms.arn
      cluster-id                 = aws_emr_cluster.this.id
      # SSM accepts no empty value.
      former-cluster-ids = length(var.former_cluster_ids) == 0 ? "none" : join(",", var.former_cluster_ids)
      site-url           = local.site_url
      operator           = jsonencode(var.operator)
      retention          = jsonencode(local.retention)
    },
    # Absent unless a WAF is to be attached.
    try(var.waf.attached, false) ? { web-acl-arn = aws_wafv2_web_acl.api[0].arn } : {},
  )
}

resource "aws_ssm_parameter" "this" {
  for_each = local.parameters

  name  = "${local.parameter_prefix}/${each.key}"
  type  = "String"
  value = each.value
}
