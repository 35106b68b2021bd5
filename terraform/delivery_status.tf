# SNS can accept a text and fail to deliver it later: the spend limit is reached, the country
# requires an origination number, or the carrier refuses it. The alarm counts such failures. The
# log, which is off by default, gives the reason:
# https://docs.aws.amazon.com/sns/latest/dg/sms_stats_cloudwatch.html

# Everything published directly to phones is counted under one value of the dimension PhoneNumber.
# For SMS the metric rises when SNS stops trying to deliver:
# https://docs.aws.amazon.com/sns/latest/dg/sns-monitoring-using-cloudwatch.html
resource "aws_cloudwatch_metric_alarm" "texts_undelivered" {
  alarm_name          = "${local.name}-texts-undelivered"
  alarm_description   = "SNS accepted a text of this account and could not deliver it; the visitor's page says \"handed to your carrier\". If log_failed_texts is on, the log ${local.failed_texts_log} has the reason. First: check the SMS spend limit and the origination number with `make preflight ENV=${var.environment}`. Runbook: docs/runbook.md#texts-undelivered"
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

# The log contains phone numbers, so it is kept for one day and encrypted with a key whose use
# CloudTrail records.
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
        # AWS's default statement; without it nobody could change the key again. In a key's
        # policy, "*" means only that key.
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

  # The role that AWS creates for this may also create log groups and change their retention. This
  # role may not, because the group already exists and its retention must stay one day.
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
  delivery_status_success_sampling_rate = "0" # do not log texts that arrived

  # The role's permissions and the log group must exist when SNS gets this setting.
  depends_on = [aws_iam_role_policy.delivery_status, aws_cloudwatch_log_group.failed_texts]
}
