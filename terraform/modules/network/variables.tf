variable "name" {
  type        = string
  description = "Prefix of every name."

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,15}$", var.name))
    error_message = "name must be 2 to 16 lower-case letters, digits and hyphens, and begin with a letter."
  }
}

variable "region" {
  type        = string
  description = "AWS region, for the name of the S3 endpoint."

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region must look like eu-central-1."
  }
}

variable "zones" {
  type        = list(string)
  description = "Availability zones, one to three. A zone added later goes to the end: subnets are numbered by position."

  validation {
    condition     = length(var.zones) >= 1 && length(var.zones) <= 3 && length(distinct(var.zones)) == length(var.zones)
    error_message = "zones must be one to three different zones."
  }
}

variable "vpc_cidr" {
  type        = string
  description = "Address range of the VPC, a /16. It must not overlap K3s's own: 10.42.0.0/16 for pods, 10.43.0.0/16 for services."

  validation {
    condition     = can(cidrhost(var.vpc_cidr, 0)) && endswith(var.vpc_cidr, "/16") && !contains(["10.42.0.0/16", "10.43.0.0/16"], var.vpc_cidr)
    error_message = "vpc_cidr must be a /16 other than 10.42.0.0/16 and 10.43.0.0/16, which K3s uses."
  }
}

variable "nat" {
  type        = string
  description = "NAT gateways: per_zone, single (one zone's failure cuts the way out), or none (nodes then belong into the public subnets)."

  validation {
    condition     = contains(["none", "single", "per_zone"], var.nat)
    error_message = "nat must be none, single or per_zone."
  }
}

variable "ingress_cidrs" {
  type        = set(string)
  description = "Address ranges that may reach the load balancer."

  validation {
    condition     = length(var.ingress_cidrs) > 0 && alltrue([for cidr in var.ingress_cidrs : can(cidrhost(cidr, 0))])
    error_message = "ingress_cidrs must be one or more IPv4 ranges."
  }
}

variable "kms_key_arn" {
  type        = string
  description = "Key that encrypts the flow logs."

  validation {
    condition     = startswith(var.kms_key_arn, "arn:")
    error_message = "kms_key_arn must be an ARN."
  }
}
