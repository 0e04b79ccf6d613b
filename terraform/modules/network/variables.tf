variable "cluster" {
  type        = object({ name = string, region = string, kms_key_arn = string, deletion_protection = bool })
  description = "Prefix of every name, AWS region, key of the flow logs, and whether AWS refuses to delete the load balancer."
}

variable "zones" {
  type        = list(string)
  description = "Availability zones, one to three. Append new zones at the end: subnets are numbered by position."
}

variable "vpc_cidr" {
  type        = string
  description = "Address range of the VPC, a /16."
}

variable "nat" {
  type        = string
  description = "NAT gateways: per_zone, single, or none (nodes are then in the public subnets)."
}

variable "ingress_cidrs" {
  type        = set(string)
  description = "Address ranges that may reach the load balancer."
}

variable "certificate_arn" {
  type        = string
  description = "ACM certificate with which the load balancer terminates TLS; null leaves TLS to Traefik."
}
