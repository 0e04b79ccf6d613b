# A network load balancer in front of Traefik. Without a certificate it passes TLS through to Traefik; with one it
# terminates TLS and connects to Traefik with TLS again.

locals {
  listeners = {
    http  = { port = 80, protocol = "TCP" }
    https = { port = 443, protocol = var.certificate_arn == null ? "TCP" : "TLS" }
  }
}

resource "aws_lb" "this" {
  #checkov:skip=CKV_AWS_91:its access logs cover only TLS listeners; each request has a log line of its service
  #checkov:skip=CKV2_AWS_20:Traefik redirects port 80 to HTTPS
  name                             = var.cluster.name
  load_balancer_type               = "network"
  subnets                          = [for zone in var.zones : aws_subnet.public[zone].id]
  security_groups                  = [aws_security_group.this["load_balancer"].id] # possible only at creation, never later
  enable_cross_zone_load_balancing = true
  enable_deletion_protection       = var.cluster.deletion_protection
}

resource "aws_lb_target_group" "this" {
  for_each = local.listeners

  name_prefix          = "${each.key}-" # at most six characters
  vpc_id               = aws_vpc.this.id
  port                 = each.value.port
  protocol             = each.value.protocol
  deregistration_delay = 60
  # The targets are instances, so by default Traefik sees the caller's address, which items records.

  health_check {
    protocol            = "TCP"
    interval            = 10
    healthy_threshold   = 2
    unhealthy_threshold = 2
  }

  lifecycle { create_before_destroy = true }
}

resource "aws_lb_listener" "this" {
  for_each = local.listeners

  load_balancer_arn = aws_lb.this.arn
  port              = each.value.port
  protocol          = each.value.protocol
  certificate_arn   = each.value.protocol == "TLS" ? var.certificate_arn : null
  ssl_policy        = each.value.protocol == "TLS" ? "ELBSecurityPolicy-TLS13-1-2-2021-06" : null

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.this[each.key].arn
  }
}
