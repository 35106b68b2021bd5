# Mails the operator when the month's cost approaches the limit. AWS Budgets counts a tag only after
# it has been activated for cost allocation in the account (docs/deploy.md says where).
locals {
  budget_tag = lookup(coalesce(var.tags, { environment = var.environment }), "environment", null)
}

resource "aws_budgets_budget" "month" {
  count = var.budget_email == null ? 0 : 1

  name         = local.name
  budget_type  = "COST"
  time_unit    = "MONTHLY"
  limit_amount = tostring(var.budget_usd_month)
  limit_unit   = "USD"

  # AWS writes a user-defined tag as user:<key>$<value>: AWS Cost Management, "Filters".
  cost_filter {
    name   = "TagKeyValue"
    values = [format("user:environment$%s", coalesce(local.budget_tag, "none"))]
  }

  # Spent so far, in percent of the limit.
  dynamic "notification" {
    for_each = [80, 100]

    content {
      notification_type          = "ACTUAL"
      comparison_operator        = "GREATER_THAN"
      threshold                  = notification.value
      threshold_type             = "PERCENTAGE"
      subscriber_email_addresses = [var.budget_email]
    }
  }

  # AWS forecasts only after about five weeks of use.
  notification {
    notification_type          = "FORECASTED"
    comparison_operator        = "GREATER_THAN"
    threshold                  = 100
    threshold_type             = "PERCENTAGE"
    subscriber_email_addresses = [var.budget_email]
  }

  lifecycle {
    precondition {
      condition     = local.budget_tag != null
      error_message = "The budget filters by the tag environment: add environment to tags, or set budget_email to null."
    }
  }
}
