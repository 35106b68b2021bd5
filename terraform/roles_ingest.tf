# ingest answers the API: picks from the model, and a visitor's form into the table and the bucket.
locals {
  ingest_statements = [
    {
      Sid      = "ReadModel"
      Effect   = "Allow"
      Action   = "s3:GetObject"
      Resource = "${local.bucket_arns.models}/*"
    },
    {
      # Without it S3 answers 403 where a model is merely missing, and no fallback could tell.
      Sid      = "SeeMissingModel"
      Effect   = "Allow"
      Action   = "s3:ListBucket"
      Resource = local.bucket_arns.models
    },
    {
      Sid      = "KeepVisitors"
      Effect   = "Allow"
      Action   = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"]
      Resource = local.table_arns.visitors
    },
    {
      # "Forget me" deletes the item, for good.
      Sid      = "ForgetVisitors"
      Effect   = "Allow"
      Action   = "dynamodb:DeleteItem"
      Resource = local.table_arns.visitors
    },
    {
      # What was counted against a limit, which proofs of work were used, and who was forgotten.
      Sid      = "CountAndRemember"
      Effect   = "Allow"
      Action   = ["dynamodb:GetItem", "dynamodb:UpdateItem"]
      Resource = local.table_arns.idempotency
    },
    {
      Sid      = "WriteVisitorObjects"
      Effect   = "Allow"
      Action   = "s3:PutObject"
      Resource = "${local.bucket_arns.ratings}/visitors/*"
    },
    {
      # "Forget me" deletes the objects of all the visitor's versions …
      Sid      = "ForgetVisitorObjects"
      Effect   = "Allow"
      Action   = "s3:DeleteObject"
      Resource = "${local.bucket_arns.ratings}/visitors/*"
    },
    {
      # … whose numbers it has to look up under the dates that the item names.
      Sid       = "FindVisitorObjects"
      Effect    = "Allow"
      Action    = "s3:ListBucket"
      Resource  = local.bucket_arns.ratings
      Condition = { StringLike = { "s3:prefix" = "visitors/date=*" } }
    },
    {
      # Decrypting needs no statement: the policy of AWS's key aws/ssm lets everybody in the account
      # who may read the parameter decrypt it through SSM.
      Sid      = "ReadTokenSecret"
      Effect   = "Allow"
      Action   = "ssm:GetParameter"
      Resource = local.token_secret_arn
    },
  ]
}
