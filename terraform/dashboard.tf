# The widgets follow the flow, left to right and top to bottom: what came in, what went out, what is
# stuck.
locals {
  flow_metric = {
    for metric in [
      "VisitorsReceived", "VisitorsSubmitted", "VisitorsRecommended", "VisitorsTexted", "VisitorsFailed",
      "VisitorsRevised", "VisitorsForgotten", "StepsFailed", "VisitorsWaitingWithoutCluster", "DeliveryUnknown",
      "ModelsUnreadable", "TextsOverTheCap", "TextsWithheld", "VisitorsLeftOut",
    ] :
    # The sum over all functions that publish the metric.
    metric => "SUM(SEARCH('{Marquee,environment,service} MetricName=\"${metric}\" environment=\"${var.environment}\"', 'Sum'))"
  }

  dashboard_widgets = [
    {
      title = "Visitors", height = 6, width = 12
      metrics = [
        for metric in ["VisitorsReceived", "VisitorsSubmitted", "VisitorsRecommended", "VisitorsTexted", "VisitorsFailed", "VisitorsRevised", "VisitorsForgotten"] :
        [{ expression = local.flow_metric[metric], label = trimprefix(metric, "Visitors"), id = lower(metric) }]
      ]
    },
    {
      title = "Seconds from form to text", height = 6, width = 12
      metrics = [
        for percentile in ["p50", "p95"] :
        ["Marquee", "SecondsFromFormToText", "environment", var.environment, "service", "send-text", { stat = percentile, label = percentile }]
      ]
    },
    {
      title = "Messages waiting", height = 6, width = 8
      metrics = [
        for kind in local.queue_kinds :
        ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "${local.name}-${kind}", { stat = "Maximum", label = kind }]
      ]
    },
    {
      title = "Age of the oldest message (seconds)", height = 6, width = 8
      metrics = [
        for kind in local.queue_kinds :
        ["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", "${local.name}-${kind}", { stat = "Maximum", label = kind }]
      ]
    },
    {
      title = "Dead letters", height = 6, width = 8
      metrics = [
        for kind in local.dead_letter_kinds :
        ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "${local.name}-${kind}", { stat = "Maximum", label = kind }]
      ]
    },
    {
      title = "What went wrong", height = 6, width = 8
      metrics = [
        for metric in ["StepsFailed", "VisitorsWaitingWithoutCluster", "DeliveryUnknown", "ModelsUnreadable", "TextsOverTheCap", "TextsWithheld", "VisitorsLeftOut"] :
        [{ expression = local.flow_metric[metric], label = metric, id = lower(metric) }]
      ]
    },
    {
      title = "Cluster", height = 6, width = 8
      metrics = [
        for metric in ["IsIdle", "AppsRunning", "AppsPending", "CoreNodesRunning", "MRUnhealthyNodes", "YARNMemoryAvailablePercentage", "HDFSUtilization"] :
        ["AWS/ElasticMapReduce", metric, "JobFlowId", aws_emr_cluster.this.id, { stat = "Average", label = metric }]
      ]
    },
    {
      title = "Texts' spend this month, whole account (dollars)", height = 6, width = 8
      metrics = [
        ["AWS/SNS", "SMSMonthToDateSpentUSD", { stat = "Maximum", label = "spent" }],
      ]
    },
    {
      title = "Function errors", height = 6, width = 8
      metrics = [
        for name in local.functions :
        ["AWS/Lambda", "Errors", "FunctionName", "${local.name}-${name}", { stat = "Sum", label = name }]
      ]
    },
    {
      title = "Function durations, p95 (milliseconds)", height = 6, width = 8
      metrics = [
        for name in local.functions :
        ["AWS/Lambda", "Duration", "FunctionName", "${local.name}-${name}", { stat = "p95", label = name }]
      ]
    },
    {
      title = "Function throttles", height = 6, width = 8
      metrics = [
        for name in local.functions :
        ["AWS/Lambda", "Throttles", "FunctionName", "${local.name}-${name}", { stat = "Sum", label = name }]
      ]
    },
    {
      title = "API calls and errors", height = 6, width = 24
      metrics = [
        for metric in ["Count", "4XXError", "5XXError"] :
        ["AWS/ApiGateway", metric, "ApiName", local.name, "Stage", "v1", { stat = "Sum", label = metric }]
      ]
    },
  ]

  cost_hint = join("\n", [
    "### What costs money",
    "The **cluster** runs day and night: 1 ${var.primary_instance_type}${local.is_one_node ? "" : " and ${var.core_instance_count} ${var.core_instance_type}"}${var.task_nodes == null ? "" : ", up to ${var.task_nodes.maximum} task nodes besides"}; it is nearly the whole bill. Fewer or smaller nodes, or `idle_timeout_minutes`, lower it.",
    "**Texts** are billed a part (160 characters of GSM-7), at the price of the visitor's country. Everything else is charged by use: cents a day for a quiet site.",
  ])
}

resource "aws_cloudwatch_dashboard" "flow" {
  dashboard_name = local.name

  dashboard_body = jsonencode({
    widgets = concat(
      [
        for widget in local.dashboard_widgets : {
          type   = "metric"
          width  = widget.width
          height = widget.height
          properties = {
            title   = widget.title
            region  = var.region
            view    = "timeSeries"
            stacked = false
            period  = 60
            metrics = widget.metrics
          }
        }
      ],
      [{ type = "text", width = 24, height = 4, properties = { markdown = local.cost_hint } }],
    )
  })
}
