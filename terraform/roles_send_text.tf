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
      # The texts of a day are counted in one item, those to a phone in one by its mark, and
      # send-text may write no other.
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
      # A phone number has no ARN: publishing to one and asking whether it has opted out can only
      # be granted on "*". The next statement takes back what else that allows.
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
