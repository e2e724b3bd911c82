# Written by ../generate from ../shared.yaml. Region and credentials are those of the provider.

variable "name" {
  description = "Begins the names of what is made; in CloudFormation it is the name of the stack"
  type        = string
  default     = "jwt-generator"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,31}$", var.name))
    error_message = "name must have 1 to 32 small letters, digits and hyphens, a letter first."
  }
}

variable "backend" {
  description = "fargate: runs the service in tasks; lambda: runs it as a function; url: sends requests to backend_url"
  type        = string
  default     = "fargate"

  validation {
    condition     = contains(["fargate", "lambda", "url"], var.backend)
    error_message = "backend must be fargate, lambda or url."
  }
}

variable "backend_url" {
  description = "The backend's address, if backend is url"
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^(https?://[A-Za-z0-9.-]+(:[0-9]+)?)?$", var.backend_url))
    error_message = "backend_url must be like https://backend.example.com, without a path."
  }
  validation {
    condition     = var.backend != "url" || var.backend_url != ""
    error_message = "backend=url needs backend_url."
  }
}

variable "image" {
  description = "The container image, best by digest; for a function it is in ECR, in this region"
  type        = string
  default     = ""

  validation {
    condition     = var.backend != "fargate" || var.image != ""
    error_message = "backend=fargate needs image."
  }
  validation {
    condition     = var.backend != "lambda" || var.image != ""
    error_message = "backend=lambda needs image."
  }
}

variable "mongodb_uri_secret_arn" {
  description = "The secret whose whole value is MONGODB_URI"
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^(arn:.*)?$", var.mongodb_uri_secret_arn))
    error_message = "mongodb_uri_secret_arn must be the ARN of a secret and not its value."
  }
  validation {
    condition     = var.backend != "fargate" || var.mongodb_uri_secret_arn != ""
    error_message = "backend=fargate needs mongodb_uri_secret_arn."
  }
}

variable "key_encryption_key_secret_arn" {
  description = "The secret whose whole value is KEY_ENCRYPTION_KEY"
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^(arn:.*)?$", var.key_encryption_key_secret_arn))
    error_message = "key_encryption_key_secret_arn must be the ARN of a secret and not its value."
  }
  validation {
    condition     = var.backend != "fargate" || var.key_encryption_key_secret_arn != ""
    error_message = "backend=fargate needs key_encryption_key_secret_arn."
  }
  validation {
    condition     = var.backend != "lambda" || var.mongodb_uri_secret_arn == "" || var.key_encryption_key_secret_arn != ""
    error_message = "mongodb_uri_secret_arn needs key_encryption_key_secret_arn."
  }
}

variable "keys_secret_arn" {
  description = "The secret for the keys of a function without database; empty means that one is made"
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^(arn:.*)?$", var.keys_secret_arn))
    error_message = "keys_secret_arn must be the ARN of a secret and not its value."
  }
}

variable "secrets_kms_key_arn" {
  description = "The KMS key that these secrets are encrypted with, if it is not aws/secretsmanager"
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^(arn:.*)?$", var.secrets_kms_key_arn))
    error_message = "secrets_kms_key_arn must be the ARN of a key."
  }
}

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
    error_message = "jwt_algorithm must be RS256, PS256 or ES256."
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
    error_message = "key_custody must be aws-kms, database or aws-secrets-manager."
  }
  validation {
    condition     = var.backend != "fargate" || var.key_custody != "aws-secrets-manager"
    error_message = "key_custody=aws-secrets-manager is for backend=lambda."
  }
  validation {
    condition     = var.backend != "lambda" || var.key_custody != "database" || var.mongodb_uri_secret_arn != ""
    error_message = "key_custody=database needs mongodb_uri_secret_arn."
  }
}

variable "key_rotation" {
  description = "KEY_ROTATION"
  type        = string
  default     = "30d"
}

variable "jwks_max_age" {
  description = "JWKS_MAX_AGE in seconds"
  type        = number
  default     = 86400

  validation {
    condition     = var.jwks_max_age >= 3600
    error_message = "jwks_max_age must be 3600 at least."
  }
}

variable "verifier_cache" {
  description = "VERIFIER_CACHE in seconds, with the gateway's cache counted in"
  type        = number
  default     = 7500

  validation {
    condition     = var.verifier_cache >= 300
    error_message = "verifier_cache must be 300 at least."
  }
}

