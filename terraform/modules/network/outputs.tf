output "vpc_id" {
  description = "Id of the VPC."
  value       = aws_vpc.this.id
}

output "private_subnet_ids" {
  description = "Private subnets, in the order of zones."
  value       = [for zone in var.zones : aws_subnet.private[zone].id]
}

output "node_subnet_ids" {
  description = "Subnets of the nodes: the private ones, or the public ones without NAT."
  value       = [for zone in var.zones : var.nat == "none" ? aws_subnet.public[zone].id : aws_subnet.private[zone].id]
}

output "security_group_ids" {
  description = "Security groups by role: load_balancer, node, server, database."
  value       = { for role, group in aws_security_group.this : role => group.id }
}

output "target_group_arns" {
  description = "Target groups of the load balancer by listener: http, https."
  value       = { for key, group in aws_lb_target_group.this : key => group.arn }
}

output "load_balancer" {
  description = "The load balancer's host name and its hosted zone, for the application's DNS record."
  value       = { dns_name = aws_lb.this.dns_name, zone_id = aws_lb.this.zone_id }
}
