mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  environment = "test"
  region      = "eu-west-1"
}

run "alarms" {
  command = plan

  assert {
    condition     = { for kind, alarm in aws_cloudwatch_metric_alarm.dead_letters : alarm.dimensions.QueueName => alarm.threshold } == { for queue in aws_sqs_queue.dead_letters : queue.name => 0 }
    error_message = "A dead-letter queue has no alarm for its first letter."
  }

  assert {
    condition     = toset([for alarm in aws_cloudwatch_metric_alarm.oldest_message : alarm.dimensions.QueueName]) == toset([for queue in aws_sqs_queue.this : queue.name])
    error_message = "A queue has no alarm for the age of its oldest message."
  }

  assert {
    condition     = toset([for alarm in aws_cloudwatch_metric_alarm.function_errors : alarm.dimensions.FunctionName]) == toset([for name in ["ingest", "submit-step", "queue-results", "send-text", "reconcile"] : "marquee-test-${name}"])
    error_message = "A function has no alarm for its errors."
  }

  assert {
    condition = {
      for name, alarm in aws_cloudwatch_metric_alarm.flow : name => "${alarm.metric_name} ${alarm.dimensions.service}"
      } == {
      "steps-failed"                  = "StepsFailed reconcile"
      "cluster-gone"                  = "VisitorsWaitingWithoutCluster reconcile"
      "delivery-unknown-send-text"    = "DeliveryUnknown send-text"
      "delivery-unknown-reconcile"    = "DeliveryUnknown reconcile"
      "model-unreadable"              = "ModelsUnreadable ingest"
      "texts-over-the-cap"            = "TextsOverTheCap send-text"
      "visitors-left-out"             = "VisitorsLeftOut reconcile"
      "visitors-failed-submit-step"   = "VisitorsFailed submit-step"
      "visitors-failed-queue-results" = "VisitorsFailed queue-results"
      "visitors-failed-send-text"     = "VisitorsFailed send-text"
      "visitors-failed-reconcile"     = "VisitorsFailed reconcile"
    }
    error_message = "Failed steps, a cluster gone, an unknown delivery or a failed visitor raises no alarm for a function that counts it."
  }

  assert {
    condition = alltrue([
      for alarm in aws_cloudwatch_metric_alarm.flow :
      alarm.namespace == "Marquee" && toset(keys(alarm.dimensions)) == toset(["environment", "service"]) && alarm.dimensions.environment == "test"
    ])
    error_message = "An alarm looks at other dimensions than the functions count under."
  }

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.flow : length(alarm.metric_query) == 0 && alarm.threshold == 0 && alarm.treat_missing_data == "notBreaching"])
    error_message = "An alarm needs a metric that may never have been counted, or takes silence for harm."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.texts_spend.treat_missing_data == "ignore"
    error_message = "The alarm for texts' spend would end with the first quiet minute."
  }

  assert {
    condition = alltrue([
      for alarm in concat(
        values(aws_cloudwatch_metric_alarm.dead_letters), values(aws_cloudwatch_metric_alarm.oldest_message),
        values(aws_cloudwatch_metric_alarm.function_errors), values(aws_cloudwatch_metric_alarm.flow),
        values(aws_cloudwatch_metric_alarm.function_throttles), values(aws_cloudwatch_metric_alarm.function_slow),
        values(aws_cloudwatch_metric_alarm.cluster),
        [aws_cloudwatch_metric_alarm.api_errors, aws_cloudwatch_metric_alarm.texts_spend],
      ) : alarm.alarm_actions == toset([aws_sns_topic.alarms.arn]) && alarm.alarm_description != ""
    ])
    error_message = "An alarm reaches nobody, or does not say what to do."
  }

  assert {
    condition = jsondecode(aws_cloudwatch_event_rule.cluster_ended.event_pattern).detail == {
      clusterId = ["j-TESTCLUSTER"], state = ["TERMINATED", "TERMINATED_WITH_ERRORS"]
    } && aws_cloudwatch_event_target.cluster_ended.arn == aws_sns_topic.alarms.arn
    error_message = "Nobody hears when the cluster ends."
  }

  assert {
    condition = (
      jsondecode(aws_cloudwatch_event_rule.step_failed.event_pattern) == {
        source = ["aws.emr"], detail-type = ["EMR Step Status Change"]
        detail = { clusterId = ["j-TESTCLUSTER"], state = ["FAILED"] }
      }
      && aws_cloudwatch_event_target.step_failed.arn == aws_sns_topic.alarms.arn
      && !strcontains(one(aws_cloudwatch_event_target.step_failed.input_transformer).input_template, "<message>")
    )
    error_message = "Nobody hears when a step of this cluster fails, or of another cluster's as well."
  }

  assert {
    condition = anytrue([
      for statement in jsondecode(aws_sns_topic_policy.alarms.policy).Statement :
      statement.Principal == { Service = "events.amazonaws.com" } && statement.Action == "sns:Publish" && !can(statement.Condition)
    ])
    error_message = "EventBridge may not publish to the alarms' topic."
  }

  assert {
    condition = (
      toset([for alarm in aws_cloudwatch_metric_alarm.function_throttles : alarm.dimensions.FunctionName]) == toset([for alarm in aws_cloudwatch_metric_alarm.function_errors : alarm.dimensions.FunctionName])
      && alltrue([for alarm in aws_cloudwatch_metric_alarm.function_throttles : alarm.metric_name == "Throttles" && alarm.threshold == 0])
    )
    error_message = "A function that is throttled raises no alarm."
  }

  assert {
    condition = {
      for name, alarm in aws_cloudwatch_metric_alarm.function_slow : name => "${alarm.metric_name} ${alarm.extended_statistic} ${alarm.threshold}"
      } == {
      ingest        = "Duration p95 16000"
      submit-step   = "Duration p95 48000"
      queue-results = "Duration p95 48000"
      send-text     = "Duration p95 48000"
      reconcile     = "Duration p95 96000"
    }
    error_message = "A function that nearly runs out of time raises no alarm."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.api_errors.metric_name == "5XXError" && aws_cloudwatch_metric_alarm.api_errors.dimensions == tomap({ ApiName = "marquee-test", Stage = "v1" })
    error_message = "The API's failures raise no alarm."
  }

  assert {
    condition = {
      for alarm in aws_cloudwatch_metric_alarm.cluster : alarm.metric_name => "${alarm.comparison_operator} ${alarm.threshold} ${alarm.dimensions.JobFlowId}"
      } == {
      HDFSUtilization  = "GreaterThanThreshold 80 j-TESTCLUSTER"
      MRUnhealthyNodes = "GreaterThanThreshold 0 j-TESTCLUSTER"
      CoreNodesRunning = "LessThanThreshold 2 j-TESTCLUSTER"
    }
    error_message = "A full or shrunken cluster raises no alarm."
  }

  # Each alarm is 10 cents a month.
  assert {
    condition = 39 == sum([
      for alarms in [
        aws_cloudwatch_metric_alarm.dead_letters, aws_cloudwatch_metric_alarm.oldest_message, aws_cloudwatch_metric_alarm.function_errors,
        aws_cloudwatch_metric_alarm.function_throttles, aws_cloudwatch_metric_alarm.function_slow, aws_cloudwatch_metric_alarm.flow,
        aws_cloudwatch_metric_alarm.cluster, { api = aws_cloudwatch_metric_alarm.api_errors, texts = aws_cloudwatch_metric_alarm.texts_spend, undelivered = aws_cloudwatch_metric_alarm.texts_undelivered },
      ] : length(alarms)
    ])
    error_message = "The number of alarms changed: is each one worth 10 cents a month?"
  }

  assert {
    condition     = length(aws_sns_topic_subscription.operators) == 0
    error_message = "There is a subscription although alarm_email is null."
  }

  assert {
    condition = alltrue([
      for metric in ["VisitorsReceived", "VisitorsSubmitted", "VisitorsRecommended", "VisitorsTexted", "VisitorsFailed", "StepsFailed", "SecondsFromFormToText", "SecondsToPicksAtOnce", "EstimatedCharges", "ModelTestRmse", "PickStarsError", "ApproximateAgeOfOldestMessage", "SMSMonthToDateSpentUSD"] :
      strcontains(aws_cloudwatch_dashboard.flow.dashboard_body, metric)
    ])
    error_message = "The dashboard leaves out a part of the flow."
  }

  # AWS/Billing exists in us-east-1 only.
  assert {
    condition = alltrue([
      for widget in jsondecode(aws_cloudwatch_dashboard.flow.dashboard_body).widgets :
      widget.properties.region == (strcontains(jsonencode(widget), "AWS/Billing") ? "us-east-1" : "eu-west-1")
      if widget.type == "metric"
    ])
    error_message = "A widget reads its metrics in another region than the one that has them."
  }

  assert {
    condition = [
      for widget in jsondecode(aws_cloudwatch_dashboard.flow.dashboard_body).widgets :
      substr(widget.properties.title, 0, 1) if widget.type == "metric" && can(tonumber(substr(widget.properties.title, 0, 1)))
    ] == ["1", "2", "3", "4", "4", "5"]
    error_message = "The dashboard does not begin with a visitor's story in order."
  }
}
