# For each size: terraform test -var-file=terraform.tfvars.example -var-file=sizes/SIZE.tfvars

mock_provider "aws" {
  source          = "../../tests/mocks"
  override_during = plan
}

run "outputs_name_what_the_size_contains" {
  command = plan

  assert {
    condition     = keys(output.server_ids) == [for i in range(var.servers.count) : "server-${i + 1}"] && strcontains(output.tunnel_command, "--target i-0123456789abcdef0")
    error_message = "There must be as many servers as the size says, and the tunnel must end at the first."
  }
  assert {
    condition     = length(module.agents) == (var.agents == null ? 0 : 1) && (output.backup_bucket != null) == var.database_backups && output.database_host == null
    error_message = "Agents and a bucket for backups must exist only where the size has them, RDS in neither size."
  }
}

run "with_rds_the_outputs_name_its_host_and_its_owners_secret" {
  command = plan
  variables {
    zone_count = 2
    database   = { instance_class = "db.t4g.medium", multi_az = true, storage = { initial = 20, max = 200 } }
  }

  assert {
    condition     = output.database_host == "items.example.eu-central-1.rds.amazonaws.com" && output.database_owner_secret_arn != null
    error_message = "Applying the schema needs host and secret."
  }
}

run "programs_match_the_processor" {
  command = plan
  variables { architecture = "x86_64" }

  assert {
    condition     = endswith(local.cluster.programs.K3S_URL, "/v1.36.3%2Bk3s1/k3s") && endswith(local.cluster.programs.SHIM_URL, "/v0.24.0/containerd-shim-spin-v2-linux-x86_64.tar.gz")
    error_message = "The plus sign of K3s's version must be encoded, and both files must be those for x86_64."
  }
}

run "invalid_variables_are_refused" {
  command = plan
  variables {
    name            = "UPPER"
    zones           = ["eu-west-1a", "eu-central-1b"]
    zone_count      = 4
    vpc_cidr        = "10.42.0.0/16"
    nat             = "maybe"
    ingress_cidrs   = []
    certificate_arn = "arn:aws:iam::1:x"
    architecture    = "riscv"
    ami_id          = "latest"
    k3s             = { version = "1.36", sha256 = "1" }
    shim            = { version = "latest", sha256 = "1" }
    servers         = { count = 2, instance_type = "t4g.large", volume_size = 40 }
    agents          = { min = 0, max = 6, instance_type = "c7g.large", volume_size = 30 }
  }

  expect_failures = [
    var.name, var.zones, var.zone_count, var.vpc_cidr, var.nat, var.ingress_cidrs, var.certificate_arn, var.architecture,
    var.ami_id, var.k3s, var.shim, var.servers, var.agents,
  ]
}

run "invalid_disks_and_types_are_refused" {
  command = plan
  variables {
    servers  = { count = 1, instance_type = "t4g.large", volume_size = 8 }
    agents   = { min = 1, max = 1, instance_type = "large", volume_size = 30 }
    database = { instance_class = "t4g.medium", multi_az = true, storage = { initial = 20, max = 20 } }
  }

  expect_failures = [var.servers, var.agents, var.database]
}

run "rds_needs_two_zones" {
  command = plan
  variables {
    zone_count = 1
    database   = { instance_class = "db.t4g.medium", multi_az = false, storage = { initial = 20, max = 40 } }
  }

  expect_failures = [var.zone_count]
}
