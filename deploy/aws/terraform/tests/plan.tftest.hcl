# terraform test: the provider is a double, so no account is needed.

mock_provider "aws" {
  mock_data "aws_region" {
    defaults = { region = "eu-central-1" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws", dns_suffix = "amazonaws.com" }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_availability_zones" {
    defaults = { names = ["eu-central-1a", "eu-central-1b", "eu-central-1c"] }
  }
}

variables {
  image                         = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/jwt-generator:0.1.0"
  mongodb_uri_secret_arn        = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:jwt-generator/mongodb-uri-a1b2c3"
  key_encryption_key_secret_arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:jwt-generator/key-encryption-key-a1b2c3"
}

run "fargate" {
  assert {
    condition = alltrue([
      for path, item in jsondecode(aws_api_gateway_rest_api.this.body).paths : alltrue([
        for method, operation in item : operation.x-amazon-apigateway-integration.connectionType == "VPC_LINK"
        && operation.x-amazon-apigateway-integration.connectionId == "$${stageVariables.vpc_link_id}"
        && startswith(operation.x-amazon-apigateway-integration.uri, "http://$${stageVariables.backend_url}/")
      ])
    ])
    error_message = "every integration goes through the VPC link, by stage variables"
  }
  assert {
    condition     = aws_api_gateway_stage.this.variables.backend_url == aws_lb.this[0].dns_name && aws_api_gateway_stage.this.variables.vpc_link_id == aws_api_gateway_vpc_link.this[0].id
    error_message = "the stage says where the backend is"
  }
  assert {
    condition     = length(aws_api_gateway_method_settings.cached) == 6 && !aws_api_gateway_method_settings.all.settings[0].caching_enabled
    error_message = "public keys are cached, and nothing else"
  }
  assert {
    condition     = alltrue([for setting in aws_api_gateway_method_settings.cached : setting.settings[0].cache_ttl_in_seconds <= var.jwks_max_age])
    error_message = "the gateway keeps keys no longer than verifiers may"
  }
  assert {
    condition     = !aws_api_gateway_method_settings.all.settings[0].data_trace_enabled
    error_message = "bodies are not logged: they hold passwords and tokens"
  }
  assert {
    condition     = output.api_url == "https://${aws_api_gateway_rest_api.this.id}.execute-api.eu-central-1.amazonaws.com/prod"
    error_message = "the URL has the stage"
  }
  assert {
    condition     = contains(jsondecode(aws_ecs_task_definition.this[0].container_definitions)[0].environment, { name = "JWT_ISSUER", value = output.api_url })
    error_message = "the issuer is the URL where none is given"
  }
  assert {
    condition     = jsondecode(aws_ecs_task_definition.this[0].container_definitions)[0].readonlyRootFilesystem && jsondecode(aws_ecs_task_definition.this[0].container_definitions)[0].user == "65532:65532"
    error_message = "the container writes nowhere, and is not root"
  }
  assert {
    condition     = aws_lb.this[0].internal && !aws_ecs_service.this[0].network_configuration[0].assign_public_ip
    error_message = "nothing but the gateway can be reached from outside"
  }
  assert {
    condition     = aws_ecs_service.this[0].deployment_circuit_breaker[0].rollback
    error_message = "a release that does not start is taken back"
  }
  assert {
    condition = alltrue([
      aws_lb_target_group.this[0].health_check[0].path == "/readyz",
      contains(jsondecode(aws_ecs_task_definition.this[0].container_definitions)[0].healthCheck.command, "--started"),
      aws_ecs_service.this[0].health_check_grace_period_seconds >= jsondecode(aws_ecs_task_definition.this[0].container_definitions)[0].healthCheck.startPeriod,
    ])
    error_message = "a task is well when its keys are loaded, and has time for that"
  }
  assert {
    condition     = length(aws_api_gateway_usage_plan.this) == 0 && length(aws_api_gateway_domain_name.this) == 0
    error_message = "what was not asked for is not made"
  }
}

run "keys_in_the_database_need_no_permission" {
  variables {
    key_custody = "database"
  }
  assert {
    condition     = length(aws_iam_role_policy.signing_keys) == 0
    error_message = "the task may do nothing in AWS"
  }
}

run "a_backend_elsewhere" {
  variables {
    backend     = "url"
    backend_url = "https://backend.example.com:8443"
    image       = ""
  }
  assert {
    condition     = aws_api_gateway_stage.this.variables == tomap({ backend_url = "backend.example.com:8443" })
    error_message = "the stage has its address, without the scheme"
  }
  assert {
    condition = alltrue([
      for path, item in jsondecode(aws_api_gateway_rest_api.this.body).paths : alltrue([
        for method, operation in item : operation.x-amazon-apigateway-integration.connectionType == "INTERNET"
        && startswith(operation.x-amazon-apigateway-integration.uri, "https://$${stageVariables.backend_url}/")
      ])
    ])
    error_message = "the integrations have its scheme"
  }
  assert {
    condition     = length(aws_ecs_cluster.this) + length(aws_vpc.this) + length(aws_lb.this) == 0
    error_message = "nothing is made to run the service"
  }
}

run "an_api_key_for_tokens_and_accounts" {
  variables {
    require_api_key = true
  }
  assert {
    condition = alltrue([
      for path, item in jsondecode(aws_api_gateway_rest_api.this.body).paths : alltrue([
        for method, operation in item :
        contains(try(operation.tags, []), "Tokens") || contains(try(operation.tags, []), "Accounts")
        ? jsonencode(operation.security) == jsonencode([{ api_key = [] }]) : !strcontains(jsonencode(try(operation.security, [])), "api_key")
      ])
    ])
    error_message = "tokens and accounts want the key; keys, health and pages do not"
  }
  assert {
    condition     = aws_api_gateway_usage_plan.this[0].quota_settings[0].limit == 1000000
    error_message = "the key has a quota"
  }
}

run "no_cache_and_no_firewall" {
  variables {
    jwks_cache_ttl   = 0
    login_rate_limit = 0
  }
  assert {
    condition     = !aws_api_gateway_stage.this.cache_cluster_enabled && length(aws_api_gateway_method_settings.cached) == 0 && length(aws_wafv2_web_acl.this) == 0
    error_message = "what costs by the hour can be left out"
  }
}

run "a_domain" {
  variables {
    domain_name     = "tokens.example.com"
    certificate_arn = "arn:aws:acm:eu-central-1:123456789012:certificate/12345678-1234-1234-1234-123456789012"
  }
  assert {
    condition     = output.api_url == "https://tokens.example.com" && length(aws_acm_certificate.this) == 0 && length(aws_route53_record.domain) == 0
    error_message = "a certificate that is given is used, and no record is made without a zone"
  }
}

run "a_network_that_is_there" {
  variables {
    vpc_id             = "vpc-0123456789abcdef0"
    private_subnet_ids = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
  }
  assert {
    condition     = length(aws_vpc.this) + length(aws_nat_gateway.this) == 0 && aws_lb.this[0].subnets == toset(var.private_subnet_ids)
    error_message = "its subnets are used, and none is made"
  }
}

run "a_function_without_a_database" {
  variables {
    backend                       = "lambda"
    mongodb_uri_secret_arn        = ""
    key_encryption_key_secret_arn = ""
  }
  assert {
    condition = alltrue([
      for path, item in jsondecode(aws_api_gateway_rest_api.this.body).paths : alltrue([
        for method, operation in item : operation.x-amazon-apigateway-integration.type == "aws_proxy"
        && operation.x-amazon-apigateway-integration.httpMethod == "POST"
        && endswith(operation.x-amazon-apigateway-integration.uri, ":lambda:eu-central-1:123456789012:function:$${stageVariables.function}/invocations")
        && !contains(keys(operation.x-amazon-apigateway-integration), "requestParameters")
      ])
    ])
    error_message = "every integration calls the function, by a stage variable"
  }
  assert {
    condition     = aws_api_gateway_stage.this.variables == tomap({ function = aws_lambda_function.this[0].function_name })
    error_message = "the stage says which function"
  }
  assert {
    condition     = aws_lambda_permission.gateway[0].source_arn == "arn:aws:execute-api:eu-central-1:123456789012:${aws_api_gateway_rest_api.this.id}/prod/*"
    error_message = "this API alone may call it"
  }
  assert {
    condition     = aws_lambda_function.this[0].timeout < 29 && aws_lambda_function.this[0].memory_size == 1024 && aws_lambda_function.this[0].architectures == tolist(["x86_64"])
    error_message = "the function is what it is to be"
  }
  assert {
    condition     = aws_lambda_function.this[0].reserved_concurrent_executions == -1 && length(aws_lambda_function.this[0].vpc_config) == 0
    error_message = "nothing is kept for it, and it is in no network"
  }
  assert {
    condition     = aws_lambda_function.this[0].environment[0].variables.JWT_ISSUER == output.api_url && aws_lambda_function.this[0].environment[0].variables.KEYS_SECRET == aws_secretsmanager_secret.keys[0].arn
    error_message = "it knows its URL and its secret"
  }
  assert {
    condition     = length(setintersection(keys(aws_lambda_function.this[0].environment[0].variables), ["AWS_REGION", "MONGODB_URI", "MONGODB_URI_SECRET", "KEY_ENCRYPTION_KEY", "KEY_ENCRYPTION_KEY_SECRET"])) == 0
    error_message = "no name that Lambda keeps for itself, no secret, and no database"
  }
  assert {
    condition     = length(aws_ecs_cluster.this) + length(aws_vpc.this) + length(aws_lb.this) + length(aws_api_gateway_vpc_link.this) == 0
    error_message = "nothing is made to run tasks"
  }
}

run "a_function_with_everything" {
  variables {
    backend              = "lambda"
    key_custody          = "aws-secrets-manager"
    keys_secret_arn      = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:jwt-generator/keys-a1b2c3"
    secrets_kms_key_arn  = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"
    vpc_id               = "vpc-0123456789abcdef0"
    private_subnet_ids   = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
    cpu_architecture     = "ARM64"
    function_concurrency = 50
  }
  assert {
    condition     = length(aws_secretsmanager_secret.keys) == 0 && aws_lambda_function.this[0].environment[0].variables.KEYS_SECRET == var.keys_secret_arn
    error_message = "the secret that is given is used, and none is made"
  }
  assert {
    condition     = aws_lambda_function.this[0].environment[0].variables.MONGODB_URI_SECRET == var.mongodb_uri_secret_arn
    error_message = "the database's address is named"
  }
  assert {
    condition     = length(aws_iam_role_policy.signing_keys) == 0
    error_message = "keys in a secret need no permission of KMS to sign"
  }
  assert {
    condition = alltrue([
      for statement in jsondecode(aws_iam_role_policy.service[0].policy).Statement :
      statement.Resource == var.keys_secret_arn if contains(flatten([statement.Action]), "secretsmanager:PutSecretValue")
    ])
    error_message = "it may write its own secret alone"
  }
  assert {
    condition     = aws_lambda_function.this[0].vpc_config[0].subnet_ids == toset(var.private_subnet_ids) && length(aws_vpc.this) + length(aws_nat_gateway.this) == 0
    error_message = "the network that is there is used, and none is made"
  }
  assert {
    condition     = aws_lambda_function.this[0].architectures == tolist(["arm64"]) && aws_lambda_function.this[0].reserved_concurrent_executions == 50
    error_message = "the function is what it is to be"
  }
}

run "a_ring_in_the_database_needs_no_secret" {
  variables {
    backend = "lambda"
  }
  assert {
    condition     = length(aws_secretsmanager_secret.keys) == 0 && !contains(keys(aws_lambda_function.this[0].environment[0].variables), "KEYS_SECRET") && !strcontains(aws_iam_role_policy.service[0].policy, "PutSecretValue")
    error_message = "the ring of keys is in the database"
  }
}

run "what_a_function_misses_is_said" {
  command = plan
  variables {
    backend                       = "lambda"
    image                         = ""
    key_custody                   = "database"
    mongodb_uri_secret_arn        = ""
    key_encryption_key_secret_arn = ""
    keys_secret_arn               = "jwt-generator/keys"
    function_memory               = 64
  }
  expect_failures = [var.image, var.key_custody, var.keys_secret_arn, var.function_memory]
}

run "an_image_of_another_region" {
  command = plan
  variables {
    backend = "lambda"
    image   = "123456789012.dkr.ecr.us-east-1.amazonaws.com/jwt-generator:0.1.0"
  }
  expect_failures = [aws_lambda_function.this]
}

run "a_database_without_its_key" {
  command = plan
  variables {
    backend                       = "lambda"
    key_encryption_key_secret_arn = ""
  }
  expect_failures = [var.key_encryption_key_secret_arn]
}

run "keys_of_tasks_in_a_secret" {
  command = plan
  variables {
    key_custody = "aws-secrets-manager"
  }
  expect_failures = [var.key_custody]
}

run "what_is_missing_is_said" {
  command = plan
  variables {
    image                  = ""
    mongodb_uri_secret_arn = "mongodb://user:password@host/db"
    domain_name            = "tokens.example.com"
    jwks_cache_ttl         = 3600
    jwks_max_age           = 3599
    task_memory            = 512
    login_rate_limit       = 3
  }
  expect_failures = [var.image, var.mongodb_uri_secret_arn, var.hosted_zone_id, var.jwks_cache_ttl, var.jwks_max_age, var.login_rate_limit, var.task_memory]
}
