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
      # What it has no time for, it hands on to its next run.
      Sid      = "HandOnResults"
      Effect   = "Allow"
      Action   = "sqs:SendMessage"
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
      # Ratings and picks of visitors who may be forgotten: deleted once nobody waits for them …
      Sid    = "DiscardWhatIsCollected"
      Effect = "Allow"
      Action = "s3:DeleteObject"
      Resource = [
        "${local.bucket_arns.results}/submission=*", "${local.bucket_arns.ratings}/submissions/*",
      ]
    },
    {
      # … which the submission's members tell.
      Sid      = "ReadSubmissions"
      Effect   = "Allow"
      Action   = "s3:GetObject"
      Resource = "${local.bucket_arns.ratings}/submissions/*"
    },
    {
      Sid       = "SeeSubmissions"
      Effect    = "Allow"
      Action    = "s3:ListBucket"
      Resource  = local.bucket_arns.ratings
      Condition = { StringLike = { "s3:prefix" = "submissions/*" } }
    },
    {
      Sid      = "MoveVisitors"
      Effect   = "Allow"
      Action   = ["dynamodb:BatchGetItem", "dynamodb:UpdateItem"]
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
