mock_provider "aws" {
  override_during = plan

  mock_resource "aws_iam_instance_profile" {
    defaults = { arn = "arn:aws:iam::123456789012:instance-profile/items-agent" }
  }
  mock_resource "aws_launch_template" {
    defaults = {
      id             = "lt-0123456789abcdef0"
      latest_version = 7
    }
  }
}

variables {
  name               = "items"
  region             = "eu-central-1"
  subnet_ids         = ["subnet-a", "subnet-b"]
  security_group_ids = ["sg-node"]
  instance_type      = "c7g.large"
  volume_size        = 30
  size               = { min = 2, max = 6 }
  ami_id             = "ami-0123456789abcdef0"
  programs = {
    k3s_url     = "https://example.org/k3s-arm64"
    k3s_sha256  = "1111111111111111111111111111111111111111111111111111111111111111"
    shim_url    = "https://example.org/shim.tar.gz"
    shim_sha256 = "2222222222222222222222222222222222222222222222222222222222222222"
  }
  api         = "api.items.internal"
  agent_token = { name = "/items/k3s/agent-token", arn = "arn:aws:ssm:eu-central-1:123456789012:parameter/items/k3s/agent-token" }
  kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"
  tags        = { project = "items" }
}

run "instances_are_closed" {
  command = plan

  assert {
    condition     = aws_launch_template.this.metadata_options[0].http_tokens == "required" && aws_launch_template.this.metadata_options[0].http_put_response_hop_limit == 1
    error_message = "IMDSv2 alone, and not for pods."
  }
  assert {
    condition     = tobool(aws_launch_template.this.block_device_mappings[0].ebs[0].encrypted) && aws_launch_template.this.key_name == null
    error_message = "Encrypted disks, no SSH key."
  }
}

run "agents_know_only_the_agent_token" {
  command = plan

  assert {
    condition     = strcontains(base64decode(aws_launch_template.this.user_data), "AGENT_TOKEN='/items/k3s/agent-token'") && !strcontains(base64decode(aws_launch_template.this.user_data), "server-token")
    error_message = "An agent gets the name of the agent token alone."
  }
  assert {
    condition = [for s in jsondecode(aws_iam_role_policy.this.policy).Statement : s.Resource if s.Sid != "SessionManager"] == [
      "arn:aws:ssm:eu-central-1:123456789012:parameter/items/k3s/agent-token",
      "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000",
    ]
    error_message = "The role names that parameter and the key, no more."
  }
  assert {
    condition     = length(base64decode(aws_launch_template.this.user_data)) < 16384
    error_message = "EC2 takes 16 KiB of user data."
  }
}

run "nothing_but_spin_pods_comes_here" {
  command = plan

  assert {
    condition     = strcontains(base64decode(aws_launch_template.this.user_data), "NODE_TAINTS='spin=true:NoSchedule'") && strcontains(base64decode(aws_launch_template.this.user_data), "NODE_LABELS='spin=true'")
    error_message = "A soft taint would let state come here when the servers are full."
  }
}

run "a_new_template_rolls_out_and_never_below_full_strength" {
  command = plan

  assert {
    condition     = aws_autoscaling_group.this.launch_template[0].version == "7"
    error_message = "The version is a number: a change of it starts the refresh."
  }
  assert {
    condition     = aws_autoscaling_group.this.instance_refresh[0].preferences[0].min_healthy_percentage == 100 && aws_autoscaling_group.this.instance_refresh[0].preferences[0].auto_rollback
    error_message = "New agents come before old ones go, and a failed refresh goes back."
  }
  assert {
    condition     = tonumber(aws_autoscaling_group.this.instance_refresh[0].preferences[0].instance_warmup) >= 60 * (tonumber(regex("shutdown --poweroff \\+([0-9]+)", base64decode(aws_launch_template.this.user_data))[0]) + 4)
    error_message = "An agent that failed has powered itself off before the refresh counts it: 4 minutes to start and to stop."
  }
  assert {
    condition     = aws_autoscaling_group.this.min_size == 2 && aws_autoscaling_group.this.max_size == 6 && aws_autoscaling_group.this.health_check_type == "EC2"
    error_message = "Size as asked; agents are no targets of the load balancer, whose check would end them."
  }
}

run "scales_on_cpu" {
  command = plan

  assert {
    condition     = aws_autoscaling_policy.cpu.target_tracking_configuration[0].target_value == 60 && aws_autoscaling_policy.cpu.target_tracking_configuration[0].predefined_metric_specification[0].predefined_metric_type == "ASGAverageCPUUtilization"
    error_message = "Target tracking on the average CPU."
  }
}

run "refuses_what_would_not_work" {
  command = plan
  variables {
    name               = ""
    region             = "x"
    subnet_ids         = []
    security_group_ids = []
    instance_type      = "large"
    volume_size        = 5
    size               = { min = 3, max = 2 }
    ami_id             = "latest"
    api                = "https://api"
    agent_token        = { name = "token", arn = "token" }
    kms_key_arn        = "key"
    cpu_target         = 100
    tags               = { Name = "x" }
    programs = {
      k3s_url     = "https://example.org/k3s"
      k3s_sha256  = "1"
      shim_url    = "https://example.org/shim"
      shim_sha256 = "2"
    }
  }

  expect_failures = [
    var.name, var.region, var.subnet_ids, var.security_group_ids, var.instance_type, var.volume_size, var.size, var.ami_id, var.api,
    var.agent_token, var.kms_key_arn, var.cpu_target, var.tags, var.programs,
  ]
}
