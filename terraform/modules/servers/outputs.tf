output "instance_ids" {
  description = "Instance ids by name: server-1 and so on."
  value       = { for name, server in aws_instance.this : name => server.id }
}

output "api" {
  description = "Host name of the Kubernetes API inside the VPC, port 6443."
  value       = local.api
}

output "agent_token" {
  description = "SSM parameter with the token that lets agents join."
  value       = { name = aws_ssm_parameter.token["agent"].name, arn = aws_ssm_parameter.token["agent"].arn }
}

output "buckets" {
  description = "Bucket names by use: cluster, and backups with database_backups."
  value       = { for key, bucket in aws_s3_bucket.this : key => bucket.id }
}
