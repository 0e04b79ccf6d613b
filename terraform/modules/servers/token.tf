# Two secrets that join the cluster: the server's is as good as cluster-admin, the agent's joins agents only. A write-only value is
# made anew at every apply and used only when its version rises, so neither plan nor state nor user data ever holds one.

resource "aws_ssm_parameter" "token" {
  for_each = toset(["server", "agent"])

  name             = "/${var.name}/k3s/${each.key}-token"
  description      = "Joins K3s ${each.key}s"
  type             = "SecureString"
  key_id           = var.kms_key_arn
  value_wo         = replace("${uuid()}${uuid()}", "-", "") # 256 bits from the system's random source
  value_wo_version = 1                                      # never raise it for a living cluster: the server token also decrypts etcd's snapshots
}
