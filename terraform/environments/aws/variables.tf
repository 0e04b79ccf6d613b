variable "name" {
  type        = string
  default     = "items"
  description = "Prefix of every name; a second cluster in the same account needs another one."

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,15}$", var.name))
    error_message = "name must be 2 to 16 lower-case letters, digits and hyphens, and begin with a letter."
  }
}

variable "region" {
  type        = string
  description = "AWS region."

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region must look like eu-central-1."
  }
}

variable "zones" {
  type        = list(string)
  description = "Three availability zones of the region, by name: a list that is written down cannot change its order under a running cluster."

  validation {
    condition     = length(var.zones) == 3 && length(distinct(var.zones)) == 3 && alltrue([for zone in var.zones : startswith(zone, var.region)])
    error_message = "zones must be three different zones of the region."
  }
}

variable "zone_count" {
  type        = number
  description = "How many of the zones are used: 3, or 1 for the single node. Set by the size."

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
  description = "Address range of the VPC, a /16 other than those of K3s (10.42.0.0/16, 10.43.0.0/16)."

  validation {
    condition     = can(cidrhost(var.vpc_cidr, 0)) && endswith(var.vpc_cidr, "/16")
    error_message = "vpc_cidr must be a /16."
  }
}

variable "nat" {
  type        = string
  description = "NAT gateways: per_zone, single, or none (nodes in public subnets). Set by the size."

  validation {
    condition     = contains(["none", "single", "per_zone"], var.nat)
    error_message = "nat must be none, single or per_zone."
  }
}

variable "ingress_cidrs" {
  type        = set(string)
  default     = ["0.0.0.0/0"]
  description = "Address ranges that may reach the application. Nothing else can be reached from outside. Let's Encrypt proves a name on port 80 from addresses that nobody knows, and cert-manager before it from the nodes' own public ones: anything narrower than everywhere wants another source of certificates."

  validation {
    condition     = length(var.ingress_cidrs) > 0 && alltrue([for cidr in var.ingress_cidrs : can(cidrhost(cidr, 0))])
    error_message = "ingress_cidrs must be one or more IPv4 ranges."
  }
}

variable "certificate_arn" {
  type        = string
  default     = null
  description = "Certificate of ACM with which TLS ends at the load balancer too; null leaves TLS to Traefik."

  validation {
    condition     = var.certificate_arn == null ? true : can(regex("^arn:[a-z-]+:acm:", var.certificate_arn))
    error_message = "certificate_arn must be the ARN of a certificate of ACM."
  }
}

variable "architecture" {
  type        = string
  default     = "arm64"
  description = "Processor of all nodes: arm64 or x86_64. Instance types and the two sha256 must fit it."

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture must be arm64 or x86_64."
  }
}

variable "ami_id" {
  type        = string
  description = "Image of the nodes, Amazon Linux 2023 of the architecture in the region. Pinned: an image that AWS publishes must not roll the agents by itself."

  validation {
    condition     = startswith(var.ami_id, "ami-")
    error_message = "ami_id must begin with ami-."
  }
}

variable "k3s" {
  type        = object({ version = string, sha256 = string })
  description = "Release of K3s, and the sha256 of its program for the architecture."

  validation {
    condition     = can(regex("^v[0-9]+\\.[0-9]+\\.[0-9]+\\+k3s[0-9]+$", var.k3s.version)) && can(regex("^[0-9a-f]{64}$", var.k3s.sha256))
    error_message = "k3s.version must look like v1.36.3+k3s1, k3s.sha256 be 64 hexadecimal digits."
  }
}

variable "shim" {
  type        = object({ version = string, sha256 = string })
  description = "Release of containerd-shim-spin, and the sha256 of its archive for the architecture."

  validation {
    condition     = can(regex("^v[0-9]+\\.[0-9]+\\.[0-9]+$", var.shim.version)) && can(regex("^[0-9a-f]{64}$", var.shim.sha256))
    error_message = "shim.version must look like v0.24.0, shim.sha256 be 64 hexadecimal digits."
  }
}

variable "servers" {
  type        = object({ count = number, instance_type = string, volume_size = number })
  description = "K3s servers: how many (1, 3 or 5), of what type, with how many GiB. Set by the size."

  validation {
    condition     = contains([1, 3, 5], var.servers.count)
    error_message = "servers.count must be 1, 3 or 5."
  }
}

variable "agents" {
  type        = object({ min = number, max = number, instance_type = string, volume_size = number })
  description = "K3s agents: fewest and most, of what type, with how many GiB; null lets the servers run the application. Set by the size."

  validation {
    condition     = var.agents == null ? true : var.agents.min >= 1 && var.agents.max >= var.agents.min
    error_message = "agents.min must be at least 1, agents.max at least agents.min."
  }
}

variable "database" {
  type = object({
    instance_class = string
    multi_az       = bool
    storage        = object({ initial = number, max = number })
  })
  description = "RDS for PostgreSQL instead of a database in the cluster; null for none. Set by the size."

  validation {
    condition     = var.database == null ? true : startswith(var.database.instance_class, "db.")
    error_message = "database.instance_class must look like db.t4g.medium."
  }
}

variable "database_backups" {
  type        = bool
  description = "Make a bucket for backups of a database in the cluster. Set by the size."
}

variable "secrets_manager" {
  type        = bool
  description = "Let pods on servers read the secrets items/* of Secrets Manager, for External Secrets. Set by the size."
}

variable "deletion_protection" {
  type        = bool
  default     = true
  description = "Refuse to delete load balancer, servers, snapshots and database. Set it to false, and apply, before destroy."
}
