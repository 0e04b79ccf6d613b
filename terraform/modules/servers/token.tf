# The tokens that join nodes to the cluster. The server token is as powerful as cluster-admin; the agent token only adds
# agents. Write-only values are generated at every apply but used only when their version rises: neither plan, state nor
# user data contains one.

resource "aws_ssm_parameter" "token" {
  for_each = toset(["server", "agent"])

  name             = "/${var.cluster.name}/k3s/${each.key}-token"
  description      = "Joins K3s ${each.key}s"
  type             = "SecureString"
  key_id           = var.cluster.kms_key_arn
  value_wo         = replace("${uuid()}${uuid()}", "-", "") # 256 bits from the system's random source
  value_wo_version = 1                                      # never raise it for a living cluster: the server token also decrypts etcd's snapshots
}
