# What servers, and with secrets_manager pods on servers, may do, and what agents may do. AmazonSSMManagedInstanceCore is
# not used, because it allows reading every parameter of the account, and so the server token.

locals {
  token_arns = { for key, token in aws_ssm_parameter.token : key => token.arn }

  session_manager = {
    Sid      = "SessionManager"
    Effect   = "Allow"
    Action   = ["ssm:UpdateInstanceInformation", "ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel", "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel"]
    Resource = "*"
  }

  statements = {
    agent = [
      local.session_manager,
      { Sid = "Token", Effect = "Allow", Action = "ssm:GetParameter", Resource = local.token_arns["agent"] },
      {
        Sid       = "Key"
        Effect    = "Allow"
        Action    = "kms:Decrypt"
        Resource  = var.cluster.kms_key_arn
        Condition = { StringEquals = { "kms:EncryptionContext:PARAMETER_ARN" = local.token_arns["agent"] } }
      },
    ]

    server = concat([
      local.session_manager,
      { Sid = "Tokens", Effect = "Allow", Action = "ssm:GetParameter", Resource = values(local.token_arns) },
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
      { Sid = "Key", Effect = "Allow", Action = ["kms:Decrypt", "kms:GenerateDataKey"], Resource = var.cluster.kms_key_arn },
      { Sid = "Sweep", Effect = "Allow", Action = "ec2:DescribeInstances", Resource = "*" },
      ], var.secrets_manager ? [{
        # The application's passwords, by the names in spinkube/components/external-secrets, and the one that RDS rotates.
        Sid      = "Passwords"
        Effect   = "Allow"
        Action   = "secretsmanager:GetSecretValue"
        Resource = concat(["arn:aws:secretsmanager:${var.cluster.region}:${data.aws_caller_identity.current.account_id}:secret:items/*"], var.database_owner_secret_arn[*])
    }] : [])
  }
}

data "aws_caller_identity" "current" {}

resource "aws_iam_role" "this" {
  for_each = local.statements

  name_prefix = "${var.cluster.name}-${each.key}-"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ec2.amazonaws.com" } }]
  })
}

resource "aws_iam_role_policy" "this" {
  for_each = local.statements

  role   = aws_iam_role.this[each.key].id
  policy = jsonencode({ Version = "2012-10-17", Statement = each.value })
}

resource "aws_iam_instance_profile" "this" {
  for_each = local.statements

  name_prefix = "${var.cluster.name}-${each.key}-"
  role        = aws_iam_role.this[each.key].name
}
