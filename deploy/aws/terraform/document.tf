# openapi.yaml with only that changed which depends on the backend, as ../document does it. Everything that differs from
# stack to stack stays a stage variable.

locals {
  openapi = yamldecode(file("${path.module}/../../../openapi.yaml"))

  function_uri = join("", [
    "arn:${local.partition}:apigateway:${local.region}:lambda:path/2015-03-31/functions/",
    "arn:${local.partition}:lambda:${local.region}:${local.account}:function:$${stageVariables.function}/invocations",
  ])

  # An addition that is made or not is a loop with a condition: `? :` wants two values of one type.
  document = merge(local.openapi, {
    paths = {
      # A resource has no slash at its end; requests may have one. The integration keeps it.
      for path, item in local.openapi.paths : path == "/" ? path : trimsuffix(path, "/") => {
        for method, operation in item : method => merge(operation, {
          for name in ["security"] : name => [{ api_key = [] }]
          if var.require_api_key && length(setintersection(try(operation.tags, []), ["Tokens", "Accounts"])) > 0
          }, {
          # A function gets the request as it came, so nothing is mapped for it. It is always called by POST.
          x-amazon-apigateway-integration = merge({
            for name, value in operation.x-amazon-apigateway-integration : name => value if !(local.lambda && name == "requestParameters")
            }, {
            for name, value in {
              connectionType = "VPC_LINK"
              connectionId   = "$${stageVariables.vpc_link_id}"
            } : name => value if local.fargate
            }, {
            for name, value in {
              type       = "aws_proxy"
              httpMethod = "POST"
              uri        = local.function_uri
            } : name => value if local.lambda
            }, {
            for name, value in {
              uri = replace(operation.x-amazon-apigateway-integration.uri, "http://", startswith(var.backend_url, "https:") ? "https://" : "http://")
            } : name => value if !local.lambda
          })
        })
      }
    }
    components = merge(local.openapi.components, {
      securitySchemes = merge(local.openapi.components.securitySchemes, {
        for name in ["api_key"] : name => { type = "apiKey", name = "x-api-key", in = "header" } if var.require_api_key
      })
    })
  })
}
