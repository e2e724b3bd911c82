# Written by ../generate from ../shared.yaml.

locals {
  # A slash within a path is written ~1 here.
  cached_paths = [
    "api~1jwks",
    "api~1jwks.json",
    "api~1.well-known~1jwks.json",
    ".well-known~1jwks.json",
    "api~1public-key",
    "api~1public-key.pem",
  ]

  cache_size = "0.5"
  access_log = "{\"requestId\":\"$context.requestId\",\"time\":\"$context.requestTime\",\"ip\":\"$context.identity.sourceIp\",\"method\":\"$context.httpMethod\",\"path\":\"$context.path\",\"route\":\"$context.resourcePath\",\"status\":\"$context.status\",\"latency\":\"$context.responseLatency\",\"backendStatus\":\"$context.integration.status\",\"backendLatency\":\"$context.integration.latency\",\"length\":\"$context.responseLength\",\"apiKeyId\":\"$context.identity.apiKeyId\",\"trace\":\"$context.xrayTraceId\",\"error\":\"$context.error.responseType\"}"

  method_settings = {
    logging_level      = "ERROR"
    data_trace_enabled = false
    metrics_enabled    = false
  }

  alarms = {
    "4xx" = {
      here                = true
      description         = "Many requests are refused. See in the access log whether an attacker tries passwords, or a client is broken."
      comparison_operator = "GreaterThanThreshold"
      threshold           = var.alarm4xx_percent
      evaluation_periods  = 3
      treat_missing_data  = "notBreaching"
      namespace           = "AWS/ApiGateway"
      metric_name         = "4XXError"
      statistic           = "Average"
      extended_statistic  = null
      period              = 300
      percent             = "Refused requests in percent"
      dimensions          = { ApiName = var.name, Stage = var.stage_name }
    }
    "5xx" = {
      here                = true
      description         = "Requests fail. See in the access log what the backend answered."
      comparison_operator = "GreaterThanThreshold"
      threshold           = var.alarm5xx_percent
      evaluation_periods  = 3
      treat_missing_data  = "notBreaching"
      namespace           = "AWS/ApiGateway"
      metric_name         = "5XXError"
      statistic           = "Average"
      extended_statistic  = null
      period              = 60
      percent             = "Failed requests in percent"
      dimensions          = { ApiName = var.name, Stage = var.stage_name }
    }
    "latency" = {
      here                = true
      description         = "Requests take long. See the backendLatency of the access log, and the processors of the tasks."
      comparison_operator = "GreaterThanThreshold"
      threshold           = var.alarm_latency_ms
      evaluation_periods  = 5
      treat_missing_data  = "notBreaching"
      namespace           = "AWS/ApiGateway"
      metric_name         = "Latency"
      statistic           = null
      extended_statistic  = "p99"
      period              = 60
      percent             = null
      dimensions          = { ApiName = var.name, Stage = var.stage_name }
    }
    "hosts" = {
      here                = local.fargate
      description         = "No task is well. See the events of the ECS service, and the log."
      comparison_operator = "LessThanThreshold"
      threshold           = 1
      evaluation_periods  = 3
      treat_missing_data  = "breaching"
      namespace           = "AWS/NetworkELB"
      metric_name         = "HealthyHostCount"
      statistic           = "Maximum"
      extended_statistic  = null
      period              = 60
      percent             = null
      dimensions          = { LoadBalancer = one(aws_lb.this[*].arn_suffix), TargetGroup = one(aws_lb_target_group.this[*].arn_suffix) }
    }
    "function" = {
      here                = local.lambda
      description         = "The function ended, or took too long. See its log."
      comparison_operator = "GreaterThanThreshold"
      threshold           = 0
      evaluation_periods  = 1
      treat_missing_data  = "notBreaching"
      namespace           = "AWS/Lambda"
      metric_name         = "Errors"
      statistic           = "Sum"
      extended_statistic  = null
      period              = 300
      percent             = null
      dimensions          = { FunctionName = one(aws_lambda_function.this[*].function_name) }
    }
    "throttles" = {
      here                = local.lambda
      description         = "Requests find no function. Raise function_concurrency, or the quota of the account."
      comparison_operator = "GreaterThanThreshold"
      threshold           = 0
      evaluation_periods  = 1
      treat_missing_data  = "notBreaching"
      namespace           = "AWS/Lambda"
      metric_name         = "Throttles"
      statistic           = "Sum"
      extended_statistic  = null
      period              = 300
      percent             = null
      dimensions          = { FunctionName = one(aws_lambda_function.this[*].function_name) }
    }
    "schedule" = {
      here                = local.lambda
      description         = "Nothing calls the function, so keys do not change. See the rule of EventBridge."
      comparison_operator = "LessThanThreshold"
      threshold           = 1
      evaluation_periods  = 3
      treat_missing_data  = "breaching"
      namespace           = "AWS/Lambda"
      metric_name         = "Invocations"
      statistic           = "Sum"
      extended_statistic  = null
      period              = 300
      percent             = null
      dimensions          = { FunctionName = one(aws_lambda_function.this[*].function_name) }
    }
    "errors" = {
      here                = local.runs_here
      description         = "The service logs errors, such as keys that cannot sign. Read them in its log."
      comparison_operator = "GreaterThanThreshold"
      threshold           = 0
      evaluation_periods  = 1
      treat_missing_data  = "notBreaching"
      namespace           = "JwtGenerator"
      metric_name         = "${var.name}-errors"
      statistic           = "Sum"
      extended_statistic  = null
      period              = 300
      percent             = null
      dimensions          = {}
    }
  }
}