variable "stage_name" {
  description = "The stage; begins the path if there is no domain"
  type        = string
  default     = "prod"

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,128}$", var.stage_name))
    error_message = "stage_name must match ^[A-Za-z0-9_-]{1,128}$."
  }
}

variable "domain_name" {
  description = "A domain of your own"
  type        = string
  default     = ""
}

variable "certificate_arn" {
  description = "Its certificate in ACM, in this region; empty means that one is made, which needs hosted_zone_id"
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
  description = "Seconds for which the gateway keeps public keys; 0 means no cache"
  type        = number
  default     = 300

  validation {
    condition     = var.jwks_cache_ttl >= 0 && var.jwks_cache_ttl <= 300
    error_message = "jwks_cache_ttl must be 0 to 300."
  }
}

variable "throttle_rate" {
  description = "Requests a second that the gateway lets through, all callers together"
  type        = number
  default     = 100

  validation {
    condition     = var.throttle_rate >= 1
    error_message = "throttle_rate must be 1 at least."
  }
}

variable "throttle_burst" {
  description = "How many at once"
  type        = number
  default     = 200

  validation {
    condition     = var.throttle_burst >= 1
    error_message = "throttle_burst must be 1 at least."
  }
}

variable "login_rate_limit" {
  description = "Log-ins and registrations of one address in five minutes, at least 10; 0 means no firewall"
  type        = number
  default     = 100

  validation {
    condition     = var.login_rate_limit >= 0
    error_message = "login_rate_limit must be 0 at least."
  }
  validation {
    condition     = var.login_rate_limit == 0 || var.login_rate_limit >= 10
    error_message = "login_rate_limit is 0, or 10 at least."
  }
}

variable "require_api_key" {
  description = "Whether tokens and accounts need an API key; the document must have been printed for that"
  type        = bool
  default     = false
}

variable "monthly_quota" {
  description = "Requests a month with the API key"
  type        = number
  default     = 1000000

  validation {
    condition     = var.monthly_quota >= 1
    error_message = "monthly_quota must be 1 at least."
  }
}

variable "manage_api_gateway_account" {
  description = "Whether to let API Gateway write logs, which is one setting for account and region"
  type        = bool
  default     = true
}

variable "task_cpu" {
  description = "CPU units of a task; 1024 are one processor"
  type        = number
  default     = 512

  validation {
    condition     = contains([256, 512, 1024, 2048, 4096], var.task_cpu)
    error_message = "task_cpu must be 256, 512, 1024, 2048 or 4096."
  }
}

variable "task_memory" {
  description = "MiB of a task, 1024 at least"
  type        = number
  default     = 1024

  validation {
    condition     = var.task_memory >= 1024
    error_message = "task_memory must be 1024 at least."
  }
}

variable "cpu_architecture" {
  description = "What the image is built for"
  type        = string
  default     = "X86_64"

  validation {
    condition     = contains(["X86_64", "ARM64"], var.cpu_architecture)
    error_message = "cpu_architecture must be X86_64 or ARM64."
  }
}

variable "min_tasks" {
  description = "The fewest tasks"
  type        = number
  default     = 2

  validation {
    condition     = var.min_tasks >= 1
    error_message = "min_tasks must be 1 at least."
  }
}

variable "max_tasks" {
  description = "The most tasks"
  type        = number
  default     = 6

  validation {
    condition     = var.max_tasks >= 1
    error_message = "max_tasks must be 1 at least."
  }
  validation {
    condition     = var.max_tasks >= var.min_tasks
    error_message = "max_tasks is min_tasks at least."
  }
}

variable "function_memory" {
  description = "MiB of the function; 1769 are one processor"
  type        = number
  default     = 1024

  validation {
    condition     = var.function_memory >= 128 && var.function_memory <= 10240
    error_message = "function_memory must be 128 to 10240."
  }
}

variable "function_concurrency" {
  description = "Requests at once, kept for the function alone; 0 means what the account has left"
  type        = number
  default     = 0

  validation {
    condition     = var.function_concurrency >= 0
    error_message = "function_concurrency must be 0 at least."
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

variable "log_retention_days" {
  description = "How long logs are kept"
  type        = number
  default     = 90

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 3653], var.log_retention_days)
    error_message = "log_retention_days must be 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827 or 3653."
  }
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
