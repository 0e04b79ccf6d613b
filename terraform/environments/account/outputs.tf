output "state_bucket" {
  description = "Bucket for backend.hcl."
  value       = aws_s3_bucket.state.id
}

output "github_role_arns" {
  description = "Roles for the repository's variables AWS_PLAN_ROLE and AWS_DRIFT_ROLE."
  value       = { for key, role in aws_iam_role.github : key => role.arn }
}
