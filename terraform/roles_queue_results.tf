# queue-results stores the picks of a submission and queues the texts.
locals {
  queue_results_statements = [
    {
      Sid      = "TakeResults"
      Effect   = "Allow"
      Action   = local.consume_actions
      Resource = local.queue_arns.results
    },
    {
      # To hand on the results that a run has no time for.
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
      # They hold ratings and picks of visitors, who may be forgotten meanwhile. They are deleted as
      # soon as no member waits for them …
      Sid    = "DiscardWhatIsCollected"
      Effect = "Allow"
      Action = "s3:DeleteObject"
      Resource = [
        "${local.bucket_arns.results}/submission=*", "${local.bucket_arns.ratings}/submissions/*",
      ]
    },
    {
      # … and the submission lists its members.
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
