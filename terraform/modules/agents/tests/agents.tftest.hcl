mock_provider "aws" {
  source          = "../../tests/mocks"
  override_during = plan
}

variables {
  node = {
    name              = "items"
    region            = "eu-central-1"
    ami_id            = "ami-0123456789abcdef0"
    subnet_ids        = ["subnet-a", "subnet-b"]
    security_group_id = "sg-node"
    kms_key_arn       = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"
    programs          = { K3S_URL = "https://example.org/k3s" }
  }
  agents      = { min = 2, max = 6, instance_type = "c7g.large", volume_size = 30 }
  api         = "api.items.internal"
  agent_token = { name = "/items/k3s/agent-token", arn = "arn:aws:ssm:eu-central-1:123456789012:parameter/items/k3s/agent-token" }
  tags        = { project = "items" }
}

run "instances_are_encrypted_and_hide_their_role_from_pods" {
  command = plan

  assert {
    condition     = [for options in aws_launch_template.this.metadata_options : [options.http_tokens, options.http_put_response_hop_limit]] == [["required", 1]]
    error_message = "The metadata service must require IMDSv2 and be out of the reach of pods."
  }
  assert {
    condition     = tobool(aws_launch_template.this.block_device_mappings[0].ebs[0].encrypted) && aws_launch_template.this.key_name == null
    error_message = "Disks must be encrypted, and there must be no SSH key."
  }
}

run "agents_can_read_the_agent_token_alone" {
  command = plan

  assert {
    condition     = strcontains(local.user_data, "AGENT_TOKEN='/items/k3s/agent-token'") && !strcontains(local.user_data, "server-token")
    error_message = "User data must contain the name of the agent token's parameter, and not the server token's."
  }
  assert {
    condition = [for s in jsondecode(aws_iam_role_policy.this.policy).Statement : [s.Action, s.Resource] if s.Sid != "SessionManager"] == [
      ["ssm:GetParameter", var.agent_token.arn], ["kms:Decrypt", var.node.kms_key_arn],
    ]
    error_message = "Besides Session Manager, the role may read this parameter and decrypt with this key, and do nothing else."
  }
}

run "user_data_is_small_enough_and_sets_label_and_taint" {
  command = plan

  assert {
    condition     = aws_launch_template.this.user_data == base64encode(local.user_data) && length(local.user_data) < 16384
    error_message = "EC2 limits user data to 16 KiB."
  }
  assert {
    condition     = strcontains(local.user_data, "NODE_TAINTS='spin=true:NoSchedule'") && strcontains(local.user_data, "NODE_LABELS='spin=true'")
    error_message = "The taint must be NoSchedule: with PreferNoSchedule, pods with volumes would run here when the servers are full."
  }
}

run "a_new_template_replaces_agents_without_reducing_their_number" {
  command = plan

  assert {
    condition     = aws_autoscaling_group.this.launch_template[0].version == "7"
    error_message = "The version must be a number: only a change of it starts the refresh."
  }
  assert {
    condition     = [for it in aws_autoscaling_group.this.instance_refresh[0].preferences : [it.min_healthy_percentage, it.auto_rollback]] == [[100, true]]
    error_message = "New agents must join before old ones are removed, and a failed refresh must roll back."
  }
  assert {
    condition = [for it in aws_autoscaling_group.this.instance_refresh[0].preferences : tonumber(it.instance_warmup) >= 60 * (4 +
      tonumber(regex("shutdown --poweroff \\+([0-9]+)", local.user_data)[0])
    )] == [true]
    error_message = "The warm-up must be longer than boot/node.sh waits before it powers off, plus 4 minutes to start and stop the instance."
  }
}

run "the_group_scales_on_cpu_within_its_limits" {
  command = plan

  assert {
    condition     = aws_autoscaling_group.this.min_size == 2 && aws_autoscaling_group.this.max_size == 6 && aws_autoscaling_group.this.health_check_type == "EC2"
    error_message = "The limits must be those of var.agents. Agents are no targets of the load balancer, whose health check would terminate them."
  }
  assert {
    condition = [for it in aws_autoscaling_policy.cpu.target_tracking_configuration : [it.target_value, it.predefined_metric_specification[0].predefined_metric_type]] == [
      [60, "ASGAverageCPUUtilization"],
    ]
    error_message = "Scaling must track an average CPU utilisation of 60 per cent."
  }
}
