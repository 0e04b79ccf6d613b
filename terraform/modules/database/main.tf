# PostgreSQL on RDS, in two zones, instead of the one in the cluster. Commits wait for the standby, so a failover loses
# no committed audit event. Secrets Manager generates and rotates the owner's password; the schema creates the
# application's roles.

locals {
  engine_version = "17" # the major one; RDS chooses the minor one
}

resource "aws_db_subnet_group" "this" {
  name_prefix = "${var.cluster.name}-"
  subnet_ids  = var.network.private_subnet_ids
}

resource "aws_db_parameter_group" "this" {
  name_prefix = "${var.cluster.name}-"
  family      = "postgres${local.engine_version}"

  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }

  parameter {
    name         = "shared_preload_libraries"
    value        = "pg_stat_statements"
    apply_method = "pending-reboot"
  }

  # Logs slow statements, and every statement that changes structure or roles.
  parameter {
    name  = "log_min_duration_statement"
    value = "500"
  }

  parameter {
    name  = "log_statement"
    value = "ddl"
  }

  lifecycle { create_before_destroy = true }
}

resource "aws_db_instance" "this" {
  #checkov:skip=CKV_AWS_161:Spin's components connect with passwords of their own roles; they cannot make IAM tokens
  #checkov:skip=CKV_AWS_118:the sidecar reads the database every 30 seconds; enhanced monitoring would add a role and a cost
  identifier     = var.cluster.name
  engine         = "postgres"
  engine_version = local.engine_version
  instance_class = var.database.instance_class
  db_name        = "itemsdb"
  username       = "postgres"
  multi_az       = var.database.multi_az

  manage_master_user_password   = true
  master_user_secret_kms_key_id = var.cluster.kms_key_arn

  storage_type          = "gp3"
  storage_encrypted     = true
  kms_key_id            = var.cluster.kms_key_arn
  allocated_storage     = var.database.storage.initial
  max_allocated_storage = var.database.storage.max

  db_subnet_group_name   = aws_db_subnet_group.this.name
  parameter_group_name   = aws_db_parameter_group.this.name
  vpc_security_group_ids = [var.network.security_group_ids["database"]]
  publicly_accessible    = false
  ca_cert_identifier     = "rds-ca-rsa2048-g1"

  backup_retention_period    = 14 # days
  backup_window              = "02:00-03:00"
  maintenance_window         = "sun:03:30-sun:04:30"
  auto_minor_version_upgrade = true
  copy_tags_to_snapshot      = true
  deletion_protection        = var.cluster.deletion_protection
  skip_final_snapshot        = !var.cluster.deletion_protection
  final_snapshot_identifier  = "${var.cluster.name}-final"

  performance_insights_enabled    = true
  performance_insights_kms_key_id = var.cluster.kms_key_arn
  enabled_cloudwatch_logs_exports = ["postgresql", "upgrade"]
}
