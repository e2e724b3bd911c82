locals {
  # Secrets are named here, and the service reads them.
  environment = merge({
    NODE_ENV        = "production"
    PUBLIC_URL      = local.public_url
    JWT_ISSUER      = var.jwt_issuer != "" ? var.jwt_issuer : local.public_url
    JWT_AUDIENCE    = var.jwt_audience
    JWT_EXPIRATION  = var.jwt_expiration
    JWT_ALGORITHM   = var.jwt_algorithm
    ALLOWED_ORIGINS = var.allowed_origins
    KEY_CUSTODY     = var.key_custody
    KEY_ROTATION    = var.key_rotation
    JWKS_MAX_AGE    = tostring(var.jwks_max_age)
    VERIFIER_CACHE  = tostring(var.verifier_cache)
    }, {
    for name, arn in {
      MONGODB_URI_SECRET        = var.mongodb_uri_secret_arn
      KEY_ENCRYPTION_KEY_SECRET = var.key_encryption_key_secret_arn
    } : name => arn if local.has_database
  })

  task_environment = merge(local.environment, {
    PORT       = "3000"
    LOG_FORMAT = "json"
    AWS_REGION = local.region
  })

  # Lambda sets the region itself.
  function_environment = merge(
    local.environment,
    { for name, arn in { KEYS_SECRET = local.keys_secret_arn } : name => arn if local.keys_in_secret },
  )
}
