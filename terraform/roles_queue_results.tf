# queue-results stores the picks of a served submission and asks for the texts.
locals {
  queue_results_statements = [
    {
      Sid      = "TakeResults"
      Effect   = "Allow"
      Action   = local.consume_actions
      Resource = local.queue_arns.results
    },
    {
      Sid      = "ReadResults"
      Effect   = "Allow"
      Action   = "s3:GetObject"
      Resource = "${local.bucket_arns.results}/submission=*"
    },
    {
      Sid      = "SeeResults"
      Effect   = "Allow"
      Action   = "s3:ListBucket"
      Resource = local.bucket_arns.results
    },
    {
      Sid      = "MoveVisitors"
      Effect   = "Allow"
      Action   = ["dynamodb:GetItem", "dynamodb:UpdateItem"]
      Resource = local.table_arns.visitors
    },
    {
      Sid      = "AskForTexts"
      Effect   = "Allow"
      Action   = "sqs:SendMessage"
      Resource = local.queue_arns.texts
    },
  ]
}
