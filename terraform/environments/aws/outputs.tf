output "address" {
  description = "Host name of the load balancer, the target of the application's DNS record."
  value       = module.network.load_balancer.dns_name
}

output "address_zone_id" {
  description = "Hosted zone of that host name, for an alias record in Route 53."
  value       = module.network.load_balancer.zone_id
}

output "server_ids" {
  description = "Instance ids of the servers by name, for Session Manager."
  value       = module.servers.instance_ids
}

output "kubeconfig_command" {
  description = "Prints the administrator's kubeconfig, whose server is 127.0.0.1:6443."
  value       = "aws ssm start-session --region ${var.region} --target ${module.servers.instance_ids["server-1"]} --document-name AWS-StartInteractiveCommand --parameters command='sudo cat /etc/rancher/k3s/k3s.yaml'"
}

output "tunnel_command" {
  description = "Forwards 127.0.0.1:6443 to the Kubernetes API while it runs."
  value       = "aws ssm start-session --region ${var.region} --target ${module.servers.instance_ids["server-1"]} --document-name AWS-StartPortForwardingSession --parameters portNumber=6443,localPortNumber=6443"
}

output "snapshot_bucket" {
  description = "Bucket with etcd's snapshots."
  value       = module.servers.buckets["cluster"]
}

output "backup_bucket" {
  description = "Bucket for backups of the database in the cluster, for the overlay's ObjectStore; null without database_backups."
  value       = lookup(module.servers.buckets, "backups", null)
}

output "agent_group" {
  description = "Auto Scaling group of the agents; null without agents."
  value       = one(module.agents[*].autoscaling_group_name)
}

output "database_host" {
  description = "Host name of RDS; null without RDS."
  value       = one(module.database[*].host)
}

output "database_owner_secret_arn" {
  description = "Secret with the user name and password of RDS's owner, which apply the schema; null without RDS."
  value       = one(module.database[*].owner_secret_arn)
}
