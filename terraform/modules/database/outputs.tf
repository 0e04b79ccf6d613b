output "host" {
  description = "Host name of the database, port 5432."
  value       = aws_db_instance.this.address
}

output "owner_secret_arn" {
  description = "Secret with the owner's user name and password, which apply the schema."
  value       = aws_db_instance.this.master_user_secret[0].secret_arn
}
