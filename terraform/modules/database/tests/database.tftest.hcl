mock_provider "aws" {
  override_during = plan

  mock_resource "aws_db_instance" {
    defaults = {
      address            = "items.example.eu-central-1.rds.amazonaws.com"
      master_user_secret = [{ secret_arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds", kms_key_id = "k", secret_status = "active" }]
    }
  }
}

variables {
  name                = "items"
  subnet_ids          = ["subnet-a", "subnet-b"]
  security_group_id   = "sg-db"
  instance_class      = "db.t4g.medium"
  storage             = { initial = 20, max = 200 }
  multi_az            = true
  kms_key_arn         = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"
  deletion_protection = true
}

run "encrypted_private_and_in_two_zones" {
  command = plan

  assert {
    condition     = aws_db_instance.this.storage_encrypted && !aws_db_instance.this.publicly_accessible && aws_db_instance.this.multi_az
    error_message = "Encrypted, not public, with a standby."
  }
  assert {
    condition     = [for p in aws_db_parameter_group.this.parameter : p.value if p.name == "rds.force_ssl"] == ["1"]
    error_message = "No connection without TLS."
  }
}

run "no_password_passes_through_terraform" {
  command = plan

  assert {
    condition     = aws_db_instance.this.manage_master_user_password && aws_db_instance.this.password == null
    error_message = "Secrets Manager makes and keeps the owner's password."
  }
}

run "a_deleted_database_leaves_a_snapshot" {
  command = plan

  assert {
    condition     = aws_db_instance.this.deletion_protection && !aws_db_instance.this.skip_final_snapshot && aws_db_instance.this.backup_retention_period == 14
    error_message = "Protected, with a last snapshot and fourteen days to go back to."
  }
}

run "refuses_what_would_not_work" {
  command = plan
  variables {
    name              = "9"
    subnet_ids        = ["subnet-a"]
    security_group_id = ""
    engine_version    = "14"
    instance_class    = "t4g.medium"
    storage           = { initial = 20, max = 20 }
    backup_days       = 1
    kms_key_arn       = "key"
  }

  expect_failures = [
    var.name, var.subnet_ids, var.security_group_id, var.engine_version, var.instance_class, var.storage, var.backup_days, var.kms_key_arn,
  ]
}
