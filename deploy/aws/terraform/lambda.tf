# The same image, which fetches its events if it runs as a function.

locals {
  function_in_vpc = local.lambda && var.vpc_id != ""

  # If there is a database, the key ring is in it. Private keys may still be in the secret.
  keys_in_secret   = local.lambda && (!local.has_database || var.key_custody == "aws-secrets-manager")
  make_keys_secret = local.keys_in_secret && var.keys_secret_arn == ""
  keys_secret_arn  = local.make_keys_secret ? aws_secretsmanager_secret.keys[0].arn : var.keys_secret_arn
}

resource "aws_lambda_function" "this" {
  #checkov:skip=CKV_AWS_115:function_concurrency says it. A new account has ten in all, of which none can be set apart.
  #checkov:skip=CKV_AWS_116:Nothing is lost. The schedule alone calls without waiting, and does so again five minutes later.
  #checkov:skip=CKV_AWS_117:It is in a VPC if vpc_id is given. It reaches AWS without a VPC, and only callers with permission reach it.
  #checkov:skip=CKV_AWS_173:There is no secret in it. Secrets are named, and read from Secrets Manager.
  #checkov:skip=CKV_AWS_272:Lambda checks signatures of archives, not of images.
  count                          = local.lambda ? 1 : 0
  function_name                  = var.name
  description                    = "JWT Generator"
  package_type                   = "Image"
  image_uri                      = var.image
  architectures                  = [var.cpu_architecture == "ARM64" ? "arm64" : "x86_64"]
  role                           = aws_iam_role.service[0].arn
  memory_size                    = var.function_memory
  timeout                        = 28 # The gateway waits for 29 seconds.
  reserved_concurrent_executions = var.function_concurrency != 0 ? var.function_concurrency : -1

  tracing_config {
    mode = "Active"
  }

  logging_config {
    log_format = "JSON"
    log_group  = aws_cloudwatch_log_group.service[0].name
  }

  dynamic "vpc_config" {
    for_each = local.function_in_vpc ? [1] : []
    content {
      security_group_ids = [aws_security_group.function[0].id]
      subnet_ids         = var.private_subnet_ids
    }
  }

  environment {
    variables = local.function_environment
  }

  lifecycle {
    precondition {
      condition     = can(regex("^[0-9]{12}\\.dkr\\.ecr\\.${local.region}\\.[a-z0-9.-]+/", var.image))
      error_message = "Lambda takes images from ECR in its own region alone: ACCOUNT.dkr.ecr.${local.region}.${local.suffix}/…"
    }
  }

  # Without these it could neither be connected nor do its first work.
  depends_on = [
    aws_iam_role_policy.service,
    aws_iam_role_policy.function_network,
    aws_iam_role_policy.signing_keys,
    aws_vpc_security_group_egress_rule.function,
  ]
}

resource "aws_lambda_permission" "gateway" {
  count         = local.lambda ? 1 : 0
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.this[0].function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "arn:${local.partition}:execute-api:${local.region}:${local.account}:${aws_api_gateway_rest_api.this.id}/${var.stage_name}/*"
}

# A running task works by itself. The function works only when it is called, so a schedule calls it even if no client does.
resource "aws_cloudwatch_event_rule" "schedule" {
  count               = local.lambda ? 1 : 0
  name                = "${var.name}-schedule"
  description         = "Lets JWT Generator look at its keys"
  schedule_expression = "rate(5 minutes)"
}

resource "aws_cloudwatch_event_target" "schedule" {
  count      = local.lambda ? 1 : 0
  rule       = aws_cloudwatch_event_rule.schedule[0].name
  target_id  = "function"
  arn        = aws_lambda_function.this[0].arn
  depends_on = [aws_lambda_permission.schedule]
}

resource "aws_lambda_permission" "schedule" {
  count         = local.lambda ? 1 : 0
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.this[0].function_name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.schedule[0].arn
}

resource "aws_security_group" "function" {
  count       = local.function_in_vpc ? 1 : 0
  name_prefix = "${var.name}-function-"
  description = "Function of JWT Generator"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_egress_rule" "function" {
  for_each          = { for name, ports in { AWS = [443, 443], MongoDB = [27015, 27017] } : name => ports if local.function_in_vpc }
  security_group_id = aws_security_group.function[0].id
  description       = each.key
  ip_protocol       = "tcp"
  from_port         = each.value[0]
  to_port           = each.value[1]
  cidr_ipv4         = "0.0.0.0/0"
}
