output "api_url" {
  description = "Address at which clients reach the service"
  value       = local.public_url
}

output "swagger_ui_url" {
  description = "Its documentation"
  value       = "${local.public_url}/api/docs/docs"
}

output "jwks_url" {
  description = "What verifiers fetch"
  value       = "${local.public_url}/api/jwks"
}

output "api_id" {
  description = "The REST API"
  value       = aws_api_gateway_rest_api.this.id
}

output "api_key_id" {
  description = "The first API key; its value is shown by aws apigateway get-api-key --include-value --api-key"
  value       = one(aws_api_gateway_api_key.first[*].id)
}

output "domain_target" {
  description = "What the domain's CNAME must name, where there is no hosted_zone_id"
  value       = one(aws_api_gateway_domain_name.this[*].regional_domain_name)
}

output "cluster_name" {
  description = "The ECS cluster"
  value       = one(aws_ecs_cluster.this[*].name)
}

output "service_name" {
  description = "The ECS service"
  value       = one(aws_ecs_service.this[*].name)
}

output "task_subnet_ids" {
  description = "The subnets of tasks, for aws ecs run-task"
  value       = local.fargate ? join(",", local.subnet_ids) : null
}

output "task_security_group_id" {
  description = "The security group of tasks, likewise"
  value       = one(aws_security_group.tasks[*].id)
}

output "function_name" {
  description = "The Lambda function"
  value       = one(aws_lambda_function.this[*].function_name)
}

output "keys_secret_arn" {
  description = "The secret in which the function keeps its ring of keys"
  value       = local.keys_in_secret ? local.keys_secret_arn : null
}

output "nat_ip_address" {
  description = "From where the tasks reach MongoDB, for its access list"
  value       = one(aws_eip.nat[*].public_ip)
}

output "access_log_group" {
  description = "The gateway's log of requests"
  value       = aws_cloudwatch_log_group.access.name
}

output "service_log_group" {
  description = "The service's log"
  value       = one(aws_cloudwatch_log_group.service[*].name)
}

output "alarm_topic_arn" {
  description = "Topic to which alarms go"
  value       = aws_sns_topic.alarms.arn
}
