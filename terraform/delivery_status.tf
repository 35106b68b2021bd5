# SNS accepts a text and may fail later: the spend limit is reached, the country wants an origination
# number, the carrier refuses. The alarm counts such failures; the log, which is off by default, says
# why: https://docs.aws.amazon.com/sns/latest/dg/sms_stats_cloudwatch.html

# Everything published directly to phones is counted under one value of the dimension PhoneNumber.
# For SMS the metric rises when SNS stops trying to deliver:
# https://docs.aws.amazon.com/sns/latest/dg/sns-monitoring-using-cloudwatch.html
resource "aws_cloudwatch_metric_alarm" "texts_undelivered" {
  alarm_name          = "${local.name}-texts-undelivered"
  alarm_description   = "SNS accepted a text of this account and could not deliver it; the visitor's page says \"handed to your carrier\". Check the SMS spend limit, the origination number and, if log_failed_texts is on, the log ${local.failed_texts_log}."
  namespace           = "AWS/SNS"
  metric_name         = "NumberOfNotificationsFailed"
  dimensions          = { PhoneNumber = "PhoneNumberDirect" }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

locals {
  # SNS chooses the name.
  failed_texts_log     = "sns/${var.region}/${local.account_id}/DirectPublishToPhoneNumber/Failure"
  failed_texts_log_arn = "arn:${local.partition}:logs:${var.region}:${local.account_id}:log-group:${local.failed_texts_log}"
}

# Its lines hold phone numbers: kept for a day, encrypted with a key whose use is in CloudTrail.
resource "aws_cloudwatch_log_group" "failed_texts" {
  count = var.log_failed_texts ? 1 : 0

  name              = local.failed_texts_log
  retention_in_days = 1
  kms_key_id        = aws_kms_key.failed_texts[0].arn
}

resource "aws_kms_key" "failed_texts" {
  count = var.log_failed_texts ? 1 : 0

  description             = "Log of texts that failed, of the account of ${local.name}"
  enable_key_rotation     = true
  deletion_window_in_days = 7

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        # AWS's default statement: without it nobody could change the key again. A key's policy
        # speaks of that key alone, as "*".
        Sid       = "AccountDecides"
        Effect    = "Allow"
        Principal = { AWS = "arn:${local.partition}:iam::${local.account_id}:root" }
        Action    = "kms:*"
        Resource  = "*"
      },
      {
        Sid       = "LogsEncrypt"
        Effect    = "Allow"
        Principal = { Service = "logs.${var.region}.amazonaws.com" }
        Action    = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:GenerateDataKey", "kms:DescribeKey"]
        Resource  = "*"
        Condition = { ArnEquals = { "kms:EncryptionContext:aws:logs:arn" = local.failed_texts_log_arn } }
      },
    ]
  })
}

resource "aws_iam_role" "delivery_status" {
  count = var.log_failed_texts ? 1 : 0

  name        = "${local.name}-delivery-status"
  description = "SNS logs texts that failed"

  permissions_boundary = var.permissions_boundary

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "sns.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = local.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "delivery_status" {
  count = var.log_failed_texts ? 1 : 0

  name = "delivery-status"
  role = aws_iam_role.delivery_status[0].id

  # AWS's own role may also make groups and change how long they are kept; here the group is there,
  # and stays as it is.
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "LogFailedTexts"
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = "${local.failed_texts_log_arn}:*"
    }]
  })
}

resource "aws_sns_sms_preferences" "delivery_status" {
  count = var.log_failed_texts ? 1 : 0

  delivery_status_iam_role_arn          = aws_iam_role.delivery_status[0].arn
  delivery_status_success_sampling_rate = "0" # a text that arrived leaves no line

  # SNS must find the role's rights and the log group when the setting is made.
  depends_on = [aws_iam_role_policy.delivery_status, aws_cloudwatch_log_group.failed_texts]
}
