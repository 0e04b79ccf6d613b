output "instance_ids" {
  description = "Instance ids by name: server-1 and so on."
  value       = { for name, server in aws_instance.this : name => server.id }
}

output "agent" {
  description = "What an agent needs to join: host name of the API (port 6443), SSM parameter of the token, and an instance profile that may read it."
  value       = { api = local.api, token = aws_ssm_parameter.token["agent"].name, profile_arn = aws_iam_instance_profile.this["agent"].arn }
  depends_on  = [aws_iam_role_policy.this]
}

output "buckets" {
  description = "Bucket names by use: cluster, and backups with database_backups."
  value       = { for key, bucket in aws_s3_bucket.this : key => bucket.id }
}
