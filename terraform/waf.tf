# An optional limit of requests per address, which applies before they reach the API. Terraform
# creates the rules; the SAM template attaches them, because the API's stage is created after
# Terraform has run.
locals {
  web_acl_rules = var.waf == null ? {} : {
    forms = { priority = 0, limit = var.waf.forms, only_forms = true }
    calls = { priority = 1, limit = var.waf.calls, only_forms = false }
  }
}

resource "aws_wafv2_web_acl" "api" {
  count = var.waf == null ? 0 : 1

  name        = local.name
  description = "Requests per address to the API of ${local.name}"
  scope       = "REGIONAL"

  default_action {
    allow {}
  }

  dynamic "rule" {
    for_each = local.web_acl_rules

    content {
      name     = rule.key
      priority = rule.value.priority

      # The API's gateway response WAF_FILTERED explains the block to the visitor.
      action {
        block {}
      }

      statement {
        rate_based_statement {
          limit                 = rule.value.limit
          evaluation_window_sec = 300
          aggregate_key_type    = "IP"

          # POST /visitors alone. The path begins with the stage and may end with a slash; no other
          # POST has this word in its path.
          dynamic "scope_down_statement" {
            for_each = rule.value.only_forms ? ["forms"] : []

            content {
              and_statement {
                statement {
                  byte_match_statement {
                    search_string         = "/visitors"
                    positional_constraint = "CONTAINS"
                    field_to_match {
                      uri_path {}
                    }
                    text_transformation {
                      priority = 0
                      type     = "URL_DECODE"
                    }
                  }
                }
                statement {
                  byte_match_statement {
                    search_string         = "POST"
                    positional_constraint = "EXACTLY"
                    field_to_match {
                      method {}
                    }
                    text_transformation {
                      priority = 0
                      type     = "NONE"
                    }
                  }
                }
              }
            }
          }
        }
      }

      # Sampled requests would show visitors' tokens (headers) in the console.
      visibility_config {
        cloudwatch_metrics_enabled = true
        metric_name                = "${local.name}-${rule.key}"
        sampled_requests_enabled   = false
      }
    }
  }

  visibility_config {
    cloudwatch_metrics_enabled = true
    metric_name                = local.name
    sampled_requests_enabled   = false
  }
}
