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
  description = "AWS region, for the scripts on the node."

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region must look like eu-central-1."
  }
}

variable "vpc_id" {
  type        = string
  description = "VPC in which the name of the API resolves."

  validation {
    condition     = length(var.vpc_id) > 0
    error_message = "vpc_id must not be empty."
  }
}

variable "subnet_ids" {
  type        = list(string)
  description = "Subnets, filled in turn; each needs a way out to registries and AWS APIs."

  validation {
    condition     = length(var.subnet_ids) > 0
    error_message = "subnet_ids must name at least one subnet."
  }
}

variable "security_group_ids" {
  type        = list(string)
  description = "Security groups of a server: the one of every node and the one of servers."

  validation {
    condition     = length(var.security_group_ids) > 0
    error_message = "security_group_ids must name at least one group."
  }
}

variable "target_group_arns" {
  type        = map(string)
  description = "Target groups by listener; the servers are registered with each."

  validation {
    condition     = length(var.target_group_arns) > 0
    error_message = "target_group_arns must hold at least one target group."
  }
}

variable "server_count" {
  type        = number
  description = "Number of servers: etcd wants an odd one. It may grow; before it shrinks, remove the node."

  validation {
    condition     = contains([1, 3, 5], var.server_count)
    error_message = "server_count must be 1, 3 or 5."
  }
}

variable "instance_type" {
  type        = string
  description = "Instance type, of the architecture of ami_id and programs."

  validation {
    condition     = can(regex("^[a-z0-9-]+\\.[a-z0-9-]+$", var.instance_type))
    error_message = "instance_type must look like t4g.large."
  }
}

variable "volume_size" {
  type        = number
  description = "Size of the root volume in GiB; volumes of storage class local-path are on it."

  validation {
    condition     = var.volume_size >= 20 && var.volume_size <= 1000
    error_message = "volume_size must be 20 to 1000 GiB."
  }
}

variable "ami_id" {
  type        = string
  description = "Image of Amazon Linux 2023: AWS CLI and Session Manager's agent are expected, the root device is /dev/xvda."

  validation {
    condition     = startswith(var.ami_id, "ami-")
    error_message = "ami_id must begin with ami-."
  }
}

variable "programs" {
  type = object({
    k3s_url     = string
    k3s_sha256  = string
    shim_url    = string
    shim_sha256 = string
  })
  description = "Where K3s and the Spin shim are downloaded from, and what they must be."

  validation {
    condition     = alltrue([for hash in [var.programs.k3s_sha256, var.programs.shim_sha256] : can(regex("^[0-9a-f]{64}$", hash))])
    error_message = "A sha256 is 64 hexadecimal digits."
  }

  # They are written between single quotes into a shell script.
  validation {
    condition     = alltrue([for url in [var.programs.k3s_url, var.programs.shim_url] : can(regex("^https://[^'\\s]+$", url))])
    error_message = "The addresses must be https, without quotes and blanks."
  }
}

variable "platform" {
  type        = object({ root = string, files = set(string) })
  description = "Files below root, as patterns, that the first server gets; it runs spinkube/platform/install.sh of them."

  validation {
    condition     = contains(flatten([for pattern in var.platform.files : tolist(fileset(var.platform.root, pattern))]), "spinkube/platform/install.sh")
    error_message = "platform.files must hold spinkube/platform/install."
  }
}

variable "runs_application" {
  type        = bool
  description = "Label the servers spin=true: they run the application themselves, there are no agents."
}

variable "database_backups" {
  type        = bool
  description = "Make a bucket for backups of a database in the cluster, and let pods on servers use the servers' role for it."
}

variable "secrets_manager" {
  type        = bool
  description = "Let pods on servers read the secrets items/* of Secrets Manager with the servers' role, as External Secrets does."
}

variable "database_owner_secret_arn" {
  type        = string
  default     = null
  description = "Secret with the password of RDS's owner, which secrets_manager opens too; null where there is no RDS."

  validation {
    condition     = var.database_owner_secret_arn == null ? true : startswith(var.database_owner_secret_arn, "arn:")
    error_message = "database_owner_secret_arn must be an ARN."
  }
}

variable "kms_key_arn" {
  type        = string
  description = "Key that encrypts tokens, snapshots and files; the role may use it."

  validation {
    condition     = startswith(var.kms_key_arn, "arn:")
    error_message = "kms_key_arn must be an ARN."
  }
}

variable "deletion_protection" {
  type        = bool
  description = "Refuse to end servers and to empty the bucket."
}
