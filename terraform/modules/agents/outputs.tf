output "autoscaling_group_name" {
  description = "Auto Scaling group of the agents."
  value       = aws_autoscaling_group.this.name
}
