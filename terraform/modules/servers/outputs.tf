output "instance_ids" {
  description = "Instances by name: server-1 and on."
  value       = { for name, server in aws_instance.this : name => server.id }
}

output "api" {
  description = "Name under which the Kubernetes API answers inside the VPC, port 6443."
  value       = local.api
}

output "agent_token" {
  description = "Parameter that lets agents join: its name and its ARN."
  value       = { name = aws_ssm_parameter.token["agent"].name, arn = aws_ssm_parameter.token["agent"].arn }
}

output "buckets" {
  description = "Buckets by use: cluster (etcd's snapshots), and backups where they were asked for."
  value       = { for key, bucket in aws_s3_bucket.this : key => bucket.id }
}
