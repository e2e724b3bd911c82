# If there is no database, the key ring is in a secret. The secret is created without a value. Only the service writes and
# reads its content. Terraform cannot keep a resource: it marks the secret for deletion in thirty days. It does not touch a
# secret that ../deploy.sh --secrets created and keys_secret_arn names.
resource "aws_secretsmanager_secret" "keys" {
  #checkov:skip=CKV_AWS_149:secrets_kms_key_arn names the key; empty means aws/secretsmanager, which cannot be deleted while the secret needs it.
  #checkov:skip=CKV2_AWS_57:The service changes the keys in there by itself.
  count                   = local.make_keys_secret ? 1 : 0
  name                    = "${var.name}/keys"
  description             = "The ring of keys of JWT Generator: without it tokens in the field cannot be verified"
  kms_key_id              = var.secrets_kms_key_arn != "" ? var.secrets_kms_key_arn : null
  recovery_window_in_days = 30
}
