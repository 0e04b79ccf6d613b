mock_provider "aws" {
  source          = "../../tests/mocks"
  override_during = plan
}

variables {
  name                = "items"
  subnet_ids          = ["subnet-a", "subnet-b"]
  security_group_id   = "sg-db"
  database            = { instance_class = "db.t4g.medium", multi_az = true, storage = { initial = 20, max = 200 } }
  kms_key_arn         = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"
  deletion_protection = true
}

run "the_database_is_encrypted_private_and_has_a_standby" {
  command = plan

  assert {
    condition     = aws_db_instance.this.storage_encrypted && !aws_db_instance.this.publicly_accessible && aws_db_instance.this.multi_az
    error_message = "Storage must be encrypted, the instance private, with a standby."
  }
  assert {
    condition     = [for p in aws_db_parameter_group.this.parameter : p.value if p.name == "rds.force_ssl"] == ["1"]
    error_message = "Connections without TLS must be refused."
  }
  assert {
    condition     = aws_db_instance.this.manage_master_user_password && aws_db_instance.this.password == null
    error_message = "Secrets Manager must generate the owner's password; Terraform must not know it."
  }
}

run "a_deleted_database_leaves_a_snapshot" {
  command = plan

  assert {
    condition     = aws_db_instance.this.deletion_protection && !aws_db_instance.this.skip_final_snapshot && aws_db_instance.this.backup_retention_period == 14
    error_message = "The instance must be protected, keep backups for 14 days and leave a final snapshot."
  }
}
