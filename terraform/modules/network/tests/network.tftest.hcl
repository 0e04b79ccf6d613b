# Runs apply (to mocks), because they compare ids, which a plan does not know.
mock_provider "aws" { source = "../../tests/mocks" }

variables {
  cluster = {
    name                = "items"
    region              = "eu-central-1"
    kms_key_arn         = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"
    deletion_protection = true
  }
  zones           = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
  vpc_cidr        = "10.0.0.0/16"
  nat             = "per_zone"
  ingress_cidrs   = ["0.0.0.0/0"]
  certificate_arn = null
}

run "each_zone_has_its_own_subnets_and_nat_gateway" {
  assert {
    condition     = length(distinct(concat([for s in aws_subnet.public : s.cidr_block], [for s in aws_subnet.private : s.cidr_block]))) == 6
    error_message = "Each zone must have a public and a private subnet, each with an address range of its own."
  }
  assert {
    condition     = length(aws_nat_gateway.this) == 3 && alltrue([for zone, nat in local.nat_zone_of : zone == nat])
    error_message = "Each private subnet must use the NAT gateway of its own zone."
  }
  assert {
    condition     = alltrue([for subnet in aws_subnet.public : !subnet.map_public_ip_on_launch])
    error_message = "With NAT, no instance may get a public address by itself."
  }
}

run "a_single_nat_gateway_serves_all_zones" {
  variables { nat = "single" }

  assert {
    condition     = keys(aws_nat_gateway.this) == ["eu-central-1a"] && [for table in aws_route_table.private : length(table.route)] == [1, 1, 1]
    error_message = "Every private subnet must have a route to the one NAT gateway."
  }
}

run "without_nat_nodes_are_in_public_subnets" {
  variables {
    nat   = "none"
    zones = ["eu-central-1a"]
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 0 && length(local.nat_zone_of) == 0
    error_message = "Private subnets must have no route to the internet."
  }
  assert {
    condition     = output.node_subnet_ids == [for subnet in aws_subnet.public : subnet.id] && alltrue([for subnet in aws_subnet.public : subnet.map_public_ip_on_launch])
    error_message = "Nodes must be in the public subnets and get a public address."
  }
}

run "only_the_load_balancer_is_reachable_from_outside" {
  assert {
    condition = toset([for rule in aws_vpc_security_group_ingress_rule.public : [rule.security_group_id, rule.ip_protocol, rule.from_port, rule.to_port]]) == toset([
      for port in [80, 443] : [aws_security_group.this["load_balancer"].id, "tcp", port, port]
    ])
    error_message = "Address ranges may reach ports 80 and 443 of the load balancer alone."
  }
  assert {
    condition     = alltrue([for rule in aws_vpc_security_group_ingress_rule.flow : rule.cidr_ipv4 == null && !(rule.from_port <= 22 && rule.to_port >= 22)])
    error_message = "Inside the VPC every source must be a security group, and there must be no SSH."
  }
  assert {
    condition     = toset([for rule in aws_vpc_security_group_egress_rule.public : [rule.security_group_id, rule.from_port]]) == toset([for port in [80, 443] : [aws_security_group.this["node"].id, port]])
    error_message = "Only nodes reach the internet: 443 for registries and AWS, 80 because cert-manager checks its own challenge before the authority does."
  }
  assert {
    condition     = aws_lb.this.security_groups == toset([aws_security_group.this["load_balancer"].id])
    error_message = "The load balancer must have its security group, which AWS accepts only at its creation."
  }
}

run "every_flow_is_allowed_at_both_ends" {
  assert {
    condition = [for rule in aws_vpc_security_group_egress_rule.flow : [rule.security_group_id, rule.referenced_security_group_id, rule.ip_protocol, rule.from_port, rule.to_port]] == [
      for rule in aws_vpc_security_group_ingress_rule.flow : [rule.referenced_security_group_id, rule.security_group_id, rule.ip_protocol, rule.from_port, rule.to_port]
    ]
    error_message = "Each egress rule must have its ingress rule."
  }
  assert {
    condition     = [for end in ["referenced_security_group_id", "security_group_id"] : aws_vpc_security_group_ingress_rule.flow["api"][end]] == [for role in ["node", "server"] : aws_security_group.this[role].id]
    error_message = "Nodes must reach the API of servers, not the other way round."
  }
}

run "without_a_certificate_tls_is_passed_through_to_traefik" {
  assert {
    condition     = aws_lb_listener.this["https"].protocol == "TCP" && aws_lb_listener.this["https"].certificate_arn == null
    error_message = "Port 443 must be passed through."
  }
}

run "with_a_certificate_both_sides_of_the_load_balancer_use_tls" {
  variables { certificate_arn = "arn:aws:acm:eu-central-1:123456789012:certificate/00000000-0000-0000-0000-000000000000" }

  assert {
    condition     = [for it in [aws_lb_listener.this["https"], aws_lb_target_group.this["https"], aws_lb_listener.this["http"]] : it.protocol] == ["TLS", "TLS", "TCP"]
    error_message = "Listener and target group of port 443 must use TLS, port 80 must be plain TCP."
  }
}
