# reconcile mends what got stuck: it asks EMR and the results, retries, moves on or gives up.
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
      # Visitors expire, and a function that died while it forgot somebody left an empty item: the
      # sweep forgets both.
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
      # Submissions whose members have all finished.
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
      # A visitor stored whose object was never written gets it now.
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
      Resource = "${local.bucket_arns.models}/current.json"
    },
    {
      Sid      = "SeeWhatIsThere"
      Effect   = "Allow"
      Action   = "s3:ListBucket"
      Resource = [for kind in ["ratings", "models", "results"] : local.bucket_arns[kind]]
    },
    {
      # A visitor is announced again by writing the object again; only texts are asked for here.
      Sid      = "AskForTextsAgain"
      Effect   = "Allow"
      Action   = "sqs:SendMessage"
      Resource = local.queue_arns.texts
    },
    {
      # Lambda puts a call it could not get through here, with this role.
      Sid      = "KeepFailedCalls"
      Effect   = "Allow"
      Action   = "sqs:SendMessage"
      Resource = local.queue_arns["reconcile-dead-letters"]
    },
  ]
}
