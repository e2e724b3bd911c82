# The same as ../cloudformation/template.yaml. In this folder:
#
#   document.tf       openapi.yaml as the gateway imports it
#   gateway.tf        REST API, stage, cache, throttling, API key, domain
#   firewall.tf       the limit by address
#   network.tf        VPC, if none is given
#   environment.tf    the service's settings
#   role.tf           what the service may do
#   keys.tf           the secret that the ring of keys is in
#   fargate.tf        the service in tasks
#   lambda.tf         the service as a function
#   observability.tf  logs and alarms
#   variables.tf, shared.tf   written by ../generate: parameters, settings of the gateway, alarms
#
# The gateway knows its backend by stage variables alone, so another kind of backend is one more value of var.backend, one
# more local, and a file beside these two.

data "aws_region" "current" {}
data "aws_partition" "current" {}
data "aws_caller_identity" "current" {}

locals {
  region    = data.aws_region.current.region
  partition = data.aws_partition.current.partition
  account   = data.aws_caller_identity.current.account_id
  suffix    = data.aws_partition.current.dns_suffix

  fargate     = var.backend == "fargate"
  lambda      = var.backend == "lambda"
  runs_here   = local.fargate || local.lambda
  own_network = local.fargate && var.vpc_id == ""
  kms         = local.runs_here && var.key_custody == "aws-kms"
  domain      = var.domain_name != ""
  cache       = var.jwks_cache_ttl != 0
  firewall    = var.login_rate_limit != 0

  has_database = local.runs_here && var.mongodb_uri_secret_arn != ""

  public_url = (local.domain ? "https://${var.domain_name}" :
  "https://${aws_api_gateway_rest_api.this.id}.execute-api.${local.region}.${local.suffix}/${var.stage_name}")
}
