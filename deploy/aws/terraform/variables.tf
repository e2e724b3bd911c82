# The parameters of ../cloudformation/template.yaml, by the same names. Region and credentials are those of the provider.

variable "name" {
  description = "Begins the names of what is made; in CloudFormation it is the name of the stack"
  type        = string
  default     = "jwt-generator"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,31}$", var.name))
    error_message = "1 to 32 small letters, digits and hyphens, a letter first."
  }
}

# --- Backend

variable "backend" {
  description = "fargate: runs the service in tasks; lambda: runs it as a function; url: sends requests to backend_url"
  type        = string
  default     = "fargate"

  validation {
    condition     = contains(["fargate", "lambda", "url"], var.backend)
    error_message = "fargate, lambda or url."
  }
}

variable "backend_url" {
  description = "The backend's address, where backend is url"
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^(https?://[A-Za-z0-9.-]+(:[0-9]+)?)?$", var.backend_url))
    error_message = "Like https://backend.example.com, without a path."
  }
  validation {
    condition     = var.backend != "url" || var.backend_url != ""
    error_message = "backend = \"url\" needs backend_url."
  }
}

variable "image" {
  description = "The container image, best by digest; for a function it is in ECR, in this region"
  type        = string
  default     = ""

  validation {
    condition     = var.backend == "url" || var.image != ""
    error_message = "backend = \"fargate\" and \"lambda\" need image."
  }
}

variable "mongodb_uri_secret_arn" {
  description = "The secret whose whole value is MONGODB_URI"
  type        = string
  default     = ""

  validation {
    condition     = var.backend != "fargate" || startswith(var.mongodb_uri_secret_arn, "arn:")
    error_message = "backend = \"fargate\" needs the ARN of a secret: see ../deploy.sh --secrets."
  }
  validation {
    condition     = var.mongodb_uri_secret_arn == "" || startswith(var.mongodb_uri_secret_arn, "arn:")
    error_message = "The ARN of a secret, never its value: see ../deploy.sh --secrets."
  }
}

variable "key_encryption_key_secret_arn" {
  description = "The secret whose whole value is KEY_ENCRYPTION_KEY"
  type        = string
  default     = ""

  validation {
    condition     = var.backend != "fargate" || startswith(var.key_encryption_key_secret_arn, "arn:")
    error_message = "backend = \"fargate\" needs the ARN of a secret: see ../deploy.sh --secrets."
  }
  validation {
    condition     = var.backend != "lambda" || var.mongodb_uri_secret_arn == "" || startswith(var.key_encryption_key_secret_arn, "arn:")
    error_message = "mongodb_uri_secret_arn needs it: see ../deploy.sh --secrets."
  }
}

variable "keys_secret_arn" {
  description = "The secret in which a function keeps its ring of keys, where that is in no database; empty means that one is made"
  type        = string
  default     = ""

  validation {
    condition     = var.keys_secret_arn == "" || startswith(var.keys_secret_arn, "arn:")
    error_message = "The ARN of a secret: see ../deploy.sh --secrets."
  }
}

variable "secrets_kms_key_arn" {
  description = "The KMS key that these secrets are encrypted with, where it is not aws/secretsmanager"
  type        = string
  default     = ""
}

# --- Tokens and keys

variable "jwt_issuer" {
  description = "JWT_ISSUER; empty means the API's own URL"
  type        = string
  default     = ""
}

variable "jwt_audience" {
  description = "JWT_AUDIENCE"
  type        = string
  default     = "jwt-generator-api"
}

variable "jwt_expiration" {
  description = "JWT_EXPIRATION"
  type        = string
  default     = "1h"
}

variable "jwt_algorithm" {
  description = "JWT_ALGORITHM; EdDSA is not for keys in KMS"
  type        = string
  default     = "RS256"

  validation {
    condition     = contains(["RS256", "PS256", "ES256"], var.jwt_algorithm)
    error_message = "RS256, PS256 or ES256."
  }
}

variable "allowed_origins" {
  description = "ALLOWED_ORIGINS"
  type        = string
  default     = "*"
}

variable "key_custody" {
  description = "KEY_CUSTODY"
  type        = string
  default     = "aws-kms"

  validation {
    condition     = contains(["aws-kms", "database", "aws-secrets-manager"], var.key_custody)
    error_message = "aws-kms, database or aws-secrets-manager."
  }
  validation {
    condition     = var.backend != "fargate" || var.key_custody != "aws-secrets-manager"
    error_message = "key_custody = \"aws-secrets-manager\" is for backend = \"lambda\"."
  }
  validation {
    condition     = var.backend != "lambda" || var.key_custody != "database" || var.mongodb_uri_secret_arn != ""
    error_message = "key_custody = \"database\" needs mongodb_uri_secret_arn."
  }
}

variable "key_rotation" {
  description = "KEY_ROTATION"
  type        = string
  default     = "30d"
}

# The gateway's cache is one more that key sets lie in, and the time between the publication of a key and its first
# signature is JWKS_MAX_AGE + VERIFIER_CACHE and more. So neither may be shorter than the longest jwks_cache_ttl, and the
# default of VERIFIER_CACHE is the usual two hours and that.

variable "jwks_max_age" {
  description = "JWKS_MAX_AGE in seconds"
  type        = number
  default     = 86400

  # In an outage of the database, ECS replaces tasks once the key set is older than this: see ../README.md.
  validation {
    condition     = var.jwks_max_age >= 3600
    error_message = "3600 at least."
  }
}

