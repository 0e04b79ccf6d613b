# `cluster` holds the files that servers download and etcd's snapshots; `backups`, if enabled, CloudNativePG's backups.

locals {
  buckets = toset(concat(["cluster"], var.database_backups ? ["backups"] : []))

  # The platform, which the first server installs. Keys are paths in the repository, because kustomizations and scripts
  # refer to each other by path.
  root  = "${path.module}/../../.."
  files = ["spinkube/lib.sh", "spinkube/platform/**", "observability/logs/**"]
  node_files = merge(
    { for file in toset(flatten([for pattern in local.files : tolist(fileset(local.root, pattern))])) : file => "${local.root}/${file}" },
    { "sweep-nodes.sh" = "${path.module}/../../boot/sweep-nodes.sh" },
  )
}

resource "aws_s3_bucket" "this" {
  #checkov:skip=CKV_AWS_18:only roles of this module read it; accounts that want access logs enable CloudTrail's data events
  #checkov:skip=CKV_AWS_144:git can restore the cluster in another region; snapshots and backups are for this one
  #checkov:skip=CKV2_AWS_62:nothing reacts to new objects
  for_each = local.buckets

  bucket_prefix = "${var.cluster.name}-${each.key}-"
  force_destroy = !var.cluster.deletion_protection
}

resource "aws_s3_bucket_versioning" "this" {
  for_each = local.buckets

  bucket = aws_s3_bucket.this[each.key].id
  versioning_configuration { status = "Enabled" }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  for_each = local.buckets

  bucket = aws_s3_bucket.this[each.key].id
  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = var.cluster.kms_key_arn
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
    noncurrent_version_expiration { noncurrent_days = 30 }
    abort_incomplete_multipart_upload { days_after_initiation = 1 }
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
  for_each = local.node_files

  bucket      = aws_s3_bucket.this["cluster"].id
  key         = "node/${each.key}"
  source      = each.value
  source_hash = filemd5(each.value)

  depends_on = [aws_s3_bucket_server_side_encryption_configuration.this]
}
