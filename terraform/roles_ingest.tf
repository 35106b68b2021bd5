# ingest serves the API: it computes picks from the model, and writes a visitor's form to the table
# and the bucket.
locals {
  ingest_statements = [
    {
      Sid      = "ReadModel"
      Effect   = "Allow"
      Action   = "s3:GetObject"
      Resource = "${local.bucket_arns.models}/*"
    },
    {
      # Without it S3 answers 403 for a missing model, and the fallback could not distinguish that
      # from a forbidden one.
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
      # "Forget me" deletes the item.
      Sid      = "ForgetVisitors"
      Effect   = "Allow"
      Action   = "dynamodb:DeleteItem"
      Resource = local.table_arns.visitors
    },
    {
      # Counts for the limits, proofs of work that were used, and visitors who were forgotten.
      Sid      = "CountAndRemember"
      Effect   = "Allow"
      Action   = ["dynamodb:GetItem", "dynamodb:UpdateItem"]
      Resource = local.table_arns.idempotency
    },
    {
      # A list that is taken back is emptied by an update; DynamoDB deletes it at its expiry.
      Sid      = "ShareLists"
      Effect   = "Allow"
      Action   = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"]
      Resource = local.table_arns.lists
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
      # … and finds the versions' numbers by listing the dates that the item contains.
      Sid       = "FindVisitorObjects"
      Effect    = "Allow"
      Action    = "s3:ListBucket"
      Resource  = local.bucket_arns.ratings
      Condition = { StringLike = { "s3:prefix" = "visitors/date=*" } }
    },
    {
      # Decryption needs no statement: the policy of the AWS managed key aws/ssm allows every
      # principal of the account that may read the parameter to decrypt it through SSM.
      Sid      = "ReadTokenSecret"
      Effect   = "Allow"
      Action   = "ssm:GetParameter"
      Resource = local.token_secret_arn
    },
  ]
}
