mock_provider "aws" {
  source          = "../../tests/mocks"
  override_during = plan
}

variables {
  cluster = {
    name                = "items"
    kms_key_arn         = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"
    deletion_protection = true
  }
  network  = { private_subnet_ids = ["subnet-a", "subnet-b"], security_group_ids = { database = "sg-db" } }
  database = { instance_class = "db.t4g.medium", multi_az = true, storage = { initial = 20, max = 200 } }
}

run "terraform_knows_no_password_and_a_deleted_database_leaves_a_snapshot" {
  command = plan

  assert {
    condition     = aws_db_instance.this.manage_master_user_password && aws_db_instance.this.password == null
    error_message = "Secrets Manager must generate the owner's password; Terraform must not know it."
  }
  assert {
    condition     = aws_db_instance.this.deletion_protection && !aws_db_instance.this.skip_final_snapshot
    error_message = "A protected instance must refuse its deletion, and leave a final snapshot."
  }
}
