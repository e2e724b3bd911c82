# What the service itself may do, in tasks or as a function: read its secrets and keep its keys. A function also writes its log
# and its traces; Lambda itself pulls the image.

resource "aws_iam_role" "service" {
  count       = local.runs_here ? 1 : 0
  name_prefix = "${var.name}-"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [merge(
      {
        Effect    = "Allow"
        Principal = { Service = local.lambda ? "lambda.amazonaws.com" : "ecs-tasks.amazonaws.com" }
        Action    = "sts:AssumeRole"
      },
      { for account in [local.account] : "Condition" => { StringEquals = { "aws:SourceAccount" = account } } if local.fargate },
    )]
  })
}

resource "aws_iam_role_policy" "service" {
  count = local.runs_here ? 1 : 0
  name  = "run"
  role  = aws_iam_role.service[0].name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [for statement in [
        {
          Effect   = "Allow"
          Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
          Resource = "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:/${var.name}/service:*"
        },
        {
          Effect   = "Allow"
          Action   = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
          Resource = "*"
        },
      ] : statement if local.lambda],
      [for secrets in [[var.mongodb_uri_secret_arn, var.key_encryption_key_secret_arn]] : {
        Effect   = "Allow"
        Action   = "secretsmanager:GetSecretValue"
        Resource = secrets
      } if local.has_database],
      [for secret in [local.keys_secret_arn] : {
        Effect   = "Allow"
        Action   = ["secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue", "secretsmanager:UpdateSecretVersionStage"]
        Resource = secret
      } if local.keys_in_secret],
      [for key in compact([var.secrets_kms_key_arn]) : {
        Effect = "Allow"
        # Only the secret of keys is written, which wants the second.
        Action    = local.keys_in_secret ? ["kms:Decrypt", "kms:GenerateDataKey"] : ["kms:Decrypt"]
        Resource  = key
        Condition = { StringEquals = { "kms:ViaService" = "secretsmanager.${local.region}.${local.suffix}" } }
      }],
    )
  })
}

# Lambda asks for these, to connect the function; the function itself may not use them.
resource "aws_iam_role_policy" "function_network" {
  #checkov:skip=CKV_AWS_290:Interfaces have no ARN that is known before. The function itself is denied them.
  count = local.function_in_vpc ? 1 : 0
  name  = "network"
  role  = aws_iam_role.service[0].name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Action = [
          "ec2:CreateNetworkInterface",
          "ec2:DescribeNetworkInterfaces",
          "ec2:DescribeSubnets",
          "ec2:DeleteNetworkInterface",
          "ec2:AssignPrivateIpAddresses",
          "ec2:UnassignPrivateIpAddresses",
        ]
        Resource = "*"
      },
      {
        Effect   = "Deny"
        Action   = "ec2:*"
        Resource = "*"
        Condition = { ArnEquals = {
          "lambda:SourceFunctionArn" = "arn:${local.partition}:lambda:${local.region}:${local.account}:function:${var.name}"
        } }
      },
    ]
  })
}

# If keys are in KMS, the service has the permissions that docs/keys.md lists.
resource "aws_iam_role_policy" "signing_keys" {
  count = local.kms ? 1 : 0
  name  = "signing-keys"
  role  = aws_iam_role.service[0].name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = ["kms:CreateKey", "kms:TagResource"]
        Resource = "*"
        Condition = {
          StringEquals                = { "aws:RequestTag/jwt-generator" = "signing-key" }
          StringEqualsIfExists        = { "kms:KeyUsage" = "SIGN_VERIFY" }
          "ForAllValues:StringEquals" = { "aws:TagKeys" = ["jwt-generator", "algorithm"] }
        }
      },
      {
        Effect    = "Allow"
        Action    = ["kms:GetPublicKey", "kms:Sign", "kms:DisableKey", "kms:ScheduleKeyDeletion"]
        Resource  = "arn:${local.partition}:kms:${local.region}:${local.account}:key/*"
        Condition = { StringEquals = { "aws:ResourceTag/jwt-generator" = "signing-key", "kms:KeyUsage" = "SIGN_VERIFY" } }
      },
      {
        Effect   = "Allow"
        Action   = "kms:ListResourceTags"
        Resource = "arn:${local.partition}:kms:${local.region}:${local.account}:key/*"
      },
    ]
  })
}
