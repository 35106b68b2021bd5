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
      for name, alarm in aws_cloudwatch_metric_alarm.flow : name => join(" ", distinct(flatten([for query in alarm.metric_query : query.metric[*].metric_name])))
      } == {
      steps-failed = "StepsFailed", cluster-gone = "VisitorsWaitingWithoutCluster", delivery-unknown = "DeliveryUnknown", visitors-failed = "VisitorsFailed"
    }
    error_message = "Failed steps, a cluster gone, an unknown delivery or a failed visitor raises no alarm."
  }

  assert {
    condition = alltrue(flatten([
      for alarm in aws_cloudwatch_metric_alarm.flow : [
        for metric in flatten([for query in alarm.metric_query : query.metric]) :
        metric.namespace == "Marquee" && toset(keys(metric.dimensions)) == toset(["environment", "service"]) && metric.dimensions.environment == "test"
      ]
    ]))
    error_message = "An alarm looks at other dimensions than the functions count under."
  }

  assert {
    condition     = one([for query in aws_cloudwatch_metric_alarm.flow["delivery-unknown"].metric_query : query.expression if query.return_data]) == "FILL(m0, 0) + FILL(m1, 0)"
    error_message = "An unknown delivery counted by one of two functions is not counted."
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
