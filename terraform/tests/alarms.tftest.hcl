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
        [aws_cloudwatch_metric_alarm.applications_failed, aws_cloudwatch_metric_alarm.texts_spend],
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
    condition     = length(aws_sns_topic_subscription.operators) == 0
    error_message = "Somebody is subscribed whom nobody named."
  }

  assert {
    condition = alltrue([
      for metric in ["VisitorsReceived", "VisitorsSubmitted", "VisitorsRecommended", "VisitorsTexted", "VisitorsFailed", "StepsFailed", "SecondsFromFormToText", "ApproximateAgeOfOldestMessage", "SMSMonthToDateSpentUSD"] :
      strcontains(aws_cloudwatch_dashboard.flow.dashboard_body, metric)
    ])
    error_message = "The dashboard leaves out a part of the flow."
  }
}
