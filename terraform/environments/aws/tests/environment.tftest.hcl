mock_provider "aws" {
  override_during = plan

  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000" }
  }
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-central-1:123456789012:log-group:/items/vpc-flow" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/items" }
  }
  mock_resource "aws_iam_instance_profile" {
    defaults = { arn = "arn:aws:iam::123456789012:instance-profile/items" }
  }
  mock_resource "aws_lb" {
    defaults = {
      arn      = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/net/items/0123456789abcdef"
      dns_name = "items.elb.eu-central-1.amazonaws.com"
    }
  }
  mock_resource "aws_lb_target_group" {
    defaults = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/items/0123456789abcdef" }
  }
  mock_resource "aws_s3_bucket" {
    defaults = { arn = "arn:aws:s3:::items-cluster-1" }
  }
  mock_resource "aws_launch_template" {
    defaults = {
      id             = "lt-0123456789abcdef0"
      latest_version = 1
    }
  }
  mock_resource "aws_ssm_parameter" {
    defaults = { arn = "arn:aws:ssm:eu-central-1:123456789012:parameter/items/k3s/token" }
  }
  mock_resource "aws_instance" {
    defaults = { id = "i-0123456789abcdef0" }
  }
  mock_resource "aws_db_instance" {
    defaults = {
      address            = "items.example.eu-central-1.rds.amazonaws.com"
      master_user_secret = [{ secret_arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds", kms_key_id = "k", secret_status = "active" }]
    }
  }
}

variables {
  region = "eu-central-1"
  zones  = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
  ami_id = "ami-0123456789abcdef0"
  k3s    = { version = "v1.36.3+k3s1", sha256 = "1111111111111111111111111111111111111111111111111111111111111111" }
  shim   = { version = "v0.24.0", sha256 = "2222222222222222222222222222222222222222222222222222222222222222" }
}

run "single" {
  command = plan
  variables {
    zone_count       = 1
    nat              = "none"
    servers          = { count = 1, instance_type = "t4g.large", volume_size = 40 }
    agents           = null
    database         = null
    database_backups = false
    secrets_manager  = false
  }

  assert {
    condition     = keys(output.server_ids) == ["server-1"] && output.agent_group == null && output.database_host == null
    error_message = "One server, no agents, no RDS."
  }
  assert {
    condition     = strcontains(output.tunnel_command, "--target i-0123456789abcdef0")
    error_message = "The way to the API is a tunnel to the first server."
  }
}

run "ha" {
  command = plan
  variables {
    zone_count       = 3
    nat              = "per_zone"
    servers          = { count = 3, instance_type = "m7g.large", volume_size = 60 }
    agents           = { min = 2, max = 6, instance_type = "c7g.large", volume_size = 30 }
    database         = null
    database_backups = true
    secrets_manager  = true
  }

  assert {
    condition     = keys(output.server_ids) == ["server-1", "server-2", "server-3"] && length(module.agents) == 1 && output.database_host == null && output.backup_bucket != null
    error_message = "Three servers, agents, a bucket for backups, no RDS."
  }
}

run "ha_with_rds" {
  command = plan
  variables {
    zone_count       = 3
    nat              = "per_zone"
    servers          = { count = 3, instance_type = "m7g.large", volume_size = 60 }
    agents           = { min = 2, max = 6, instance_type = "c7g.large", volume_size = 30 }
    database         = { instance_class = "db.t4g.medium", multi_az = true, storage = { initial = 20, max = 200 } }
    database_backups = false
    secrets_manager  = true
  }

  assert {
    condition     = output.database_host == "items.example.eu-central-1.rds.amazonaws.com" && output.database_owner_secret_arn != null && output.address != null
    error_message = "What the deploy step reads is there."
  }
}

run "programs_fit_the_processor" {
  command = plan
  variables {
    architecture     = "x86_64"
    zone_count       = 1
    nat              = "none"
    servers          = { count = 1, instance_type = "t3.large", volume_size = 40 }
    agents           = null
    database         = null
    database_backups = false
    secrets_manager  = false
  }

  assert {
    condition     = endswith(local.programs.k3s_url, "/v1.36.3%2Bk3s1/k3s") && endswith(local.programs.shim_url, "/v0.24.0/containerd-shim-spin-v2-linux-x86_64.tar.gz")
    error_message = "K3s' version has a plus sign, and each project names the processor its own way."
  }
  assert {
    condition     = aws_kms_key.this.enable_key_rotation
    error_message = "The key is rotated."
  }
}

run "a_database_wants_two_zones" {
  command = plan
  variables {
    zone_count       = 1
    nat              = "none"
    servers          = { count = 1, instance_type = "t4g.large", volume_size = 40 }
    agents           = null
    database         = { instance_class = "db.t4g.medium", multi_az = false, storage = { initial = 20, max = 40 } }
    database_backups = false
    secrets_manager  = false
  }

  expect_failures = [var.zone_count]
}

run "refuses_what_would_not_work" {
  command = plan
  variables {
    name             = "UPPER"
    region           = "here"
    zone_count       = 3
    vpc_cidr         = "10.0.0.0/24"
    nat              = "maybe"
    ingress_cidrs    = []
    certificate_arn  = "arn:aws:iam::1:x"
    architecture     = "riscv"
    ami_id           = "latest"
    k3s              = { version = "1.36", sha256 = "1" }
    shim             = { version = "latest", sha256 = "1" }
    servers          = { count = 2, instance_type = "t4g.large", volume_size = 40 }
    agents           = { min = 0, max = 6, instance_type = "c7g.large", volume_size = 30 }
    database         = { instance_class = "t4g.medium", multi_az = true, storage = { initial = 20, max = 200 } }
    database_backups = false
    secrets_manager  = false
  }

  expect_failures = [
    var.name, var.region, var.vpc_cidr, var.nat, var.ingress_cidrs, var.certificate_arn, var.architecture,
    var.ami_id, var.k3s, var.shim, var.servers, var.agents, var.database,
  ]
}

# Apart from the above: a rule that names another variable is not asked while that one is wrong.
run "refuses_zones_that_are_too_few_or_elsewhere" {
  command = plan
  variables {
    zones            = ["eu-west-1a", "eu-central-1b"]
    zone_count       = 4
    nat              = "none"
    servers          = { count = 1, instance_type = "t4g.large", volume_size = 40 }
    agents           = null
    database         = null
    database_backups = false
    secrets_manager  = false
  }

  expect_failures = [var.zones, var.zone_count]
}
