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

locals {
  shares = {
    "4xx" = { metric = "4XXError", threshold = var.alarm4xx_percent, period = 300,
    description = "Many requests are refused. See in the access log whether an attacker tries passwords, or a client is broken." }
    "5xx" = { metric = "5XXError", threshold = var.alarm5xx_percent, period = 60,
    description = "Requests fail. See in the access log what the backend answered." }
  }
}

resource "aws_cloudwatch_metric_alarm" "share" {
  for_each            = local.shares
  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.description
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.threshold
  evaluation_periods  = 3
  treat_missing_data  = "notBreaching"

  metric_query {
    id          = "percent"
    label       = "${each.value.metric} in percent"
    expression  = "100 * share"
    return_data = true
  }
  metric_query {
    id = "share"

    metric {
      namespace   = "AWS/ApiGateway"
      metric_name = each.value.metric
      stat        = "Average"
      period      = each.value.period
      dimensions  = { ApiName = var.name, Stage = var.stage_name }
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "latency" {
  alarm_name          = "${var.name}-latency"
  alarm_description   = "Requests take long. See the backendLatency of the access log, and the processors of the tasks."
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.alarm_latency_ms
  evaluation_periods  = 5
  treat_missing_data  = "notBreaching"
  namespace           = "AWS/ApiGateway"
  metric_name         = "Latency"
  extended_statistic  = "p99"
  period              = 60
  dimensions          = { ApiName = var.name, Stage = var.stage_name }
}

resource "aws_cloudwatch_metric_alarm" "hosts" {
  count               = local.fargate ? 1 : 0
  alarm_name          = "${var.name}-hosts"
  alarm_description   = "No task is well. See the events of the ECS service, and the log."
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  evaluation_periods  = 3
  treat_missing_data  = "breaching"
  namespace           = "AWS/NetworkELB"
  metric_name         = "HealthyHostCount"
  statistic           = "Maximum"
  period              = 60
  dimensions          = { LoadBalancer = aws_lb.this[0].arn_suffix, TargetGroup = aws_lb_target_group.this[0].arn_suffix }
}

locals {
  function_alarms = {
    function = { metric = "Errors", operator = "GreaterThanThreshold", threshold = 0, periods = 1, missing = "notBreaching",
    description = "The function ended, or took too long. See its log." }
    throttles = { metric = "Throttles", operator = "GreaterThanThreshold", threshold = 0, periods = 1, missing = "notBreaching",
    description = "Requests find no function. Raise function_concurrency, or the quota of the account." }
    schedule = { metric = "Invocations", operator = "LessThanThreshold", threshold = 1, periods = 3, missing = "breaching",
    description = "Nothing calls the function, so keys do not change. See the rule of EventBridge." }
  }
}

resource "aws_cloudwatch_metric_alarm" "function" {
  for_each            = { for name, alarm in local.function_alarms : name => alarm if local.lambda }
  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.description
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
  comparison_operator = each.value.operator
  threshold           = each.value.threshold
  evaluation_periods  = each.value.periods
  treat_missing_data  = each.value.missing
  namespace           = "AWS/Lambda"
  metric_name         = each.value.metric
  statistic           = "Sum"
  period              = 300
  dimensions          = { FunctionName = aws_lambda_function.this[0].function_name }
}

resource "aws_cloudwatch_metric_alarm" "errors" {
  count               = local.runs_here ? 1 : 0
  alarm_name          = "${var.name}-errors"
  alarm_description   = "The service logs errors, such as keys that cannot sign. Read them in its log."
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  namespace           = "JwtGenerator"
  metric_name         = "${var.name}-errors"
  statistic           = "Sum"
  period              = 300
}
