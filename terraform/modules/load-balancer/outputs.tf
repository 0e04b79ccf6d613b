output "dns_name" {
  description = "Name to point the application's DNS record to."
  value       = aws_lb.this.dns_name
}

output "zone_id" {
  description = "Hosted zone of that name, for an alias record."
  value       = aws_lb.this.zone_id
}

output "target_group_arns" {
  description = "Target groups by listener: http, https."
  value       = { for key, group in aws_lb_target_group.this : key => group.arn }
}
