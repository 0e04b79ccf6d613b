mock_provider "aws" {
  override_during = plan

  mock_resource "aws_lb" {
    defaults = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/net/items/0123456789abcdef" }
  }
  mock_resource "aws_lb_target_group" {
    defaults = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/items/0123456789abcdef" }
  }
}

variables {
  name                = "items"
  vpc_id              = "vpc-1"
  subnet_ids          = ["subnet-1"]
  security_group_id   = "sg-1"
  deletion_protection = true
}

run "tls_is_left_to_traefik" {
  command = plan

  assert {
    condition     = aws_lb_listener.this["https"].protocol == "TCP" && aws_lb_listener.this["https"].certificate_arn == null
    error_message = "Without a certificate, port 443 is passed through."
  }
  assert {
    condition     = aws_lb.this.load_balancer_type == "network" && aws_lb.this.security_groups == toset(["sg-1"])
    error_message = "A network load balancer takes security groups only when it is made."
  }
}

run "tls_ends_here_with_a_certificate_and_goes_on_encrypted" {
  command = plan
  variables { certificate_arn = "arn:aws:acm:eu-central-1:123456789012:certificate/00000000-0000-0000-0000-000000000000" }

  assert {
    condition     = aws_lb_listener.this["https"].protocol == "TLS" && aws_lb_target_group.this["https"].protocol == "TLS"
    error_message = "Both halves of the way are TLS."
  }
  assert {
    condition     = aws_lb_listener.this["https"].ssl_policy == "ELBSecurityPolicy-TLS13-1-2-2021-06" && aws_lb_listener.this["http"].certificate_arn == null
    error_message = "TLS 1.2 and later on port 443, plain TCP on port 80."
  }
}

run "refuses_what_would_not_work" {
  command = plan
  variables {
    name              = "an-overly-long-name"
    vpc_id            = ""
    subnet_ids        = []
    security_group_id = ""
    certificate_arn   = "arn:aws:iam::123456789012:server-certificate/x"
  }

  expect_failures = [var.name, var.vpc_id, var.subnet_ids, var.security_group_id, var.certificate_arn]
}
