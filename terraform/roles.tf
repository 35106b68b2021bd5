# One role per function, with the statements of its roles_<function>.tf and the statements that
# every function needs. No role has a permission only because another function needs it.
locals {
  function_statements = {
    ingest        = local.ingest_statements
    submit-step   = local.submit_step_statements
    queue-results = local.queue_results_statements
    send-text     = local.send_text_statements
    reconcile     = local.reconcile_statements
  }

  # Terraform creates the log groups, so that their logs expire. The functions may not create log
  # groups, because the logs in those would never expire.
  log_group_arns = {
    for name in local.functions :
    name => "arn:${local.partition}:logs:${var.region}:${local.account_id}:log-group:/aws/lambda/${local.name}-${name}"
  }

  index_open_arn   = "${local.table_arns.visitors}/index/open"
  index_expiry_arn = "${local.table_arns.visitors}/index/expiry"

  # The SQS actions of AWS's policy AWSLambdaSQSQueueExecutionRole: Lambda polls a queue with the
  # function's role.
  consume_actions = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
}

resource "aws_cloudwatch_log_group" "functions" {
  for_each = local.functions

  name              = "/aws/lambda/${local.name}-${each.value}"
  retention_in_days = var.retention_days.function_logs
}

resource "aws_iam_role" "functions" {
  for_each = local.functions

  name        = "${local.name}-${each.value}"
  description = "Function ${each.value} of ${local.name}"

  permissions_boundary = var.permissions_boundary

  # No condition on the source account: Lambda does not send it when it assumes a function's role.
  # iam:PassRole decides who may give the role to a function.
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy" "functions" {
  for_each = local.functions

  name = each.value
  role = aws_iam_role.functions[each.value].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Sid      = "WriteOwnLogs"
          Effect   = "Allow"
          Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
          Resource = "${local.log_group_arns[each.value]}:*"
        },
        {
          # X-Ray has no resource-level permissions: these two actions can only be granted on "*".
          Sid      = "SendTraces"
          Effect   = "Allow"
          Action   = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
          Resource = "*"
        },
      ],
      local.function_statements[each.value],
    )
  })
}
