resource "aws_api_gateway_rest_api" "this" {
  name        = var.name
  description = "Issues, publishes and checks JSON Web Tokens"
  body        = jsonencode(local.document)

  endpoint_configuration {
    types = ["REGIONAL"]
  }

  lifecycle {
    create_before_destroy = true
  }
}

# A deployment is never changed, only followed by another.
resource "aws_api_gateway_deployment" "this" {
  rest_api_id = aws_api_gateway_rest_api.this.id
  triggers    = { document = sha256(jsonencode(local.document)) }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_api_gateway_stage" "this" {
  #checkov:skip=CKV2_AWS_51:The backend is a function, or reached through a private link, and has no TLS for a client's certificate to be shown in.
  #checkov:skip=CKV2_AWS_4:The level is ERROR, by aws_api_gateway_method_settings.all.
  #checkov:skip=CKV2_AWS_77:That rule is for Java's Log4j: see firewall.tf.
  rest_api_id   = aws_api_gateway_rest_api.this.id
  deployment_id = aws_api_gateway_deployment.this.id
  stage_name    = var.stage_name

  variables = merge(
    { for name, link in { vpc_link_id = one(aws_api_gateway_vpc_link.this[*].id) } : name => link if local.fargate },
    { for name, function in { function = one(aws_lambda_function.this[*].function_name) } : name => function if local.lambda },
    { for name, url in {
      backend_url = local.fargate ? aws_lb.this[0].dns_name : trimprefix(trimprefix(var.backend_url, "https://"), "http://")
    } : name => url if !local.lambda },
  )

  xray_tracing_enabled  = true
  cache_cluster_enabled = local.cache
  cache_cluster_size    = local.cache ? local.cache_size : null

  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.access.arn
    format          = local.access_log
  }

  # The reasons of these and of all other orders are in ../tests/order.py.
  depends_on = [aws_cloudwatch_log_group.execution, aws_api_gateway_account.this, aws_lambda_permission.gateway]
}

resource "aws_api_gateway_method_settings" "all" {
  #checkov:skip=CKV_AWS_225:Public keys alone are cached, below. Tokens and users must not be.
  rest_api_id = aws_api_gateway_rest_api.this.id
  stage_name  = aws_api_gateway_stage.this.stage_name
  method_path = "*/*"

  settings {
    throttling_rate_limit  = var.throttle_rate
    throttling_burst_limit = var.throttle_burst
    logging_level          = local.method_settings.logging_level
    data_trace_enabled     = local.method_settings.data_trace_enabled
    metrics_enabled        = local.method_settings.metrics_enabled
    caching_enabled        = false
  }
}

# What is said for one method takes the place of all of the above, so it is said whole.
resource "aws_api_gateway_method_settings" "cached" {
  for_each = toset(local.cache ? local.cached_paths : [])

  rest_api_id = aws_api_gateway_rest_api.this.id
  stage_name  = aws_api_gateway_stage.this.stage_name
  method_path = "~1${each.value}/GET"

  settings {
    throttling_rate_limit                   = var.throttle_rate
    throttling_burst_limit                  = var.throttle_burst
    logging_level                           = local.method_settings.logging_level
    data_trace_enabled                      = local.method_settings.data_trace_enabled
    metrics_enabled                         = local.method_settings.metrics_enabled
    caching_enabled                         = true
    cache_ttl_in_seconds                    = var.jwks_cache_ttl
    cache_data_encrypted                    = true
    require_authorization_for_cache_control = true
  }

  # Both change the stage, which takes one change at a time.
  depends_on = [aws_api_gateway_method_settings.all]
}

resource "aws_api_gateway_usage_plan" "this" {
  count = var.require_api_key ? 1 : 0
  name  = var.name

  api_stages {
    api_id = aws_api_gateway_rest_api.this.id
    stage  = aws_api_gateway_stage.this.stage_name
  }
  throttle_settings {
    rate_limit  = var.throttle_rate
    burst_limit = var.throttle_burst
  }
  quota_settings {
    limit  = var.monthly_quota
    period = "MONTH"
  }
}

resource "aws_api_gateway_api_key" "first" {
  count       = var.require_api_key ? 1 : 0
  name        = "${var.name}-first"
  description = "The first key of ${var.name}; make one for each of your clients"
}

resource "aws_api_gateway_usage_plan_key" "first" {
  count         = var.require_api_key ? 1 : 0
  key_id        = aws_api_gateway_api_key.first[0].id
  key_type      = "API_KEY"
  usage_plan_id = aws_api_gateway_usage_plan.this[0].id
}

# There is one for each account and region. Terraform takes the role away with the rest; if other APIs write their logs with it, set
# manage_api_gateway_account = false and see to it elsewhere.
resource "aws_iam_role" "gateway_logs" {
  count       = var.manage_api_gateway_account ? 1 : 0
  name_prefix = "${var.name}-"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "apigateway.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy_attachment" "gateway_logs" {
  count      = var.manage_api_gateway_account ? 1 : 0
  role       = aws_iam_role.gateway_logs[0].name
  policy_arn = "arn:${local.partition}:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
}

resource "aws_api_gateway_account" "this" {
  count               = var.manage_api_gateway_account ? 1 : 0
  cloudwatch_role_arn = aws_iam_role.gateway_logs[0].arn
  depends_on          = [aws_iam_role_policy_attachment.gateway_logs, aws_api_gateway_rest_api.this]
}

# --- Its domain

locals {
  make_certificate = local.domain && var.certificate_arn == ""
  domain_record    = local.domain && var.hosted_zone_id != ""
}

resource "aws_acm_certificate" "this" {
  count             = local.make_certificate ? 1 : 0
  domain_name       = var.domain_name
  validation_method = "DNS"

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_route53_record" "certificate" {
  count   = local.make_certificate ? 1 : 0
  zone_id = var.hosted_zone_id
  name    = one(aws_acm_certificate.this[0].domain_validation_options).resource_record_name
  type    = one(aws_acm_certificate.this[0].domain_validation_options).resource_record_type
  records = [one(aws_acm_certificate.this[0].domain_validation_options).resource_record_value]
  ttl     = 300
}

resource "aws_acm_certificate_validation" "this" {
  count                   = local.make_certificate ? 1 : 0
  certificate_arn         = aws_acm_certificate.this[0].arn
  validation_record_fqdns = [aws_route53_record.certificate[0].fqdn]
}

resource "aws_api_gateway_domain_name" "this" {
  count                    = local.domain ? 1 : 0
  domain_name              = var.domain_name
  regional_certificate_arn = local.make_certificate ? aws_acm_certificate_validation.this[0].certificate_arn : var.certificate_arn
  security_policy          = "TLS_1_2"

  endpoint_configuration {
    types = ["REGIONAL"]
  }
}

resource "aws_api_gateway_base_path_mapping" "this" {
  count       = local.domain ? 1 : 0
  domain_name = aws_api_gateway_domain_name.this[0].domain_name
  api_id      = aws_api_gateway_rest_api.this.id
  stage_name  = aws_api_gateway_stage.this.stage_name
}

resource "aws_route53_record" "domain" {
  count   = local.domain_record ? 1 : 0
  zone_id = var.hosted_zone_id
  name    = var.domain_name
  type    = "A"

  alias {
    name                   = aws_api_gateway_domain_name.this[0].regional_domain_name
    zone_id                = aws_api_gateway_domain_name.this[0].regional_zone_id
    evaluate_target_health = false
  }
}
