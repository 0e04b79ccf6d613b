# A network load balancer in front of Traefik. TLS ends in Traefik, or here as well where a certificate of ACM is given;
# the way to the nodes is encrypted in both cases.

locals {
  listeners = {
    http  = { port = 80, protocol = "TCP" }
    https = { port = 443, protocol = var.certificate_arn == null ? "TCP" : "TLS" }
  }
}

resource "aws_lb" "this" {
  #checkov:skip=CKV_AWS_91:access logs of a network load balancer cover TLS listeners alone; Traefik's access log has every request
  #checkov:skip=CKV2_AWS_20:port 80 is passed on; Traefik redirects it
  name                             = var.name
  load_balancer_type               = "network"
  subnets                          = var.subnet_ids
  security_groups                  = [var.security_group_id] # only possible from the start, never added later
  enable_cross_zone_load_balancing = true
  enable_deletion_protection       = var.deletion_protection
}

resource "aws_lb_target_group" "this" {
  #checkov:skip=CKV_AWS_378:the protocols are TCP and TLS; what is HTTP on port 80 is a redirect
  for_each = local.listeners

  name_prefix          = "${each.key}-" # at most six characters
  vpc_id               = var.vpc_id
  port                 = each.value.port
  protocol             = each.value.protocol
  deregistration_delay = 60

  health_check {
    protocol            = "TCP"
    port                = "traffic-port"
    interval            = 10
    healthy_threshold   = 2
    unhealthy_threshold = 2
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_lb_listener" "this" {
  #checkov:skip=CKV_AWS_2:a network load balancer has no HTTPS listener
  #checkov:skip=CKV_AWS_103:TLS 1.2 and 1.3 alone, by the policy below where TLS ends here and by Traefik where it ends there
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
