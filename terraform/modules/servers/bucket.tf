# cluster: what the first server installs, and etcd's snapshots. backups: what CloudNativePG keeps, where it is asked for.

locals {
  buckets = toset(concat(["cluster"], var.database_backups ? ["backups"] : []))

  # By their paths in the repository: kustomizations and scripts name each other by them.
  node_files = toset(flatten([for pattern in var.platform.files : tolist(fileset(var.platform.root, pattern))]))
}

resource "aws_s3_bucket" "this" {
  #checkov:skip=CKV_AWS_18:two readers, both roles of this module; CloudTrail's data events are the place where an account wants them
  #checkov:skip=CKV_AWS_144:what would be lost with the region is made anew from git; snapshots and backups restore in this region
  #checkov:skip=CKV2_AWS_62:nothing reacts to objects
  for_each = local.buckets

  bucket_prefix = "${var.name}-${each.key}-"
  force_destroy = !var.deletion_protection
}

resource "aws_s3_bucket_versioning" "this" {
  for_each = local.buckets

  bucket = aws_s3_bucket.this[each.key].id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  for_each = local.buckets

  bucket = aws_s3_bucket.this[each.key].id

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = var.kms_key_arn
    }
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  for_each = local.buckets

  bucket                  = aws_s3_bucket.this[each.key].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  for_each = local.buckets

  bucket = aws_s3_bucket.this[each.key].id

  rule {
    id     = "old-versions"
    status = "Enabled"

    filter {}

    noncurrent_version_expiration {
      noncurrent_days = 30
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }
}

resource "aws_s3_bucket_policy" "this" {
  for_each = local.buckets

  bucket = aws_s3_bucket.this[each.key].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "OnlyOverTls"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [aws_s3_bucket.this[each.key].arn, "${aws_s3_bucket.this[each.key].arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })
}

resource "aws_s3_object" "node" {
  #checkov:skip=CKV_AWS_186:encrypted with the bucket's key, by the bucket's default
  for_each = merge({ for file in local.node_files : file => "${var.platform.root}/${file}" }, { "sweep-nodes.sh" = "${path.module}/../../boot/sweep-nodes.sh" })

  bucket      = aws_s3_bucket.this["cluster"].id
  key         = "node/${each.key}"
  source      = each.value
  source_hash = filemd5(each.value)

  depends_on = [aws_s3_bucket_server_side_encryption_configuration.this]
}
