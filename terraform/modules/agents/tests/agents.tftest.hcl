mock_provider "aws" {
  source          = "../../tests/mocks"
  override_during = plan
}

variables {
  cluster = { name = "items", region = "eu-central-1", tags = {}, ami_id = "ami-0123456789abcdef0", programs = {} }
  network = { node_subnet_ids = ["subnet-a", "subnet-b"], security_group_ids = { node = "sg-node" } }
  agents  = { min = 2, max = 6, instance_type = "c7g.large", volume_size = 30 }
  join    = { api = "api.items.internal", token = "/items/k3s/agent-token", profile_arn = "arn:aws:iam::123456789012:instance-profile/agent" }
}

run "disks_are_encrypted_and_user_data_names_the_agent_token_alone" {
  command = plan

  assert {
    condition     = tobool(aws_launch_template.this.block_device_mappings[0].ebs[0].encrypted) && aws_launch_template.this.key_name == null
    error_message = "Disks must be encrypted, and there must be no SSH key."
  }
  assert {
    condition     = strcontains(local.user_data, "AGENT_TOKEN='/items/k3s/agent-token'") && !strcontains(local.user_data, "server-token")
    error_message = "User data must contain the name of the agent token's parameter, and not the server token's."
  }
  assert {
    condition     = length(local.user_data) < 16384
    error_message = "EC2 limits user data to 16 KiB."
  }
}

run "a_new_template_replaces_agents_without_reducing_their_number" {
  command = plan

  assert {
    condition     = aws_autoscaling_group.this.launch_template[0].version == "7"
    error_message = "The version must be a number: only a change of it starts the refresh."
  }
  assert {
    condition = [for it in aws_autoscaling_group.this.instance_refresh[0].preferences : tonumber(it.instance_warmup) >= 60 * (4 +
      tonumber(regex("shutdown --poweroff \\+([0-9]+)", local.user_data)[0])
    )] == [true]
    error_message = "The warm-up must be longer than boot/node.sh waits before it powers off, plus 4 minutes to start and stop the instance."
  }
}
