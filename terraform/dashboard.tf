# The widgets tell a visitor's story in order, left to right and top to bottom: what came in, picks
# at once, what became of the requests, how long each part took, what the day costs. Then come the
# quality of the picks, what is stuck, and what the parts are made of.
locals {
  flow_metric = {
    for metric in [
      "VisitorsReceived", "VisitorsSubmitted", "VisitorsRecommended", "VisitorsTexted", "VisitorsFailed",
      "VisitorsRevised", "VisitorsForgotten", "StepsFailed", "TrainingsFailed", "VisitorsWaitingWithoutCluster", "DeliveryUnknown",
      "ModelsUnreadable", "TextsOverTheCap", "TextsWithheld", "VisitorsLeftOut",
    ] :
    # The sum over all functions that publish the metric.
    metric => "SUM(SEARCH('{Marquee,environment,service} MetricName=\"${metric}\" environment=\"${var.environment}\"', 'Sum'))"
  }

  # The seconds of each part of the way from form to text, by the function that counts them.
  parts = [
    { metric = "SecondsFromFormToSubmission", service = "submit-step", label = "form to submission" },
    { metric = "SecondsFromSubmissionToPicks", service = "queue-results", label = "submission to picks" },
    { metric = "SecondsFromPicksToText", service = "send-text", label = "picks to text" },
    { metric = "SecondsFromFormToText", service = "send-text", label = "form to text" },
  ]

  counted_by_ingest = { for metric in ["SecondsToPicksAtOnce", "ModelTestRmse", "ModelNdcg", "PickStarsPredicted", "PickStarsGiven", "PickStarsError", "PicksDismissed"] :
    metric => ["Marquee", metric, "environment", var.environment, "service", "ingest"]
  }

  dashboard_widgets = [
    {
      title = "1. Forms", height = 6, width = 8
      metrics = [
        for metric in ["VisitorsReceived", "VisitorsRevised", "VisitorsForgotten"] :
        [{ expression = local.flow_metric[metric], label = trimprefix(metric, "Visitors"), id = lower(metric) }]
      ]
    },
    {
      title = "2. Picks at once (answers; seconds on the right)", height = 6, width = 8
      metrics = [
        concat(local.counted_by_ingest["SecondsToPicksAtOnce"], [{ stat = "SampleCount", label = "answers", id = "answers" }]),
        concat(local.counted_by_ingest["SecondsToPicksAtOnce"], [{ stat = "p50", label = "seconds, p50", id = "median", yAxis = "right" }]),
        concat(local.counted_by_ingest["SecondsToPicksAtOnce"], [{ stat = "p95", label = "seconds, p95", id = "slow", yAxis = "right" }]),
      ]
    },
    {
      title = "3. Submitted, recommended, texted, failed", height = 6, width = 8
      metrics = [
        for metric in ["VisitorsSubmitted", "VisitorsRecommended", "VisitorsTexted", "VisitorsFailed"] :
        [{ expression = local.flow_metric[metric], label = trimprefix(metric, "Visitors"), id = lower(metric) }]
      ]
    },
    {
      title = "4. Seconds of each part, p50", height = 6, width = 8
      metrics = [
        for part in local.parts :
        ["Marquee", part.metric, "environment", var.environment, "service", part.service, { stat = "p50", label = part.label }]
      ]
    },
    {
      title = "4. Seconds of each part, p95", height = 6, width = 8
      metrics = [
        for part in local.parts :
        ["Marquee", part.metric, "environment", var.environment, "service", part.service, { stat = "p95", label = part.label }]
      ]
    },
    {
      # AWS publishes the charges of the whole account, in us-east-1 only, a few times a day, and
      # only once billing alerts are switched on (Billing preferences). They begin again at 0 each
      # month.
      title  = "5. Cost of each day, whole account (dollars; needs billing alerts)", height = 6, width = 8
      region = "us-east-1"
      period = 86400
      metrics = [
        [{ expression = "IF(DIFF(charges) < 0, charges, DIFF(charges))", label = "cost of the day", id = "day" }],
        ["AWS/Billing", "EstimatedCharges", "Currency", "USD", { stat = "Maximum", id = "charges", visible = false }],
      ]
    },
    {
      title = "Models as they are loaded: test RMSE (stars), nDCG@10 on the right", height = 6, width = 8
      metrics = [
        concat(local.counted_by_ingest["ModelTestRmse"], [{ stat = "Average", label = "test RMSE", id = "rmse" }]),
        concat(local.counted_by_ingest["ModelNdcg"], [{ stat = "Average", label = "nDCG@10", id = "ndcg", yAxis = "right" }]),
      ]
    },
    {
      title  = "Picks rated later: stars predicted and given, and the live error", height = 6, width = 8
      period = 3600
      metrics = [
        for metric, label in { PickStarsPredicted = "predicted", PickStarsGiven = "given", PickStarsError = "mean absolute error" } :
        concat(local.counted_by_ingest[metric], [{ stat = "Average", label = label, id = lower(metric) }])
      ]
    },
    {
      title  = "Picks answered, and the share dismissed (percent, on the right)", height = 6, width = 8
      period = 3600
      metrics = [
        concat(local.counted_by_ingest["PickStarsError"], [{ stat = "SampleCount", label = "rated", id = "rated" }]),
        concat(local.counted_by_ingest["PicksDismissed"], [{ stat = "Sum", label = "dismissed", id = "dismissed" }]),
        [{ expression = "100 * FILL(dismissed, 0) / (FILL(dismissed, 0) + FILL(rated, 0))", label = "share dismissed", id = "share", yAxis = "right" }],
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
        for metric in ["StepsFailed", "TrainingsFailed", "VisitorsWaitingWithoutCluster", "DeliveryUnknown", "ModelsUnreadable", "TextsOverTheCap", "TextsWithheld", "VisitorsLeftOut"] :
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
    "`make report ENV=${var.environment}` estimates today's cost of this deployment alone and shows the share of models that the regression check refused. What to do when an alarm fires: docs/runbook.md.",
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
            region  = try(widget.region, var.region)
            view    = "timeSeries"
            stacked = false
            period  = try(widget.period, 60)
            metrics = widget.metrics
          }
        }
      ],
      [{ type = "text", width = 24, height = 4, properties = { markdown = local.cost_hint } }],
    )
  })
}
