mock_provider "aws" {
  source          = "../../tests/mocks"
  override_during = plan
}

variables {
  name                = "items"
  vpc_id              = "vpc-1"
  subnet_ids          = ["subnet-1"]
  security_group_id   = "sg-1"
  deletion_protection = true
}

run "without_a_certificate_tls_is_passed_through_to_traefik" {
  command = plan

  assert {
    condition     = aws_lb_listener.this["https"].protocol == "TCP" && aws_lb_listener.this["https"].certificate_arn == null
    error_message = "Port 443 must be passed through."
  }
  assert {
    condition     = aws_lb.this.load_balancer_type == "network" && aws_lb.this.security_groups == toset(["sg-1"])
    error_message = "A network load balancer must have its security group from its creation on."
  }
}

run "with_a_certificate_both_sides_of_the_load_balancer_use_tls" {
  command = plan
  variables { certificate_arn = "arn:aws:acm:eu-central-1:123456789012:certificate/00000000-0000-0000-0000-000000000000" }

  assert {
    condition     = aws_lb_listener.this["https"].protocol == "TLS" && aws_lb_target_group.this["https"].protocol == "TLS"
    error_message = "Listener and target group must use TLS."
  }
  assert {
    condition     = aws_lb_listener.this["https"].ssl_policy == "ELBSecurityPolicy-TLS13-1-2-2021-06" && aws_lb_listener.this["http"].certificate_arn == null
    error_message = "Port 443 must require TLS 1.2 or later, port 80 must be plain TCP."
  }
}
