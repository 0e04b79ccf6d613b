# K3s servers with embedded etcd. The first begins the cluster, the others join it; boot/node.sh decides and refuses to begin twice.
# They are instances, not an Auto Scaling group: members of etcd are replaced one at a time and on purpose (README, "Replacing a server").

locals {
  servers = { for i in range(var.server_count) : "server-${i + 1}" => { subnet_id = element(var.subnet_ids, i), first = i == 0 } }

  settings = {
    ROLE         = "server"
    API          = local.api
    REGION       = var.region
    BUCKET       = aws_s3_bucket.this["cluster"].id
    SERVER_TOKEN = aws_ssm_parameter.token["server"].name
    AGENT_TOKEN  = aws_ssm_parameter.token["agent"].name
    NODE_LABELS  = var.runs_application ? "spin=true" : ""
    K3S_URL      = var.programs.k3s_url
    K3S_SHA256   = var.programs.k3s_sha256
    SHIM_URL     = var.programs.shim_url
    SHIM_SHA256  = var.programs.shim_sha256
  }
}

resource "aws_instance" "this" {
  #checkov:skip=CKV_AWS_88:a public address only in the size without NAT, as the way out; the security groups admit the load balancer alone
  #checkov:skip=CKV_AWS_126:detailed monitoring costs by metric; Prometheus watches the nodes every 30 seconds
  for_each = local.servers

  ami                     = var.ami_id
  instance_type           = var.instance_type
  subnet_id               = each.value.subnet_id
  vpc_security_group_ids  = var.security_group_ids
  iam_instance_profile    = aws_iam_instance_profile.this.name
  ebs_optimized           = true
  disable_api_termination = var.deletion_protection

  user_data = join("\n", concat(
    ["#!/bin/bash"],
    [for key, value in merge(local.settings, { FIRST = tostring(each.value.first) }) : "${key}='${value}'"],
    [file("${path.module}/../../boot/node.sh")],
  ))

  metadata_options {
    http_endpoint = "enabled"
    http_tokens   = "required"
    # At 1, pods do not reach the node's role. CloudNativePG backs up and External Secrets reads with it: then what else runs on
    # servers could too. That is the platform, whose operators read every Secret anyway; the application runs on agents, or behind
    # its network policies.
    http_put_response_hop_limit = var.database_backups || var.secrets_manager ? 2 : 1
  }

  # The sweep compares node names with these.
  private_dns_name_options {
    hostname_type = "ip-name"
  }

  root_block_device {
    volume_type = "gp3"
    volume_size = var.volume_size
    encrypted   = true
  }

  tags        = { Name = "${var.name}-${each.key}" }
  volume_tags = { Name = "${var.name}-${each.key}" }

  # A new image or script must not stop all servers at once: -replace takes them one by one.
  lifecycle {
    ignore_changes = [ami, user_data]
  }

  depends_on = [aws_s3_object.node, aws_iam_role_policy.this, aws_route53_record.negative_answers]
}

resource "aws_lb_target_group_attachment" "this" {
  for_each = {
    for pair in setproduct(keys(local.servers), keys(var.target_group_arns)) : "${pair[0]}-${pair[1]}" => { server = pair[0], listener = pair[1] }
  }

  target_group_arn = var.target_group_arns[each.value.listener]
  target_id        = aws_instance.this[each.value.server].id
}

# The name under which the cluster is joined: it holds every server's address, outlives each of them, and costs a fortieth of
# an internal load balancer, behind which a server that reaches itself would hang.
locals {
  zone = "${var.name}.internal"
  api  = "api.${local.zone}"
}

resource "aws_route53_zone" "this" {
  #checkov:skip=CKV2_AWS_38:DNSSEC does not exist for private zones
  #checkov:skip=CKV2_AWS_39:queries of a private zone cannot be logged by zone
  name = local.zone

  vpc {
    vpc_id = var.vpc_id
  }
}

# server-1 asks for the name before it exists. By default a resolver remembers that it does not for 15 minutes, and nobody could join.
resource "aws_route53_record" "negative_answers" {
  zone_id         = aws_route53_zone.this.zone_id
  name            = local.zone
  type            = "SOA"
  ttl             = 30
  records         = ["${trimsuffix(aws_route53_zone.this.primary_name_server, ".")}. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 30"]
  allow_overwrite = true
}

resource "aws_route53_record" "api" {
  #checkov:skip=CKV2_AWS_23:the addresses are private ones of the instances above
  zone_id = aws_route53_zone.this.zone_id
  name    = local.api
  type    = "A"
  ttl     = 30
  records = [for server in aws_instance.this : server.private_ip]
}
