output "address" {
  description = "Name of the load balancer: point the application's DNS record to it."
  value       = module.load_balancer.dns_name
}

output "address_zone_id" {
  description = "Hosted zone of that name, for an alias record of Route 53."
  value       = module.load_balancer.zone_id
}

output "server_ids" {
  description = "Instances of the servers by name; Session Manager reaches them."
  value       = module.servers.instance_ids
}

output "kubeconfig_command" {
  description = "Prints the administrator's kubeconfig, which is for 127.0.0.1:6443."
  value       = "aws ssm start-session --region ${var.region} --target ${module.servers.instance_ids["server-1"]} --document-name AWS-StartInteractiveCommand --parameters command='sudo cat /etc/rancher/k3s/k3s.yaml'"
}

output "tunnel_command" {
  description = "Forwards 127.0.0.1:6443 to the Kubernetes API for as long as it runs."
  value       = "aws ssm start-session --region ${var.region} --target ${module.servers.instance_ids["server-1"]} --document-name AWS-StartPortForwardingSession --parameters portNumber=6443,localPortNumber=6443"
}

output "snapshot_bucket" {
  description = "Bucket with etcd's snapshots."
  value       = module.servers.buckets["cluster"]
}

output "backup_bucket" {
  description = "Bucket for backups of the database in the cluster, as the overlay's ObjectStore names it; null where there is none."
  value       = lookup(module.servers.buckets, "backups", null)
}

output "agent_group" {
  description = "Auto Scaling group of the agents; null where there are none."
  value       = one(module.agents[*].autoscaling_group_name)
}

output "database_host" {
  description = "Host of RDS; null where the database is in the cluster."
  value       = one(module.database[*].host)
}

output "database_owner_secret_arn" {
  description = "Secret with the password of the database's owner, for applying the schema; null where there is no RDS."
  value       = one(module.database[*].owner_secret_arn)
}
