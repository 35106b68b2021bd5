# The parameters that the SAM template resolves. token-secret is not among them: `operations`
# creates it on the first deployment, so that Terraform's state contains no secret.
locals {
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
