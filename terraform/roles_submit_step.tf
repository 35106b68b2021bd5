# submit-step turns a batch of visitor objects into one call to EMR.
locals {
  submit_step_statements = [
    {
      Sid      = "TakeVisitors"
      Effect   = "Allow"
      Action   = local.consume_actions
      Resource = local.queue_arns.visitors
    },
    {
      Sid      = "LetVisitorsWait"
      Effect   = "Allow"
      Action   = "sqs:SendMessage"
      Resource = local.queue_arns.visitors
    },
    {
      Sid      = "KeepSubmissions"
      Effect   = "Allow"
      Action   = "s3:PutObject"
      Resource = "${local.bucket_arns.ratings}/submissions/*"
    },
    {
      Sid      = "ReadModel"
      Effect   = "Allow"
      Action   = "s3:GetObject"
      Resource = ["${local.bucket_arns.models}/current.json", "${local.bucket_arns.models}/newest.*"]
    },
    {
      # Without it S3 answers 403 instead of 404 if no model has been trained yet.
      Sid      = "SeeMissingModel"
      Effect   = "Allow"
      Action   = "s3:ListBucket"
      Resource = local.bucket_arns.models
    },
    {
      # Visitors since the model's training are counted by listing their objects, without reading
      # them.
      Sid       = "CountVisitorObjects"
      Effect    = "Allow"
      Action    = "s3:ListBucket"
      Resource  = local.bucket_arns.ratings
      Condition = { StringLike = { "s3:prefix" = "visitors/date=*" } }
    },
    {
      Sid      = "MoveVisitors"
      Effect   = "Allow"
      Action   = ["dynamodb:BatchGetItem", "dynamodb:UpdateItem"]
      Resource = local.table_arns.visitors
    },
    {
      Sid      = "SubmitOnce"
      Effect   = "Allow"
      Action   = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"]
      Resource = local.table_arns.idempotency
    },
    {
      Sid      = "SubmitSteps"
      Effect   = "Allow"
      Action   = ["elasticmapreduce:AddJobFlowSteps", "elasticmapreduce:ListSteps"]
      Resource = local.cluster_arns
    },
  ]
}
