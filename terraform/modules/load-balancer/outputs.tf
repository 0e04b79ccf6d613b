output "dns_name" {
  description = "Host name of the load balancer, the target of the application's DNS record."
  value       = aws_lb.this.dns_name
}

output "zone_id" {
  description = "Hosted zone of that host name, for an alias record."
  value       = aws_lb.this.zone_id
}

output "target_group_arns" {
  description = "Target groups by listener: http, https."
  value       = { for key, group in aws_lb_target_group.this : key => group.arn }
}
