# send-text is the only function that sends to phones.
locals {
  send_text_statements = [
    {
      Sid      = "TakeTexts"
      Effect   = "Allow"
      Action   = local.consume_actions
      Resource = local.queue_arns.texts
    },
    {
      Sid      = "MoveVisitors"
      Effect   = "Allow"
      Action   = ["dynamodb:GetItem", "dynamodb:UpdateItem"]
      Resource = local.table_arns.visitors
    },
    {
      Sid      = "ReadMovies"
      Effect   = "Allow"
      Action   = "dynamodb:BatchGetItem"
      Resource = local.table_arns.movies
    },
    {
      # One item counts all texts of a day, and one item per phone mark counts those to a phone.
      # send-text may write no other items.
      Sid       = "CountTexts"
      Effect    = "Allow"
      Action    = "dynamodb:UpdateItem"
      Resource  = local.table_arns.idempotency
      Condition = { "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = ["limit/texts-in-all/*", "limit/texts/*"] } }
    },
    {
      Sid      = "ReadTokenSecret"
      Effect   = "Allow"
      Action   = "ssm:GetParameter"
      Resource = local.token_secret_arn
    },
    {
      # A phone number has no ARN, so the rights to publish to one and to check whether it has opted
      # out can only be granted on "*". The next statement denies what else "*" would allow.
      Sid      = "TextPhones"
      Effect   = "Allow"
      Action   = ["sns:Publish", "sns:CheckIfPhoneNumberIsOptedOut"]
      Resource = "*"
    },
    {
      Sid      = "NeverPublishToTopics"
      Effect   = "Deny"
      Action   = "sns:Publish"
      Resource = "arn:${local.partition}:sns:*:*:*"
    },
  ]
}
