resource "aws_iam_role" "this" {
  name_prefix = "${var.node.name}-server-"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ec2.amazonaws.com" } }]
  })
}

# Not AmazonSSMManagedInstanceCore: it allows reading every parameter of the account.
resource "aws_iam_role_policy" "this" {
  #checkov:skip=CKV_AWS_355:the actions of Session Manager and DescribeInstances support no resources
  #checkov:skip=CKV_AWS_290:the actions of Session Manager support no resources
  role = aws_iam_role.this.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      jsondecode(file("${path.module}/../../boot/session-manager.json")),
      { Sid = "Tokens", Effect = "Allow", Action = "ssm:GetParameter", Resource = [for token in aws_ssm_parameter.token : token.arn] },
      { Sid = "Files", Effect = "Allow", Action = "s3:GetObject", Resource = "${aws_s3_bucket.this["cluster"].arn}/node/*" },
      {
        Sid      = "SnapshotsAndBackups"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
        Resource = concat(["${aws_s3_bucket.this["cluster"].arn}/etcd/*"], [for key, bucket in aws_s3_bucket.this : "${bucket.arn}/*" if key == "backups"])
      },
      { Sid = "Begun", Effect = "Allow", Action = "s3:PutObject", Resource = "${aws_s3_bucket.this["cluster"].arn}/cluster-begun" },
      {
        Sid      = "List"
        Effect   = "Allow"
        Action   = ["s3:ListBucket", "s3:GetBucketLocation"]
        Resource = [for bucket in aws_s3_bucket.this : bucket.arn]
      },
      { Sid = "Key", Effect = "Allow", Action = ["kms:Decrypt", "kms:GenerateDataKey"], Resource = var.node.kms_key_arn },
      { Sid = "Sweep", Effect = "Allow", Action = "ec2:DescribeInstances", Resource = "*" },
    ]
  })
}

data "aws_caller_identity" "current" {}

# The application's passwords, by the names in spinkube/components/external-secrets, and the one that RDS rotates.
resource "aws_iam_role_policy" "secrets" {
  count = var.secrets_manager ? 1 : 0

  role = aws_iam_role.this.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid    = "Passwords"
      Effect = "Allow"
      Action = "secretsmanager:GetSecretValue"
      Resource = concat(
        ["arn:aws:secretsmanager:${var.node.region}:${data.aws_caller_identity.current.account_id}:secret:items/*"],
        var.database_owner_secret_arn[*],
      )
    }]
  })
}

resource "aws_iam_instance_profile" "this" {
  name_prefix = "${var.node.name}-server-"
  role        = aws_iam_role.this.name
}
