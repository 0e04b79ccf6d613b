# K3s agents in an Auto Scaling group: they run the application and nothing that keeps state.

locals {
  settings = {
    ROLE        = "agent"
    API         = var.api
    REGION      = var.region
    AGENT_TOKEN = var.agent_token.name
    NODE_LABELS = "spin=true"
    # What keeps a volume on its node must not come here. Spin pods tolerate it by their RuntimeClass (spinkube/platform/spin.yaml).
    NODE_TAINTS = "spin=true:NoSchedule"
    K3S_URL     = var.programs.k3s_url
    K3S_SHA256  = var.programs.k3s_sha256
    SHIM_URL    = var.programs.shim_url
    SHIM_SHA256 = var.programs.shim_sha256
  }
}

resource "aws_launch_template" "this" {
  #checkov:skip=CKV_AWS_88:a public address only in the size without NAT, by its subnet
  name_prefix            = "${var.name}-agent-"
  image_id               = var.ami_id
  instance_type          = var.instance_type
  update_default_version = true
  ebs_optimized          = true
  vpc_security_group_ids = var.security_group_ids

  user_data = base64encode(join("\n", concat(
    ["#!/bin/bash"],
    [for key, value in local.settings : "${key}='${value}'"],
    [file("${path.module}/../../boot/node.sh")],
  )))

  iam_instance_profile {
    arn = aws_iam_instance_profile.this.arn
  }

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1 # pods do not reach the role of the node
  }

  private_dns_name_options {
    hostname_type = "ip-name"
  }

  block_device_mappings {
    device_name = "/dev/xvda"

    ebs {
      volume_type           = "gp3"
      volume_size           = var.volume_size
      encrypted             = true
      delete_on_termination = true
    }
  }

  # The provider's default tags do not reach what the group launches.
  dynamic "tag_specifications" {
    for_each = toset(["instance", "volume"])

    content {
      resource_type = tag_specifications.value
      tags          = merge(var.tags, { Name = "${var.name}-agent" })
    }
  }
}

resource "aws_autoscaling_group" "this" {
  name_prefix               = "${var.name}-agent-"
  min_size                  = var.size.min
  max_size                  = var.size.max
  vpc_zone_identifier       = var.subnet_ids
  health_check_type         = "EC2" # agents are not behind the load balancer; one that does not become a node powers itself off
  health_check_grace_period = 300
  wait_for_capacity_timeout = "0" # a broken boot shows in the cluster; it must not hang an apply

  launch_template {
    id      = aws_launch_template.this.id
    version = aws_launch_template.this.latest_version # a number: a change of it starts the refresh, "$Latest" would not
  }

  instance_refresh {
    strategy = "Rolling"

    preferences {
      min_healthy_percentage = 100
      max_healthy_percentage = 150 # the new one joins before an old one goes
      instance_warmup        = 900 # longer than a boot may take before the agent powers itself off (boot/node.sh)
      auto_rollback          = true
    }
  }

  dynamic "tag" {
    for_each = merge(var.tags, { Name = "${var.name}-agent" })

    content {
      key                 = tag.key
      value               = tag.value
      propagate_at_launch = false # instances and volumes have theirs from the template
    }
  }

  # Scaling moves it.
  lifecycle {
    ignore_changes = [desired_capacity]
  }

  depends_on = [aws_iam_role_policy.this]
}

# It does not see pods that wait for a node: size.min must carry the pods that an autoscaler may ask for at once.
resource "aws_autoscaling_policy" "cpu" {
  name                   = "cpu"
  autoscaling_group_name = aws_autoscaling_group.this.name
  policy_type            = "TargetTrackingScaling"

  target_tracking_configuration {
    target_value = var.cpu_target

    predefined_metric_specification {
      predefined_metric_type = "ASGAverageCPUUtilization"
    }
  }
}

resource "aws_iam_role" "this" {
  name_prefix = "${var.name}-agent-"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ec2.amazonaws.com" }
    }]
  })
}

# Not AmazonSSMManagedInstanceCore: that one may read every parameter of the account, the server token with them.
resource "aws_iam_role_policy" "this" {
  #checkov:skip=CKV_AWS_355:Session Manager's channels know no resources
  #checkov:skip=CKV_AWS_290:Session Manager's channels know no resources
  role = aws_iam_role.this.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      jsondecode(file("${path.module}/../../boot/session-manager.json")),
      {
        Sid      = "Token"
        Effect   = "Allow"
        Action   = "ssm:GetParameter"
        Resource = var.agent_token.arn
      },
      {
        Sid       = "Key"
        Effect    = "Allow"
        Action    = "kms:Decrypt"
        Resource  = var.kms_key_arn
        Condition = { StringEquals = { "kms:EncryptionContext:PARAMETER_ARN" = var.agent_token.arn } }
      },
    ]
  })
}

resource "aws_iam_instance_profile" "this" {
  name_prefix = "${var.name}-agent-"
  role        = aws_iam_role.this.name
}
