mock_provider "aws" {
  override_during = plan

  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-central-1:123456789012:log-group:/items/vpc-flow" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/items-flow" }
  }
}

override_resource {
  target          = aws_security_group.this["load_balancer"]
  override_during = plan
  values          = { id = "sg-load-balancer" }
}

override_resource {
  target          = aws_security_group.this["node"]
  override_during = plan
  values          = { id = "sg-node" }
}

override_resource {
  target          = aws_security_group.this["server"]
  override_during = plan
  values          = { id = "sg-server" }
}

override_resource {
  target          = aws_security_group.this["database"]
  override_during = plan
  values          = { id = "sg-database" }
}

variables {
  name          = "items"
  region        = "eu-central-1"
  zones         = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
  vpc_cidr      = "10.0.0.0/16"
  nat           = "per_zone"
  ingress_cidrs = ["0.0.0.0/0"]
  kms_key_arn   = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"
}

run "three_zones_do_not_share_a_way_out" {
  command = plan

  assert {
    condition     = length(aws_subnet.public) == 3 && length(aws_subnet.private) == 3
    error_message = "Each zone has a public and a private subnet."
  }
  assert {
    condition     = length(aws_nat_gateway.this) == 3 && alltrue([for zone, nat in local.nat_zone_of : zone == nat])
    error_message = "Each private route table leads to the NAT gateway of its own zone."
  }
  assert {
    condition     = length(distinct(concat([for s in aws_subnet.public : s.cidr_block], [for s in aws_subnet.private : s.cidr_block]))) == 6
    error_message = "Subnets must not share a range."
  }
  assert {
    condition     = alltrue([for subnet in aws_subnet.public : !subnet.map_public_ip_on_launch])
    error_message = "Where there is NAT nothing gets a public address by itself."
  }
}

run "one_nat_serves_all_zones" {
  command = plan
  variables { nat = "single" }

  assert {
    condition     = keys(aws_nat_gateway.this) == ["eu-central-1a"] && length(aws_route_table.private) == 3 && alltrue([for table in aws_route_table.private : length(table.route) == 1])
    error_message = "Every private subnet leads to the one NAT gateway."
  }
}

run "without_nat_nodes_are_public_and_private_subnets_closed" {
  command = plan
  variables {
    nat   = "none"
    zones = ["eu-central-1a"]
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 0 && length(local.nat_zone_of) == 0
    error_message = "Private subnets have no way out."
  }
  assert {
    condition     = output.node_subnet_ids == output.public_subnet_ids && alltrue([for subnet in aws_subnet.public : subnet.map_public_ip_on_launch])
    error_message = "Nodes need the public subnets and an address."
  }
}

run "only_the_load_balancer_takes_callers" {
  command = plan

  assert {
    condition     = toset([for rule in aws_vpc_security_group_ingress_rule.public : rule.from_port]) == toset([80, 443])
    error_message = "Callers reach ports 80 and 443."
  }
  assert {
    condition     = alltrue([for rule in aws_vpc_security_group_ingress_rule.public : rule.security_group_id == "sg-load-balancer"])
    error_message = "No address range may reach anything but the load balancer."
  }
  assert {
    condition     = alltrue([for rule in aws_vpc_security_group_ingress_rule.flow : rule.cidr_ipv4 == null && rule.from_port != 22])
    error_message = "Inside, every source is a group, and there is no SSH."
  }
}

run "nodes_reach_tls_and_the_challenge_of_certificates" {
  command = plan

  assert {
    condition     = toset([for rule in aws_vpc_security_group_egress_rule.public : "${rule.security_group_id} ${rule.cidr_ipv4} ${rule.ip_protocol} ${rule.from_port}-${rule.to_port}"]) == toset(["sg-node 0.0.0.0/0 tcp 443-443", "sg-node 0.0.0.0/0 tcp 80-80"])
    error_message = "cert-manager asks for its own proof on port 80 of the public name before the authority does."
  }
}

run "every_flow_has_both_ends" {
  command = plan

  assert {
    condition = [for rule in aws_vpc_security_group_egress_rule.flow : [rule.security_group_id, rule.referenced_security_group_id, rule.ip_protocol, rule.from_port, rule.to_port]] == [
      for rule in aws_vpc_security_group_ingress_rule.flow : [rule.referenced_security_group_id, rule.security_group_id, rule.ip_protocol, rule.from_port, rule.to_port]
    ]
    error_message = "A rule that only one side has is no flow."
  }
  assert {
    condition = toset([for rule in aws_vpc_security_group_ingress_rule.flow : "${rule.referenced_security_group_id} ${rule.security_group_id} ${rule.ip_protocol} ${rule.from_port}-${rule.to_port}"]) == toset([
      "sg-load-balancer sg-node tcp 80-80", "sg-load-balancer sg-node tcp 443-443",
      "sg-node sg-node udp 8472-8472", "sg-node sg-node tcp 10250-10250", "sg-node sg-node tcp 9100-9100",
      "sg-node sg-server tcp 6443-6443", "sg-server sg-server tcp 2379-2380", "sg-node sg-database tcp 5432-5432",
    ])
    error_message = "The flows are the ones K3s, Traefik, Prometheus and PostgreSQL need; another one wants a line here too."
  }
}

run "refuses_what_would_not_work" {
  command = plan
  variables {
    name          = "Items"
    region        = "Frankfurt"
    zones         = ["eu-central-1a", "eu-central-1a"]
    vpc_cidr      = "10.42.0.0/16"
    ingress_cidrs = ["everywhere"]
    kms_key_arn   = "key"
  }

  expect_failures = [var.name, var.region, var.zones, var.vpc_cidr, var.ingress_cidrs, var.kms_key_arn]
}

run "refuses_an_unknown_kind_of_nat" {
  command = plan
  variables { nat = "two" }

  expect_failures = [var.nat]
}
