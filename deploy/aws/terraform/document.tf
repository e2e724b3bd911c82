# openapi.yaml with only that changed which depends on the backend, as ../document does it. Everything that differs from
# stack to stack stays a stage variable.

locals {
  openapi = yamldecode(file("${path.module}/../../../openapi.yaml"))

  # An addition that is made or not is a loop with a condition: `? :` wants two values of one type.
  document = merge(local.openapi, {
    paths = {
      # A resource has no slash at its end; requests may have one. The integration keeps it.
      for path, item in local.openapi.paths : path == "/" ? path : trimsuffix(path, "/") => {
        for method, operation in item : method => merge(operation, {
          for name in ["security"] : name => [{ api_key = [] }]
          if var.require_api_key && length(setintersection(try(operation.tags, []), ["Tokens", "Accounts"])) > 0
          }, {
          x-amazon-apigateway-integration = merge(operation.x-amazon-apigateway-integration, {
            for name, value in {
              connectionType = "VPC_LINK"
              connectionId   = "$${stageVariables.vpc_link_id}"
            } : name => value if local.fargate
            }, {
            uri = replace(operation.x-amazon-apigateway-integration.uri, "http://", startswith(var.backend_url, "https:") ? "https://" : "http://")
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