variable "verifier_cache" {
  description = "VERIFIER_CACHE in seconds, with the gateway's cache counted in"
  type        = number
  default     = 7500

  validation {
    condition     = var.verifier_cache >= 300
    error_message = "300 at least."
  }
}

# --- Gateway

variable "stage_name" {
  description = "The stage, which is the first part of the path where there is no domain"
  type        = string
  default     = "prod"

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,128}$", var.stage_name))
    error_message = "1 to 128 letters, digits, hyphens and underscores."
  }
}

variable "domain_name" {
  description = "A domain of your own"
  type        = string
  default     = ""
}

variable "certificate_arn" {
  description = "Its certificate in ACM, in this region; empty means that one is made, which wants hosted_zone_id"
  type        = string
  default     = ""
}

variable "hosted_zone_id" {
  description = "The Route 53 zone in which the domain gets its record; empty means that you see to it"
  type        = string
  default     = ""

  validation {
    condition     = var.domain_name == "" || var.certificate_arn != "" || var.hosted_zone_id != ""
    error_message = "domain_name needs certificate_arn or hosted_zone_id."
  }
}

variable "jwks_cache_ttl" {
  description = "For how many seconds the gateway keeps the public keys; 0 means that there is no cache to pay for"
  type        = number
  default     = 300

  validation {
    condition     = var.jwks_cache_ttl >= 0 && var.jwks_cache_ttl <= 300
    error_message = "0 to 300."
  }
}

variable "throttle_rate" {
  description = "Requests a second that the gateway lets through, all callers together"
  type        = number
  default     = 100
}

variable "throttle_burst" {
  description = "How many at once"
  type        = number
  default     = 200
}

variable "login_rate_limit" {
  description = "Log-ins and registrations of one address in five minutes, at least 10; 0 means that there is no firewall to pay for"
  type        = number
  default     = 100

  validation {
    condition     = var.login_rate_limit == 0 || var.login_rate_limit >= 10
    error_message = "0, or 10 at least."
  }
}

variable "require_api_key" {
  description = "Whether tokens and accounts want an API key"
  type        = bool
  default     = false
}

variable "monthly_quota" {
  description = "Requests a month with the API key"
  type        = number
  default     = 1000000
}

variable "manage_api_gateway_account" {
  description = "Whether to let API Gateway write logs, which is one setting for account and region"
  type        = bool
  default     = true
}

# --- Tasks, function and network

variable "task_cpu" {
  description = "CPU units of a task; 1024 are one processor"
  type        = number
  default     = 512

  validation {
    condition     = contains([256, 512, 1024, 2048, 4096], var.task_cpu)
    error_message = "256, 512, 1024, 2048 or 4096."
  }
}

variable "task_memory" {
  description = "MiB of a task, 1024 at least, as Fargate allows them for task_cpu"
  type        = number
  default     = 1024

  validation {
    condition     = var.task_memory >= 1024
    error_message = "1024 at least: connections and bodies may take 700 MiB."
  }
}

variable "cpu_architecture" {
  description = "What the image is built for"
  type        = string
  default     = "X86_64"

  validation {
    condition     = contains(["X86_64", "ARM64"], var.cpu_architecture)
    error_message = "X86_64 or ARM64."
  }
}

variable "min_tasks" {
  description = "The fewest tasks"
  type        = number
  default     = 2
}

variable "max_tasks" {
  description = "The most tasks"
  type        = number
  default     = 6

  validation {
    condition     = var.max_tasks >= var.min_tasks
    error_message = "min_tasks at least."
  }
}

variable "function_memory" {
  description = "MiB of the function; 1769 are one processor"
  type        = number
  default     = 1024

  validation {
    condition     = var.function_memory >= 128 && var.function_memory <= 10240
    error_message = "128 to 10240."
  }
}

variable "function_concurrency" {
  description = "How many requests the function may have at once, kept for it alone; 0 means what the account has left"
  type        = number
  default     = 0

  validation {
    condition     = var.function_concurrency >= 0
    error_message = "0 at least."
  }
}

variable "vpc_id" {
  description = "A VPC of yours; empty means that one is made for tasks, and none for a function"
  type        = string
  default     = ""
}

variable "private_subnet_ids" {
  description = "Its subnets for tasks or function, in two zones at least, which reach MongoDB and AWS"
  type        = list(string)
  default     = []

  validation {
    condition     = var.vpc_id == "" || length(var.private_subnet_ids) >= 2
    error_message = "vpc_id needs two private_subnet_ids at least."
  }
}

# --- Logs and alarms

variable "log_retention_days" {
  description = "How long logs are kept"
  type        = number
  default     = 90
}

variable "alarm_email" {
  description = "Email address that gets the alarms; empty means that no message is sent"
  type        = string
  default     = ""
}

variable "alarm4xx_percent" {
  description = "Alarm when more of the requests than this were refused for 15 minutes"
  type        = number
  default     = 25
}

variable "alarm5xx_percent" {
  description = "Alarm when more of the requests than this failed for 3 minutes"
  type        = number
  default     = 1
}

variable "alarm_latency_ms" {
  description = "Alarm when the slowest of a hundred requests took longer than this for 5 minutes"
  type        = number
  default     = 2000
}
