# K3s servers with embedded etcd. The first one creates the cluster, the others join it; boot/node.sh refuses to create
# it twice. They are in no Auto Scaling group: a person replaces members of etcd one at a time (README, "Replacing a
# server").

locals {
  # The API's name resolves to every server's address and outlives each of them. It costs a fortieth of an internal load
  # balancer, through which a server could not reach itself.
  zone = "${var.cluster.name}.internal"
  api  = "api.${local.zone}"

  instances = { for i in range(var.servers.count) : "server-${i + 1}" => { subnet_id = element(var.network.node_subnet_ids, i), first = i == 0 } }

  settings = merge(var.cluster.programs, {
    ROLE         = "server"
    API          = local.api
    REGION       = var.cluster.region
    BUCKET       = aws_s3_bucket.this["cluster"].id
    SERVER_TOKEN = aws_ssm_parameter.token["server"].name
    AGENT_TOKEN  = aws_ssm_parameter.token["agent"].name
    NODE_LABELS  = var.runs_application ? "spin=true" : ""
  })
}

resource "aws_instance" "this" {
  #checkov:skip=CKV_AWS_126:detailed monitoring is charged by metric; Prometheus reads the nodes every 30 seconds
  for_each = local.instances

  ami                     = var.cluster.ami_id
  instance_type           = var.servers.instance_type
  subnet_id               = each.value.subnet_id
  vpc_security_group_ids  = [var.network.security_group_ids["node"], var.network.security_group_ids["server"]]
  iam_instance_profile    = aws_iam_instance_profile.this["server"].name
  ebs_optimized           = true
  disable_api_termination = var.cluster.deletion_protection

  user_data = join("\n", concat(
    ["#!/bin/bash"],
    [for key, value in merge(local.settings, { FIRST = tostring(each.value.first) }) : "${key}='${value}'"],
    [file("${path.module}/../../boot/node.sh")],
  ))

  metadata_options {
    http_endpoint = "enabled"
    http_tokens   = "required"
    # At 1, pods cannot use the node's role. At 2, every pod on a server can: CloudNativePG needs it for backups,
    # External Secrets to read secrets. The other pods there are the platform, whose operators can read every Secret
    # anyway; the application runs on agents, or behind its network policies.
    http_put_response_hop_limit = var.database_backups || var.secrets_manager ? 2 : 1
  }

  private_dns_name_options { hostname_type = "ip-name" } # boot/sweep-nodes.sh finds instances by it

  root_block_device {
    volume_type = "gp3"
    volume_size = var.servers.volume_size
    encrypted   = true
  }

  tags        = { Name = "${var.cluster.name}-${each.key}" }
  volume_tags = { Name = "${var.cluster.name}-${each.key}" }

  # A new image or script must not replace all servers at once: `-replace` does it one by one.
  lifecycle { ignore_changes = [ami, user_data] }

  depends_on = [aws_s3_object.node, aws_iam_role_policy.this, aws_route53_record.negative_answers]
}

resource "aws_lb_target_group_attachment" "this" {
  for_each = {
    for pair in setproduct(keys(local.instances), keys(var.network.target_group_arns)) : "${pair[0]}-${pair[1]}" => { server = pair[0], listener = pair[1] }
  }

  target_group_arn = var.network.target_group_arns[each.value.listener]
  target_id        = aws_instance.this[each.value.server].id
}

resource "aws_route53_zone" "this" {
  name = local.zone
  vpc { vpc_id = var.network.vpc_id }
}

# server-1 looks up the name before it exists. By default resolvers remember that for 15 minutes: no server could join.
resource "aws_route53_record" "negative_answers" {
  zone_id         = aws_route53_zone.this.zone_id
  name            = local.zone
  type            = "SOA"
  ttl             = 30
  records         = ["${trimsuffix(aws_route53_zone.this.primary_name_server, ".")}. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 30"]
  allow_overwrite = true
}

resource "aws_route53_record" "api" {
  zone_id = aws_route53_zone.this.zone_id
  name    = local.api
  type    = "A"
  ttl     = 30
  records = [for server in aws_instance.this : server.private_ip]
}
