variable "name" {
  type        = string
  description = "Identifier of the instance."

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,15}$", var.name))
    error_message = "name must be 2 to 16 lower-case letters, digits and hyphens, and begin with a letter."
  }
}

variable "subnet_ids" {
  type        = list(string)
  description = "Private subnets in at least two zones: RDS takes no fewer, even without a standby."

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "subnet_ids must name subnets in at least two zones."
  }
}

variable "security_group_id" {
  type        = string
  description = "Security group of the database."

  validation {
    condition     = length(var.security_group_id) > 0
    error_message = "security_group_id must not be empty."
  }
}

variable "engine_version" {
  type        = string
  default     = "17"
  description = "Major version of PostgreSQL; RDS chooses the minor one."

  validation {
    condition     = can(regex("^1[5-8]$", var.engine_version))
    error_message = "engine_version must be a major version from 15 to 18."
  }
}

variable "instance_class" {
  type        = string
  description = "Instance class; its memory bounds max_connections (about 100 for each GiB)."

  validation {
    condition     = startswith(var.instance_class, "db.")
    error_message = "instance_class must look like db.t4g.medium."
  }
}

variable "storage" {
  type        = object({ initial = number, max = number })
  description = "Storage in GiB at first, and how far it may grow by itself."

  validation {
    condition     = var.storage.initial >= 20 && var.storage.max > var.storage.initial
    error_message = "storage.initial must be at least 20 GiB, storage.max more than that."
  }
}

variable "multi_az" {
  type        = bool
  description = "Keep a synchronous standby in a second zone."
}

variable "backup_days" {
  type        = number
  default     = 14
  description = "Days within which any second can be restored."

  validation {
    condition     = var.backup_days >= 7 && var.backup_days <= 35
    error_message = "backup_days must be 7 to 35."
  }
}

variable "kms_key_arn" {
  type        = string
  description = "Key that encrypts storage, the owner's password and insights."

  validation {
    condition     = startswith(var.kms_key_arn, "arn:")
    error_message = "kms_key_arn must be an ARN."
  }
}

variable "deletion_protection" {
  type        = bool
  description = "Refuse to delete the instance, and keep a last snapshot."
}
