variable "name" {
  type        = string
  default     = "items"
  description = "Prefix of every name. Each cluster of an account needs its own."
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,15}$", var.name))
    error_message = "name must begin with a letter and have 2 to 16 lower-case letters, digits and hyphens."
  }
}

variable "region" {
  type        = string
  description = "AWS region."
}

variable "zones" {
  type        = list(string)
  description = "Names of three availability zones of the region. Never change their order: it decides which subnet is where."
  validation {
    condition     = length(var.zones) == 3 && length(distinct(var.zones)) == 3 && alltrue([for zone in var.zones : startswith(zone, var.region)])
    error_message = "zones must be three different zones of the region."
  }
}

variable "zone_count" {
  type        = number
  description = "Number of zones that are used. Set by the size."
  validation {
    condition     = contains([1, 2, 3], var.zone_count)
    error_message = "zone_count must be 1, 2 or 3."
  }

  validation {
    condition     = var.database == null || var.zone_count >= 2
    error_message = "RDS needs at least two zones."
  }
}

variable "vpc_cidr" {
  type        = string
  default     = "10.0.0.0/16"
  description = "Address range of the VPC, a /16. K3s uses 10.42.0.0/16 for pods and 10.43.0.0/16 for services."
  validation {
    condition     = can(cidrhost(var.vpc_cidr, 0)) && endswith(var.vpc_cidr, "/16") && !contains(["10.42.0.0/16", "10.43.0.0/16"], var.vpc_cidr)
    error_message = "vpc_cidr must be a /16 other than 10.42.0.0/16 and 10.43.0.0/16."
  }
}

variable "nat" {
  type        = string
  description = "NAT gateways: per_zone, single (if its zone fails, no node reaches the internet), or none (nodes in public subnets). Set by the size."
  validation {
    condition     = contains(["none", "single", "per_zone"], var.nat)
    error_message = "nat must be none, single or per_zone."
  }
}

variable "ingress_cidrs" {
  type        = set(string)
  default     = ["0.0.0.0/0"]
  description = "Address ranges that may reach the application, the only thing reachable from outside. With anything but 0.0.0.0/0, Let's Encrypt cannot issue certificates (README, \"Certificates\")."
  validation {
    condition     = length(var.ingress_cidrs) > 0 && alltrue([for cidr in var.ingress_cidrs : can(cidrhost(cidr, 0))])
    error_message = "ingress_cidrs must be one or more IPv4 ranges."
  }
}

variable "certificate_arn" {
  type        = string
  default     = null
  description = "ACM certificate with which the load balancer terminates TLS; null leaves TLS to Traefik."
  validation {
    condition     = var.certificate_arn == null ? true : can(regex("^arn:[a-z-]+:acm:", var.certificate_arn))
    error_message = "certificate_arn must be the ARN of an ACM certificate."
  }
}

variable "architecture" {
  type        = string
  default     = "arm64"
  description = "Processor of all nodes: arm64 or x86_64. Instance types, image and both sha256 must match it."
  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture must be arm64 or x86_64."
  }
}

variable "ami_id" {
  type        = string
  description = "Image of the nodes: Amazon Linux 2023 for the architecture in the region. Pinned, so that a new image of AWS does not replace the agents."
  validation {
    condition     = startswith(var.ami_id, "ami-")
    error_message = "ami_id must begin with ami-."
  }
}

variable "k3s" {
  type        = object({ version = string, sha256 = string })
  description = "Release of K3s, and the sha256 of its binary for the architecture."
  validation {
    condition     = can(regex("^v[0-9]+\\.[0-9]+\\.[0-9]+\\+k3s[0-9]+$", var.k3s.version)) && can(regex("^[0-9a-f]{64}$", var.k3s.sha256))
    error_message = "k3s.version must look like v1.36.3+k3s1, k3s.sha256 must be 64 hexadecimal digits."
  }
}

variable "shim" {
  type        = object({ version = string, sha256 = string })
  description = "Release of containerd-shim-spin, and the sha256 of its archive for the architecture."
  validation {
    condition     = can(regex("^v[0-9]+\\.[0-9]+\\.[0-9]+$", var.shim.version)) && can(regex("^[0-9a-f]{64}$", var.shim.sha256))
    error_message = "shim.version must look like v0.24.0, shim.sha256 must be 64 hexadecimal digits."
  }
}

variable "servers" {
  type        = object({ count = number, instance_type = string, volume_size = number })
  description = "K3s servers: number, instance type, and size of the root volume in GiB. Set by the size."
  validation {
    condition     = contains([1, 3, 5], var.servers.count) && strcontains(var.servers.instance_type, ".") && var.servers.volume_size >= 20
    error_message = "servers.count must be 1, 3 or 5, servers.instance_type look like t4g.large, servers.volume_size be at least 20 GiB."
  }
}

variable "agents" {
  type        = object({ min = number, max = number, instance_type = string, volume_size = number })
  description = "K3s agents: lowest and highest number, instance type, and size of the root volume in GiB; null lets the servers run the application. Set by the size."
  validation {
    condition = var.agents == null ? true : alltrue([
      var.agents.min >= 1, var.agents.max >= var.agents.min, strcontains(var.agents.instance_type, "."), var.agents.volume_size >= 20,
    ])
    error_message = "agents.min must be at least 1, agents.max at least agents.min, agents.instance_type look like c7g.large, agents.volume_size be at least 20 GiB."
  }
}

variable "database" {
  type        = object({ instance_class = string, multi_az = bool, storage = object({ initial = number, max = number }) })
  description = "RDS for PostgreSQL instead of a database in the cluster; null for none. About 100 connections per GiB of memory. Set by the size."
  validation {
    condition = var.database == null ? true : alltrue([
      startswith(var.database.instance_class, "db."), var.database.storage.initial >= 20, var.database.storage.max > var.database.storage.initial,
    ])
    error_message = "database.instance_class must look like db.t4g.medium, storage.initial be at least 20 GiB, storage.max more than that."
  }
}

variable "database_backups" {
  type        = bool
  description = "Create a bucket for backups of a database in the cluster. Set by the size."
}

variable "secrets_manager" {
  type        = bool
  description = "Let pods on servers, such as External Secrets, read the secrets items/* of Secrets Manager. Set by the size."
}

variable "deletion_protection" {
  type        = bool
  default     = true
  description = "Refuse to delete load balancer, servers, buckets and database. To destroy them, first apply with false."
}
