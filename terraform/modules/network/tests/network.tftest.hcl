mock_provider "aws" {
  source          = "../../tests/mocks"
  override_during = plan
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

run "each_zone_has_its_own_subnets_and_nat_gateway" {
  command = plan

  assert {
    condition     = length(aws_subnet.public) == 3 && length(aws_subnet.private) == 3
    error_message = "Each zone must have a public and a private subnet."
  }
  assert {
    condition     = length(aws_nat_gateway.this) == 3 && alltrue([for zone, nat in local.nat_zone_of : zone == nat])
    error_message = "Each private subnet must use the NAT gateway of its own zone."
  }
  assert {
    condition     = length(distinct(concat([for s in aws_subnet.public : s.cidr_block], [for s in aws_subnet.private : s.cidr_block]))) == 6
    error_message = "Subnets must not share an address range."
  }
  assert {
    condition     = alltrue([for subnet in aws_subnet.public : !subnet.map_public_ip_on_launch])
    error_message = "With NAT, no instance may get a public address by itself."
  }
}

run "a_single_nat_gateway_serves_all_zones" {
  command = plan
  variables { nat = "single" }

  assert {
    condition     = keys(aws_nat_gateway.this) == ["eu-central-1a"] && length(aws_route_table.private) == 3 && alltrue([for table in aws_route_table.private : length(table.route) == 1])
    error_message = "Every private subnet must have a route to the one NAT gateway."
  }
}

run "without_nat_nodes_are_in_public_subnets" {
  command = plan
  variables {
    nat   = "none"
    zones = ["eu-central-1a"]
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 0 && length(local.nat_zone_of) == 0
    error_message = "Private subnets must have no route to the internet."
  }
  assert {
    condition     = output.node_subnet_ids == output.public_subnet_ids && alltrue([for subnet in aws_subnet.public : subnet.map_public_ip_on_launch])
    error_message = "Nodes must be in the public subnets and get a public address."
  }
}

run "clients_reach_the_load_balancer_alone_and_nodes_the_internet_on_two_ports" {
  command = plan

  assert {
    condition     = toset([for rule in aws_vpc_security_group_ingress_rule.public : "${rule.ip_protocol} ${rule.from_port}-${rule.to_port}"]) == toset(["tcp 80-80", "tcp 443-443"])
    error_message = "Clients may reach ports 80 and 443 alone."
  }
  assert {
    condition     = alltrue([for rule in aws_vpc_security_group_ingress_rule.public : rule.security_group_id == "sg-load-balancer"])
    error_message = "Address ranges may reach the load balancer alone."
  }
  assert {
    condition     = alltrue([for rule in aws_vpc_security_group_ingress_rule.flow : rule.cidr_ipv4 == null && rule.from_port != 22])
    error_message = "Inside the VPC every source must be a security group, and there must be no SSH."
  }
  assert {
    condition = toset([for rule in aws_vpc_security_group_egress_rule.public : "${rule.security_group_id} ${rule.cidr_ipv4} ${rule.ip_protocol} ${rule.from_port}-${rule.to_port}"]) == toset([
      "sg-node 0.0.0.0/0 tcp 443-443", "sg-node 0.0.0.0/0 tcp 80-80",
    ])
    error_message = "Nodes need 443 for registries and AWS, and 80 because cert-manager checks its own challenge before the authority does."
  }
}

run "every_flow_is_allowed_at_both_ends" {
  command = plan

  assert {
    condition = [for rule in aws_vpc_security_group_egress_rule.flow : [rule.security_group_id, rule.referenced_security_group_id, rule.ip_protocol, rule.from_port, rule.to_port]] == [
      for rule in aws_vpc_security_group_ingress_rule.flow : [rule.referenced_security_group_id, rule.security_group_id, rule.ip_protocol, rule.from_port, rule.to_port]
    ]
    error_message = "Each egress rule must have its ingress rule."
  }
  assert {
    condition = toset([for rule in aws_vpc_security_group_ingress_rule.flow : "${rule.referenced_security_group_id} ${rule.security_group_id} ${rule.ip_protocol} ${rule.from_port}-${rule.to_port}"]) == toset([
      "sg-load-balancer sg-node tcp 80-80", "sg-load-balancer sg-node tcp 443-443",
      "sg-node sg-node udp 8472-8472", "sg-node sg-node tcp 10250-10250", "sg-node sg-node tcp 9100-9100",
      "sg-node sg-server tcp 6443-6443", "sg-server sg-server tcp 2379-2380", "sg-node sg-database tcp 5432-5432",
    ])
    error_message = "The flows must be the ones that K3s, Traefik, Prometheus and PostgreSQL need. List new ones here too."
  }
}
