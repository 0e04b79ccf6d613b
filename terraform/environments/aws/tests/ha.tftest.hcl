# terraform test -filter=tests/ha.tftest.hcl -var-file=terraform.tfvars.example -var-file=sizes/ha.tfvars

mock_provider "aws" {
  source          = "../../tests/mocks"
  override_during = plan
}

run "the_size_is_three_servers_and_agents" {
  command = plan

  assert {
    condition     = keys(output.server_ids) == ["server-1", "server-2", "server-3"] && length(module.agents) == 1 && output.database_host == null && output.backup_bucket != null
    error_message = "There must be three servers, agents and a bucket for backups, but no RDS."
  }
}

run "with_rds_the_outputs_name_its_host_and_its_owners_secret" {
  command = plan
  variables {
    database         = { instance_class = "db.t4g.medium", multi_az = true, storage = { initial = 20, max = 200 } }
    database_backups = false
  }

  assert {
    condition     = output.database_host == "items.example.eu-central-1.rds.amazonaws.com" && output.database_owner_secret_arn != null && output.backup_bucket == null
    error_message = "Applying the schema needs host and secret."
  }
}
