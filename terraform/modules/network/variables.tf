variable "name" {
  type        = string
  description = "Prefix of every name."
}

variable "region" {
  type        = string
  description = "AWS region, for the name of the S3 endpoint."
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

variable "kms_key_arn" {
  type        = string
  description = "Key that encrypts the flow logs."
}
