mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  environment = "test"
  region      = "eu-west-1"
}

run "no_budget_without_an_address" {
  command = plan

  assert {
    condition     = length(aws_budgets_budget.month) == 0
    error_message = "There is a budget that nobody hears of."
  }
}

run "a_budget_with_an_address" {
  command = plan

  variables {
    budget_email     = "owner@example.com"
    budget_usd_month = 250
  }

  assert {
    condition = (
      aws_budgets_budget.month[0].limit_amount == "250" && aws_budgets_budget.month[0].limit_unit == "USD"
      && aws_budgets_budget.month[0].time_unit == "MONTHLY"
    )
    error_message = "budget_usd_month is not the budget of a month."
  }

  assert {
    condition     = one(aws_budgets_budget.month[0].cost_filter).values == tolist(["user:environment$test"])
    error_message = "The budget counts more or less than this deployment."
  }

  assert {
    condition = toset([
      for each in aws_budgets_budget.month[0].notification : "${each.notification_type} ${each.threshold}"
    ]) == toset(["ACTUAL 80", "ACTUAL 100", "FORECASTED 100"])
    error_message = "The budget is silent at 80 %, at 100 % or at a forecast of 100 %."
  }

  assert {
    condition = alltrue([
      for each in aws_budgets_budget.month[0].notification : each.subscriber_email_addresses == toset(["owner@example.com"])
    ])
    error_message = "A notice of the budget reaches somebody else."
  }
}

run "tags_that_the_budget_cannot_count_by" {
  command = plan

  variables {
    budget_email = "owner@example.com"
    tags         = { team = "films" }
  }

  expect_failures = [aws_budgets_budget.month]
}

run "values_that_make_no_budget" {
  command = plan

  variables {
    budget_email     = "nobody"
    budget_usd_month = 0
  }

  expect_failures = [var.budget_email, var.budget_usd_month]
}
