# For logs and alarms. Keys that sign tokens are made by the service, and are no part of this.
resource "aws_kms_key" "logs" {
  description             = "Logs and alarms of ${var.name}"
  enable_key_rotation     = true
  deletion_window_in_days = 7

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect    = "Allow"
        Principal = { AWS = "arn:${local.partition}:iam::${local.account}:root" }
        Action    = "kms:*"
        Resource  = "*"
      },
      {
        Effect    = "Allow"
        Principal = { Service = "logs.${local.region}.${local.suffix}" }
        Action    = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"]
        Resource  = "*"
        Condition = { ArnLike = {
          "kms:EncryptionContext:aws:logs:arn" = "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:*"
        } }
      },
      {
        Effect    = "Allow"
        Principal = { Service = "cloudwatch.amazonaws.com" }
        Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
        Resource  = "*"
        Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
      },
    ]
  })
}

resource "aws_cloudwatch_log_group" "access" {
  #checkov:skip=CKV_AWS_338:Logs hold addresses of clients: how long they are kept is for log_retention_days to say.
  name              = "/${var.name}/access"
  retention_in_days = var.log_retention_days
  kms_key_id        = aws_kms_key.logs.arn
}

# The gateway would make this one by itself, and keep it for ever.
resource "aws_cloudwatch_log_group" "execution" {
  #checkov:skip=CKV_AWS_338:Logs hold addresses of clients: how long they are kept is for log_retention_days to say.
  name              = "API-Gateway-Execution-Logs_${aws_api_gateway_rest_api.this.id}/${var.stage_name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = aws_kms_key.logs.arn
}

# The firewall writes to groups of such names alone.
resource "aws_cloudwatch_log_group" "firewall" {
  #checkov:skip=CKV_AWS_338:Logs hold addresses of clients: how long they are kept is for log_retention_days to say.
  count             = local.firewall ? 1 : 0
  name              = "aws-waf-logs-${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = aws_kms_key.logs.arn
}

resource "aws_cloudwatch_log_group" "flow" {
  #checkov:skip=CKV_AWS_338:Logs hold addresses of clients: how long they are kept is for log_retention_days to say.
  count             = local.own_network ? 1 : 0
  name              = "/${var.name}/flow"
  retention_in_days = var.log_retention_days
  kms_key_id        = aws_kms_key.logs.arn
}

resource "aws_cloudwatch_log_group" "service" {
  #checkov:skip=CKV_AWS_338:Logs hold addresses of clients: how long they are kept is for log_retention_days to say.
  count             = local.runs_here ? 1 : 0
  name              = "/${var.name}/service"
  retention_in_days = var.log_retention_days
  kms_key_id        = aws_kms_key.logs.arn
}

resource "aws_cloudwatch_log_metric_filter" "service_errors" {
  count          = local.runs_here ? 1 : 0
  name           = "${var.name}-errors"
  log_group_name = aws_cloudwatch_log_group.service[0].name
  pattern        = "{ $.level = \"ERROR\" }"

  metric_transformation {
    namespace     = "JwtGenerator"
    name          = "${var.name}-errors"
    value         = "1"
    default_value = "0"
  }
}

resource "aws_sns_topic" "alarms" {
  name              = "${var.name}-alarms"
  kms_master_key_id = aws_kms_key.logs.id
}

resource "aws_sns_topic_subscription" "email" {
  count     = var.alarm_email != "" ? 1 : 0
  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = var.alarm_email
}

# ../shared.yaml has the alarms.
resource "aws_cloudwatch_metric_alarm" "this" {
  for_each            = { for name, alarm in local.alarms : name => alarm if alarm.here }
  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.description
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
  comparison_operator = each.value.comparison_operator
  threshold           = each.value.threshold
  evaluation_periods  = each.value.evaluation_periods
  treat_missing_data  = each.value.treat_missing_data
  namespace           = each.value.percent == null ? each.value.namespace : null
  metric_name         = each.value.percent == null ? each.value.metric_name : null
  statistic           = each.value.percent == null ? each.value.statistic : null
  extended_statistic  = each.value.extended_statistic
  period              = each.value.percent == null ? each.value.period : null
  dimensions          = each.value.percent == null ? each.value.dimensions : null

  dynamic "metric_query" {
    for_each = each.value.percent == null ? [] : [each.value]
    content {
      id          = "percent"
      label       = metric_query.value.percent
      expression  = "100 * share"
      return_data = true
    }
  }
  dynamic "metric_query" {
    for_each = each.value.percent == null ? [] : [each.value]
    content {
      id = "share"

      metric {
        namespace   = metric_query.value.namespace
        metric_name = metric_query.value.metric_name
        stat        = metric_query.value.statistic
        period      = metric_query.value.period
        dimensions  = metric_query.value.dimensions
      }
    }
  }
}
