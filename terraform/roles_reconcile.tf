# reconcile handles requests that wait too long: it checks EMR and the results, then retries,
# advances the request or gives up.
locals {
  reconcile_statements = [
    {
      Sid      = "FindOpenAndExpiredVisitors"
      Effect   = "Allow"
      Action   = "dynamodb:Query"
      Resource = [local.index_open_arn, local.index_expiry_arn]
    },
    {
      Sid      = "MoveVisitors"
      Effect   = "Allow"
      Action   = ["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:UpdateItem"]
      Resource = local.table_arns.visitors
    },
    {
      # The sweep forgets visitors who have expired. It also forgets those whose item is empty,
      # because a function died while it was forgetting them.
      Sid      = "ForgetVisitors"
      Effect   = "Allow"
      Action   = "dynamodb:DeleteItem"
      Resource = local.table_arns.visitors
    },
    {
      Sid      = "ForgetVisitorObjects"
      Effect   = "Allow"
      Action   = "s3:DeleteObject"
      Resource = "${local.bucket_arns.ratings}/visitors/*"
    },
    {
      # Submissions, with their results, for which no member waits.
      Sid    = "DiscardWhatIsSettled"
      Effect = "Allow"
      Action = "s3:DeleteObject"
      Resource = [
        "${local.bucket_arns.results}/submission=*", "${local.bucket_arns.ratings}/submissions/*",
      ]
    },
    {
      Sid      = "RetryOnce"
      Effect   = "Allow"
      Action   = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"]
      Resource = local.table_arns.idempotency
    },
    {
      Sid      = "AskAndRetrySteps"
      Effect   = "Allow"
      Action   = ["elasticmapreduce:AddJobFlowSteps", "elasticmapreduce:ListSteps"]
      Resource = local.cluster_arns
    },
    {
      Sid      = "ReadSubmissions"
      Effect   = "Allow"
      Action   = "s3:GetObject"
      Resource = "${local.bucket_arns.ratings}/submissions/*"
    },
    {
      # If a visitor was stored but their object was never written, reconcile writes it.
      Sid      = "WriteVisitorObjects"
      Effect   = "Allow"
      Action   = "s3:PutObject"
      Resource = "${local.bucket_arns.ratings}/visitors/*"
    },
    {
      Sid      = "ReadResults"
      Effect   = "Allow"
      Action   = "s3:GetObject"
      Resource = "${local.bucket_arns.results}/submission=*"
    },
    {
      Sid      = "ReadModel"
      Effect   = "Allow"
      Action   = "s3:GetObject"
      Resource = ["${local.bucket_arns.models}/current.json", "${local.bucket_arns.models}/newest.*"]
    },
    {
      Sid      = "SeeWhatIsThere"
      Effect   = "Allow"
      Action   = "s3:ListBucket"
      Resource = [for kind in ["ratings", "models", "results"] : local.bucket_arns[kind]]
    },
    {
      # Only texts are queued again by a message, unless their queue has a backlog. A visitor is
      # queued again by writing their object again.
      Sid      = "AskForTextsAgain"
      Effect   = "Allow"
      Action   = ["sqs:GetQueueAttributes", "sqs:SendMessage"]
      Resource = local.queue_arns.texts
    },
    {
      # Lambda uses this role to put events that reconcile failed to handle into the dead-letter
      # queue.
      Sid      = "KeepFailedCalls"
      Effect   = "Allow"
      Action   = "sqs:SendMessage"
      Resource = local.queue_arns["reconcile-dead-letters"]
    },
  ]
}
