# The topic for everything that needs an operator. It is not encrypted with KMS: CloudWatch could
# then publish only with a customer managed key, and an alarm contains nothing secret.
resource "aws_sns_topic" "alarms" {
  name = "${local.name}-alarms"
}

resource "aws_sns_topic_policy" "alarms" {
  arn = aws_sns_topic.alarms.arn

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "AlarmsPublish"
        Effect    = "Allow"
        Principal = { Service = "cloudwatch.amazonaws.com" }
        Action    = "sns:Publish"
        Resource  = aws_sns_topic.alarms.arn
        Condition = { StringEquals = { "aws:SourceAccount" = local.account_id } }
      },
      {
        # No condition: EventBridge does not send a source when it publishes to a topic. With a
        # condition, the notice that the cluster has ended or a step has failed would be dropped
        # silently.
        Sid       = "EventsPublish"
        Effect    = "Allow"
        Principal = { Service = "events.amazonaws.com" }
        Action    = "sns:Publish"
        Resource  = aws_sns_topic.alarms.arn
      },
    ]
  })
}

resource "aws_sns_topic_subscription" "operators" {
  count = var.alarm_email == null ? 0 : 1

  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = var.alarm_email
}

# ---------------------------------------------------------------------------------------------
# The runbook: every description ends with what to do first and with the section of
# docs/runbook.md that says how to see, mend and verify. tests/infrastructure/test_runbook.py
# compares the two.
# ---------------------------------------------------------------------------------------------

locals {
  # The function that reads each queue and sends its dead letters.
  queue_readers = { visitors = "submit-step", results = "queue-results", texts = "send-text", reconcile = "reconcile" }

  make_logs   = { for name in local.functions : name => "`make logs ENV=${var.environment} FUNCTION=${name} MINUTES=60`" }
  make_status = "`make status ENV=${var.environment}`"
}

# ---------------------------------------------------------------------------------------------
# Queues
# ---------------------------------------------------------------------------------------------

# A queue that nobody has used for six hours sends no metrics, so missing data is healthy.
resource "aws_cloudwatch_metric_alarm" "dead_letters" {
  for_each = local.dead_letter_kinds

  alarm_name          = "${local.name}-${each.value}"
  alarm_description   = "${local.name}-${each.value} holds messages that failed every delivery. First: find the error with ${local.make_logs[local.queue_readers[trimsuffix(each.value, "-dead-letters")]]}. Runbook: docs/runbook.md#dead-letters"
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.dead_letters[each.value].name }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

