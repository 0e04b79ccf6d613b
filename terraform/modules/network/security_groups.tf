# Every allowed flow. There is no SSH: Session Manager needs no open port.

locals {
  groups = {
    load_balancer = "the public load balancer"
    node          = "every K3s node"
    server        = "K3s servers, beside the group of every node"
    database      = "RDS, where there is one"
  }

  # Each row becomes an egress rule of its source and an ingress rule of its target.
  flows = {
    http     = { from = "load_balancer", to = "node", protocol = "tcp", ports = [80, 80], why = "Traefik" }
    https    = { from = "load_balancer", to = "node", protocol = "tcp", ports = [443, 443], why = "Traefik" }
    vxlan    = { from = "node", to = "node", protocol = "udp", ports = [8472, 8472], why = "flannel: traffic between pods" }
    kubelet  = { from = "node", to = "node", protocol = "tcp", ports = [10250, 10250], why = "kubelet: logs, exec, metrics" }
    exporter = { from = "node", to = "node", protocol = "tcp", ports = [9100, 9100], why = "node-exporter" }
    api      = { from = "node", to = "server", protocol = "tcp", ports = [6443, 6443], why = "Kubernetes API and registration" }
    etcd     = { from = "server", to = "server", protocol = "tcp", ports = [2379, 2380], why = "etcd" }
    postgres = { from = "node", to = "database", protocol = "tcp", ports = [5432, 5432], why = "PostgreSQL" }
  }

  # From every node to any address. cert-manager fetches its challenge under the public name before the authority does.
  public_egress = {
    443 = "registries, charts, AWS APIs, the certificate authority"
    80  = "the certificate authority's challenge, which cert-manager checks first"
  }

  # One rule per address range and port.
  public_ingress = {
    for pair in setproduct(var.ingress_cidrs, [80, 443]) : "${pair[0]}-${pair[1]}" => { cidr = pair[0], port = pair[1] }
  }
}

resource "aws_security_group" "this" {
  #checkov:skip=CKV2_AWS_5:the other modules attach it
  for_each = local.groups

  name_prefix = "${var.cluster.name}-${replace(each.key, "_", "-")}-"
  description = each.value
  vpc_id      = aws_vpc.this.id
  tags        = { Name = "${var.cluster.name}-${replace(each.key, "_", "-")}" }
  lifecycle { create_before_destroy = true }
}

resource "aws_vpc_security_group_egress_rule" "flow" {
  for_each = local.flows

  security_group_id            = aws_security_group.this[each.value.from].id
  referenced_security_group_id = aws_security_group.this[each.value.to].id
  ip_protocol                  = each.value.protocol
  from_port                    = each.value.ports[0]
  to_port                      = each.value.ports[1]
  description                  = each.value.why
}

resource "aws_vpc_security_group_ingress_rule" "flow" {
  #checkov:skip=CKV_AWS_260:each source is a security group, never an address range
  for_each = local.flows

  security_group_id            = aws_security_group.this[each.value.to].id
  referenced_security_group_id = aws_security_group.this[each.value.from].id
  ip_protocol                  = each.value.protocol
  from_port                    = each.value.ports[0]
  to_port                      = each.value.ports[1]
  description                  = each.value.why
}

resource "aws_vpc_security_group_ingress_rule" "public" {
  for_each = local.public_ingress

  security_group_id = aws_security_group.this["load_balancer"].id
  cidr_ipv4         = each.value.cidr
  ip_protocol       = "tcp"
  from_port         = each.value.port
  to_port           = each.value.port
  description       = "clients"
}

# Registries and AWS change their addresses, so no narrower range can be listed.
resource "aws_vpc_security_group_egress_rule" "public" {
  for_each = local.public_egress

  security_group_id = aws_security_group.this["node"].id
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = each.key
  to_port           = each.key
  description       = each.value
}
