# For the one limit that the gateway does not have: by address.

resource "aws_wafv2_web_acl" "this" {
  #checkov:skip=CKV_AWS_192:That rule is for Java's Log4j. Nothing here is Java, and it refuses bodies that hold its patterns.
  count = local.firewall ? 1 : 0
  name  = var.name
  scope = "REGIONAL"

  default_action {
    allow {}
  }

  visibility_config {
    cloudwatch_metrics_enabled = true
    metric_name                = "${var.name}-firewall"
    sampled_requests_enabled   = false
  }

  custom_response_body {
    key          = "too_many_requests"
    content_type = "APPLICATION_JSON"
    content      = "{\"success\": false, \"error\": \"Too many requests; try again shortly\", \"code\": \"too_many_requests\"}"
  }

  rule {
    name     = "guessing-passwords"
    priority = 0

    action {
      block {
        custom_response {
          response_code            = 429
          custom_response_body_key = "too_many_requests"

          response_header {
            name  = "Retry-After"
            value = "300"
          }
          response_header {
            name  = "Cache-Control"
            value = "no-store"
          }
        }
      }
    }

    statement {
      rate_based_statement {
        aggregate_key_type    = "IP"
        evaluation_window_sec = 300
        limit                 = var.login_rate_limit

        scope_down_statement {
          regex_match_statement {
            regex_string = "/(api/auth|oauth)/(login|register)/*$|/account/password/*$"

            field_to_match {
              uri_path {}
            }
            text_transformation {
              priority = 0
              type     = "URL_DECODE"
            }
            text_transformation {
              priority = 1
              type     = "LOWERCASE"
            }
          }
        }
      }
    }

    visibility_config {
      cloudwatch_metrics_enabled = true
      metric_name                = "${var.name}-guessing-passwords"
      sampled_requests_enabled   = false
    }
  }
}

resource "aws_wafv2_web_acl_association" "this" {
  count        = local.firewall ? 1 : 0
  web_acl_arn  = aws_wafv2_web_acl.this[0].arn
  resource_arn = aws_api_gateway_stage.this.arn
}

resource "aws_wafv2_web_acl_logging_configuration" "this" {
  count                   = local.firewall ? 1 : 0
  resource_arn            = aws_wafv2_web_acl.this[0].arn
  log_destination_configs = [aws_cloudwatch_log_group.firewall[0].arn]

  redacted_fields {
    single_header {
      name = "authorization"
    }
  }
  redacted_fields {
    single_header {
      name = "x-api-key"
    }
  }
  redacted_fields {
    query_string {}
  }

  # What was let through is in the access log.
  logging_filter {
    default_behavior = "DROP"

    filter {
      behavior    = "KEEP"
      requirement = "MEETS_ANY"

      condition {
        action_condition {
          action = "BLOCK"
        }
      }
    }
  }
}
