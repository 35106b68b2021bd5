mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  environment = "test"
  region      = "eu-west-1"
}

run "off" {
  command = plan

  assert {
    condition     = length(aws_wafv2_web_acl.api) == 0 && !contains(keys(aws_ssm_parameter.this), "web-acl-arn")
    error_message = "There is a WAF that nobody asked for."
  }

  assert {
    condition     = length(aws_sns_sms_preferences.delivery_status) + length(aws_cloudwatch_log_group.failed_texts) + length(aws_iam_role.delivery_status) + length(aws_kms_key.failed_texts) == 0
    error_message = "The account's SMS preferences are changed without being asked."
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.texts_undelivered.metric_name == "NumberOfNotificationsFailed"
      && aws_cloudwatch_metric_alarm.texts_undelivered.dimensions == tomap({ PhoneNumber = "PhoneNumberDirect" })
      && aws_cloudwatch_metric_alarm.texts_undelivered.alarm_actions == toset([aws_sns_topic.alarms.arn])
      && aws_cloudwatch_metric_alarm.texts_undelivered.treat_missing_data == "notBreaching"
    )
    error_message = "Nobody hears of a text that SNS took and could not deliver."
  }

  assert {
    condition = one([
      for statement in jsondecode(aws_iam_role_policy.functions["send-text"].policy).Statement : statement
      if contains(flatten([statement.Resource]), "arn:aws:dynamodb:eu-west-1:123456789012:table/marquee-test-idempotency")
      ]) == {
      Sid       = "CountTexts"
      Effect    = "Allow"
      Action    = "dynamodb:UpdateItem"
      Resource  = "arn:aws:dynamodb:eu-west-1:123456789012:table/marquee-test-idempotency"
      Condition = { "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = ["limit/texts-in-all/*", "limit/texts/*"] } }
    }
    error_message = "send-text may do more in the idempotency table than count texts."
  }
}

run "on" {
  command = plan

  variables {
    log_failed_texts = true
    waf              = { calls = 1500, forms = 50 }
  }

  assert {
    condition = {
      for rule in one(aws_wafv2_web_acl.api[*]).rule : rule.name => {
        limit  = one(one(rule.statement).rate_based_statement).limit
        per    = "${one(one(rule.statement).rate_based_statement).aggregate_key_type} ${one(one(rule.statement).rate_based_statement).evaluation_window_sec}"
        scoped = length(one(one(rule.statement).rate_based_statement).scope_down_statement) == 1
        blocks = length(one(rule.action).block) == 1
      }
      } == {
      calls = { limit = 1500, per = "IP 300", scoped = false, blocks = true }
      forms = { limit = 50, per = "IP 300", scoped = true, blocks = true }
    }
    error_message = "The WAF does not block an address above its limits, of forms and of all calls."
  }

  assert {
    condition     = one(aws_wafv2_web_acl.api[*]).scope == "REGIONAL" && aws_ssm_parameter.this["web-acl-arn"].value == one(aws_wafv2_web_acl.api[*]).arn
    error_message = "The SAM template cannot find the WAF that it attaches."
  }

  assert {
    condition     = !anytrue([for rule in one(aws_wafv2_web_acl.api[*]).rule : one(rule.visibility_config).sampled_requests_enabled])
    error_message = "Sampled requests show visitors' tokens."
  }

  assert {
    condition = (
      one(aws_cloudwatch_log_group.failed_texts[*]).name == "sns/eu-west-1/123456789012/DirectPublishToPhoneNumber/Failure"
      && one(aws_cloudwatch_log_group.failed_texts[*]).retention_in_days == 1
      && one(aws_cloudwatch_log_group.failed_texts[*]).kms_key_id == one(aws_kms_key.failed_texts[*]).arn
    )
    error_message = "The log of failed texts is not the one that SNS writes, or keeps numbers too long, or unencrypted."
  }

  assert {
    condition     = one(aws_sns_sms_preferences.delivery_status[*]).delivery_status_success_sampling_rate == "0"
    error_message = "Texts that arrived are logged, too."
  }

  assert {
    condition = jsondecode(one(aws_iam_role_policy.delivery_status[*]).policy).Statement == [{
      Sid      = "LogFailedTexts"
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = "arn:aws:logs:eu-west-1:123456789012:log-group:sns/eu-west-1/123456789012/DirectPublishToPhoneNumber/Failure:*"
    }]
    error_message = "SNS may do more than log failed texts."
  }

  assert {
    condition     = jsondecode(one(aws_iam_role.delivery_status[*]).assume_role_policy).Statement[0].Condition.StringEquals == { "aws:SourceAccount" = "123456789012" }
    error_message = "SNS could use the role for another account."
  }
}

run "detached" {
  command = plan

  variables {
    waf = { attached = false }
  }

  assert {
    condition     = length(aws_wafv2_web_acl.api) == 1 && !contains(keys(aws_ssm_parameter.this), "web-acl-arn")
    error_message = "A WAF that is to go is still attached."
  }
}

run "limits_that_waf_does_not_take" {
  command = plan

  variables {
    waf = { forms = 5 }
  }

  expect_failures = [var.waf]
}
