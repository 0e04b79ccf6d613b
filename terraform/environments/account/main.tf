# The bucket of the state, and two roles with which GitHub Actions may read but never change anything. A person applies
# this once per account; its own state holds only ids, and stays with that person or moves into the bucket.

locals {
  github = "token.actions.githubusercontent.com"

  # A pull request runs code that nobody has reviewed: `plan` reads the state alone, and plans without asking AWS for
  # the rest. The nightly comparison runs reviewed code: `drift` reads everything, including the tokens, which a refresh
  # decrypts.
  roles = {
    plan  = { subject = "repo:${var.repository}:pull_request", statements = [local.state] }
    drift = { subject = "repo:${var.repository}:ref:refs/heads/main", statements = [local.state, local.decrypt] }
  }

  state = {
    Sid      = "State"
    Effect   = "Allow"
    Action   = ["s3:GetObject", "s3:ListBucket"]
    Resource = [aws_s3_bucket.state.arn, "${aws_s3_bucket.state.arn}/*"]
  }

  decrypt = {
    Sid       = "Decrypt"
    Effect    = "Allow"
    Action    = "kms:Decrypt"
    Resource  = "*"
    Condition = { StringEquals = { "kms:ViaService" = "ssm.${var.region}.amazonaws.com" } }
  }
}

data "aws_caller_identity" "current" {}

resource "aws_s3_bucket" "state" {
  #checkov:skip=CKV_AWS_18:only the roles below and administrators read it; accounts that want access logs enable CloudTrail's data events
  #checkov:skip=CKV_AWS_144:the state describes resources of this region
  #checkov:skip=CKV_AWS_145:write-only values keep secrets out of the state; a key of its own would have to exist before the state
  #checkov:skip=CKV2_AWS_62:nothing reacts to new objects
  bucket = "${var.name}-state-${data.aws_caller_identity.current.account_id}"
  lifecycle { prevent_destroy = true }
}

resource "aws_s3_bucket_versioning" "state" {
  bucket = aws_s3_bucket.state.id
  versioning_configuration { status = "Enabled" }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "state" {
  bucket = aws_s3_bucket.state.id
  rule {
    apply_server_side_encryption_by_default { sse_algorithm = "AES256" }
  }
}

resource "aws_s3_bucket_public_access_block" "state" {
  bucket                  = aws_s3_bucket.state.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_lifecycle_configuration" "state" {
  bucket = aws_s3_bucket.state.id
  rule {
    id     = "old-versions"
    status = "Enabled"

    filter {}
    noncurrent_version_expiration { noncurrent_days = 365 }
    abort_incomplete_multipart_upload { days_after_initiation = 1 }
  }
}

resource "aws_s3_bucket_policy" "state" {
  bucket = aws_s3_bucket.state.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "OnlyOverTls"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [aws_s3_bucket.state.arn, "${aws_s3_bucket.state.arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })
}

resource "aws_iam_openid_connect_provider" "github" {
  url            = "https://${local.github}"
  client_id_list = ["sts.amazonaws.com"]
}

resource "aws_iam_role" "github" {
  for_each = local.roles

  name        = "${var.name}-github-${each.key}"
  description = "GitHub Actions of ${var.repository}: ${each.key}"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRoleWithWebIdentity"
      Principal = { Federated = aws_iam_openid_connect_provider.github.arn }
      Condition = {
        StringEquals = { "${local.github}:aud" = "sts.amazonaws.com", "${local.github}:sub" = each.value.subject }
      }
    }]
  })
}

resource "aws_iam_role_policy" "github" {
  for_each = local.roles

  role   = aws_iam_role.github[each.key].id
  policy = jsonencode({ Version = "2012-10-17", Statement = each.value.statements })
}

resource "aws_iam_role_policy_attachment" "drift" {
  role       = aws_iam_role.github["drift"].name
  policy_arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
}