resource "aws_cloudwatch_metric_alarm" "oldest_message" {
  for_each = local.queue_kinds

  alarm_name          = "${local.name}-${each.value}-oldest-message"
  alarm_description   = "The oldest message in ${local.name}-${each.value} is older than ${var.oldest_message_alarm_seconds} seconds: its function fails, is throttled or no longer polls. First: find the error with ${local.make_logs[local.queue_readers[each.value]]}. Runbook: docs/runbook.md#oldest-message"
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateAgeOfOldestMessage"
  dimensions          = { QueueName = aws_sqs_queue.this[each.value].name }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 3
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.oldest_message_alarm_seconds
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

# ---------------------------------------------------------------------------------------------
# Functions
# ---------------------------------------------------------------------------------------------

resource "aws_cloudwatch_metric_alarm" "function_errors" {
  for_each = local.functions

  alarm_name          = "${local.name}-${each.value}-errors"
  alarm_description   = "Function ${local.name}-${each.value} failed. First: find the error with ${local.make_logs[each.value]}. Runbook: docs/runbook.md#function-errors"
  namespace           = "AWS/Lambda"
  metric_name         = "Errors"
  dimensions          = { FunctionName = "${local.name}-${each.value}" }
  statistic           = "Sum"
  period              = 60
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

locals {
  # In seconds: Timeout of each function in sam/template.yaml; a test compares the two.
  function_timeout_seconds = {
    ingest = 20, submit-step = 60, queue-results = 60, send-text = 60, reconcile = 120
  }
}

# A new account has a small quota of concurrent executions. A throttled API call fails; queues and
# EventBridge retry later.
resource "aws_cloudwatch_metric_alarm" "function_throttles" {
  for_each = local.functions

  alarm_name          = "${local.name}-${each.value}-throttles"
  alarm_description   = "Lambda throttled ${local.name}-${each.value}: the account's quota of concurrent executions is used up. First: see with `make preflight ENV=${var.environment}` how large the quota is. Runbook: docs/runbook.md#function-throttles"
  namespace           = "AWS/Lambda"
  metric_name         = "Throttles"
  dimensions          = { FunctionName = "${local.name}-${each.value}" }
  statistic           = "Sum"
  period              = 60
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

# Warns before the function times out: a timeout counts as an error, and the work is done again.
resource "aws_cloudwatch_metric_alarm" "function_slow" {
  for_each = local.functions

  alarm_name          = "${local.name}-${each.value}-slow"
  alarm_description   = "Function ${local.name}-${each.value} takes over four fifths of the ${local.function_timeout_seconds[each.value]} seconds after which Lambda stops it. First: see in its traces in X-Ray what it waits for. Runbook: docs/runbook.md#function-slow"
  namespace           = "AWS/Lambda"
  metric_name         = "Duration"
  dimensions          = { FunctionName = "${local.name}-${each.value}" }
  extended_statistic  = "p95"
  period              = 300
  evaluation_periods  = 3
  datapoints_to_alarm = 2
  comparison_operator = "GreaterThanThreshold"
  threshold           = local.function_timeout_seconds[each.value] * 1000 * 4 / 5
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

# The name and the only stage of the API in sam/template.yaml.
resource "aws_cloudwatch_metric_alarm" "api_errors" {
  alarm_name          = "${local.name}-api-errors"
  alarm_description   = "The API answered visitors with 5xx. 500 and 502: the function ingest failed or was throttled (see its own alarms); 503: it could not reach what it needs; 504: it took over 29 seconds. First: find the error with ${local.make_logs["ingest"]}. Runbook: docs/runbook.md#api-errors"
  namespace           = "AWS/ApiGateway"
  metric_name         = "5XXError"
  dimensions          = { ApiName = local.name, Stage = "v1" }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

# ---------------------------------------------------------------------------------------------
# The flow: metrics of the functions (namespace Marquee, dimensions environment and service)
# ---------------------------------------------------------------------------------------------

locals {
  # These metrics count problems, so missing data means that there were none.
  flow_alarms = {
    steps-failed = {
      metric   = "StepsFailed"
      services = ["reconcile"]
      meaning  = "A step failed or was cancelled. Recommend steps are retried automatically; the step's stderr is under s3://${local.buckets.artifacts}/logs/${aws_emr_cluster.this.id}/steps/."
      first    = "see with ${local.make_status} which step failed and why"
    }
    cluster-gone = {
      metric   = "VisitorsWaitingWithoutCluster"
      services = ["reconcile"]
      meaning  = "Visitors are waiting and the cluster is gone."
      first    = "make a new cluster with `make deploy ENV=${var.environment}`; the visitors are served then"
    }
    delivery-unknown = {
      metric   = "DeliveryUnknown"
      services = ["send-text", "reconcile"]
      meaning  = "A text may or may not have gone out: a function died while sending it, or SNS did not answer in time. It is not sent again automatically."
      first    = "find out how many and why with ${local.make_logs["send-text"]}"
    }
    model-unreadable = {
      metric   = "ModelsUnreadable"
      services = ["ingest"]
      meaning  = "The active model is damaged, half-written or of a newer release. Visitors get picks from an older model."
      first    = "train a new model with `make train ENV=${var.environment}`"
    }
    texts-over-the-cap = {
      metric   = "TextsOverTheCap"
      services = ["send-text"]
      meaning  = "A text was not sent, because the day's texts (SAM parameter TextsADayInAll) are used up. The visitor can see the picks on the page."
      first    = "see on the dashboard whether more forms came than usual"
    }
    visitors-left-out = {
      metric   = "VisitorsLeftOut"
      services = ["reconcile"]
      # Every sweep counts the same visitors again. A period longer than the time between two sweeps
      # keeps the alarm from switching on and off.
      period  = 900
      meaning = "The active model was trained without the visitors of certain periods, because it was worse with them; its metrics.json lists the periods."
      first   = "if the visitors are real, train with them: `make train ENV=${var.environment} ALL_VISITORS=1`"
    }
    visitors-failed = {
      metric   = "VisitorsFailed"
      services = ["submit-step", "queue-results", "send-text", "reconcile"]
      meaning  = "Requests of visitors failed; each visitor's item holds the reason."
      first    = "see the reasons with `make logs ENV=${var.environment} MINUTES=60`"
    }
  }
}

locals {
  # One alarm for each function that publishes the metric. A sum over the functions needs metric
  # math, but AWS does not document what FILL returns for a metric that was never published, and an
  # alarm may not use SEARCH.
  counted_alarms = merge([
    for name, alarm in local.flow_alarms : {
      for service in alarm.services :
      (length(alarm.services) == 1 ? name : "${name}-${service}") => {
        metric = alarm.metric, service = service, meaning = alarm.meaning, first = alarm.first, section = name
        period = try(alarm.period, 60)
      }
    }
  ]...)
}

resource "aws_cloudwatch_metric_alarm" "flow" {
  for_each = local.counted_alarms

  alarm_name          = "${local.name}-${each.key}"
  alarm_description   = "${each.value.meaning} Counted by ${local.name}-${each.value.service}. First: ${each.value.first}. Runbook: docs/runbook.md#${each.value.section}"
  namespace           = "Marquee"
  metric_name         = each.value.metric
  dimensions          = { environment = var.environment, service = each.value.service }
  statistic           = "Sum"
  period              = each.value.period
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

# ---------------------------------------------------------------------------------------------
# The cluster and the bill: metrics of AWS
# ---------------------------------------------------------------------------------------------

locals {
  # EMR publishes these every five minutes while the cluster runs. None covers the primary node's
  # disk; the logs that could fill it are deleted by age (cluster.tf, bootstrap/install.sh).
  cluster_alarms = merge(local.core_node_alarms, {
    hdfs-full = {
      metric     = "HDFSUtilization"
      comparison = "GreaterThanThreshold"
      threshold  = 80
      meaning    = "HDFS is over 80 % full (it holds shuffles and event logs); at 90 % YARN stops using a node."
      first      = "raise disk_gib.data or core_instance_count and run `make renew ENV=${var.environment}`"
    }
    nodes-unhealthy = {
      metric     = "MRUnhealthyNodes"
      comparison = "GreaterThanThreshold"
      threshold  = 0
      meaning    = "YARN considers a node unhealthy, usually because its disk is over 90 % full, and runs nothing on it."
      first      = "raise disk_gib.data and run `make renew ENV=${var.environment}`"
    }
  })

  # A cluster of one node has no core nodes that could be missing.
  core_node_alarms = {
    for name in local.is_one_node ? [] : ["nodes-missing"] : name => {
      metric     = "CoreNodesRunning"
      comparison = "LessThanThreshold"
      threshold  = var.core_instance_count
      meaning    = "Fewer core nodes run than core_instance_count (${var.core_instance_count}): EMR could not start or keep one. Steps run on the remaining nodes."
      first      = "read in the cluster's events in the EMR console why"
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "cluster" {
  for_each = local.cluster_alarms

  alarm_name          = "${local.name}-${each.key}"
  alarm_description   = "${each.value.meaning} Cluster ${aws_emr_cluster.this.id}. First: ${each.value.first}. Runbook: docs/runbook.md#${each.key}"
  namespace           = "AWS/ElasticMapReduce"
  metric_name         = each.value.metric
  dimensions          = { JobFlowId = aws_emr_cluster.this.id }
  statistic           = "Average"
  period              = 300
  evaluation_periods  = 3
  comparison_operator = each.value.comparison
  threshold           = each.value.threshold
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

# EMR's event instead of YARN's count of failed applications: the steps run in client mode, in which
# YARN reports an application as SUCCEEDED whatever happened to its driver (Spark, "Running on
# YARN", spark.yarn.am.clientModeTreatDisconnectAsFailed). The event also arrives when reconcile
# cannot run.
resource "aws_cloudwatch_event_rule" "step_failed" {
  name        = "${local.name}-step-failed"
  description = "A step of ${local.name} has failed"

  event_pattern = jsonencode({
    source      = ["aws.emr"]
    detail-type = ["EMR Step Status Change"]
    detail = {
      clusterId = [aws_emr_cluster.this.id]
      state     = ["FAILED"]
    }
  })
}

resource "aws_cloudwatch_event_target" "step_failed" {
  rule = aws_cloudwatch_event_rule.step_failed.name
  arn  = aws_sns_topic.alarms.arn

  # A step's name contains the id of a model, a data set or a submission, and no visitor's data.
  input_transformer {
    input_paths = {
      at      = "$.time"
      cluster = "$.detail.clusterId"
      id      = "$.detail.stepId"
      name    = "$.detail.name"
    }
    input_template = "\"Step <name> (<id>) of ${local.name} failed at <at> on cluster <cluster>. Its output is under s3://${local.buckets.artifacts}/logs/<cluster>/steps/<id>/. Recommend steps are retried automatically; start other steps again (make train, make import). Runbook: docs/runbook.md#steps-failed\""
  }
}

# A terminated cluster sends no metrics, so an alarm could not distinguish it from an idle one. The
# event reports it immediately, and the alarm cluster-gone repeats it while visitors wait.
resource "aws_cloudwatch_event_rule" "cluster_ended" {
  name        = "${local.name}-cluster-ended"
  description = "The cluster of ${local.name} has ended"

  event_pattern = jsonencode({
    source      = ["aws.emr"]
    detail-type = ["EMR Cluster State Change"]
    detail = {
      clusterId = [aws_emr_cluster.this.id]
      state     = ["TERMINATED", "TERMINATED_WITH_ERRORS"]
    }
  })
}

resource "aws_cloudwatch_event_target" "cluster_ended" {
  rule = aws_cloudwatch_event_rule.cluster_ended.name
  arn  = aws_sns_topic.alarms.arn
}

resource "aws_cloudwatch_metric_alarm" "texts_spend" {
  alarm_name          = "${local.name}-texts-spend"
  alarm_description   = "This month's texts of the whole account cost more than ${var.texts_spend_alarm_usd} dollars. At the account's spend limit SNS stops sending texts. First: see on the dashboard whether more texts went out than usual. Runbook: docs/runbook.md#texts-spend"
  namespace           = "AWS/SNS"
  metric_name         = "SMSMonthToDateSpentUSD"
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.texts_spend_alarm_usd
  # SNS publishes this metric only when a text is sent. Missing data must not clear the alarm,
  # because the money stays spent.
  treat_missing_data = "ignore"
  alarm_actions      = [aws_sns_topic.alarms.arn]
}
