# K3s agents in an Auto Scaling group. They run the application and store nothing.

locals {
  settings = merge(var.cluster.programs, {
    ROLE        = "agent"
    API         = var.join.api
    REGION      = var.cluster.region
    AGENT_TOKEN = var.join.token
    NODE_LABELS = "spin=true"
    # Keeps pods with volumes away. Spin pods tolerate it through their RuntimeClass (spinkube/platform/spin.yaml).
    NODE_TAINTS = "spin=true:NoSchedule"
  })

  user_data = join("\n", concat(
    ["#!/bin/bash"],
    [for key, value in local.settings : "${key}='${value}'"],
    [file("${path.module}/../../boot/node.sh")],
  ))
}

resource "aws_launch_template" "this" {
  name_prefix            = "${var.cluster.name}-agent-"
  image_id               = var.cluster.ami_id
  instance_type          = var.agents.instance_type
  ebs_optimized          = true
  vpc_security_group_ids = [var.network.security_group_ids["node"]]
  user_data              = base64encode(local.user_data)

  iam_instance_profile { arn = var.join.profile_arn }

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1 # pods cannot use the node's role
  }

  private_dns_name_options { hostname_type = "ip-name" }

  block_device_mappings {
    device_name = "/dev/xvda"

    ebs {
      volume_type           = "gp3"
      volume_size           = var.agents.volume_size
      encrypted             = true
      delete_on_termination = true
    }
  }

  # The provider's default tags do not reach instances and volumes that the group launches.
  dynamic "tag_specifications" {
    for_each = toset(["instance", "volume"])

    content {
      resource_type = tag_specifications.value
      tags          = merge(var.cluster.tags, { Name = "${var.cluster.name}-agent" })
    }
  }
}

resource "aws_autoscaling_group" "this" {
  name_prefix               = "${var.cluster.name}-agent-"
  min_size                  = var.agents.min
  max_size                  = var.agents.max
  vpc_zone_identifier       = var.network.node_subnet_ids
  health_check_type         = "EC2" # agents are not behind the load balancer; one that fails to boot powers itself off
  wait_for_capacity_timeout = "0"   # a failing boot must not block an apply

  launch_template {
    id      = aws_launch_template.this.id
    version = aws_launch_template.this.latest_version # a number, because a change of "$Latest" would start no refresh
  }

  instance_refresh {
    strategy = "Rolling"

    preferences {
      min_healthy_percentage = 100
      max_healthy_percentage = 150 # a new agent joins before an old one is removed
      instance_warmup        = 900 # longer than boot/node.sh waits before it powers off an agent that is not Ready
      auto_rollback          = true
    }
  }

  dynamic "tag" {
    for_each = merge(var.cluster.tags, { Name = "${var.cluster.name}-agent" })

    content {
      key                 = tag.key
      value               = tag.value
      propagate_at_launch = false # the launch template sets them
    }
  }

  lifecycle { ignore_changes = [desired_capacity] } # set by scaling
}

# Scaling does not see pending pods: agents.min must have room for all pods that the pod autoscaler may add at once.
resource "aws_autoscaling_policy" "cpu" {
  name                   = "cpu"
  autoscaling_group_name = aws_autoscaling_group.this.name
  policy_type            = "TargetTrackingScaling"

  target_tracking_configuration {
    target_value = 60 # per cent
    predefined_metric_specification { predefined_metric_type = "ASGAverageCPUUtilization" }
  }
}
