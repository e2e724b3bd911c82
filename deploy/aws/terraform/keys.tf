# Where there is no database, the ring of keys is in a secret. It is made without a value: what is in there the service
# writes, and nobody else reads. Terraform cannot leave it behind: it marks it for deletion, in thirty days. What
# ../deploy.sh --secrets makes, and keys_secret_arn names, it leaves alone.
resource "aws_secretsmanager_secret" "keys" {
  #checkov:skip=CKV_AWS_149:secrets_kms_key_arn says it; empty means aws/secretsmanager, which nobody can delete from under the keys.
  #checkov:skip=CKV2_AWS_57:The service changes the keys in there by itself.
  count                   = local.make_keys_secret ? 1 : 0
  name                    = "${var.name}/keys"
  description             = "The ring of keys of JWT Generator: without it tokens in the field cannot be verified"
  kms_key_id              = var.secrets_kms_key_arn != "" ? var.secrets_kms_key_arn : null
  recovery_window_in_days = 30
}
