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

variable "subnet_ids" {
  type        = list(string)
  description = "Subnets the group spreads over; each needs a way out to registries and AWS APIs."

  validation {
    condition     = length(var.subnet_ids) > 0
    error_message = "subnet_ids must name at least one subnet."
  }
}

variable "security_group_ids" {
  type        = list(string)
  description = "Security groups of an agent."

  validation {
    condition     = length(var.security_group_ids) > 0
    error_message = "security_group_ids must name at least one group."
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
  description = "Size of the root volume in GiB: images and logs."

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

variable "kms_key_arn" {
  type        = string
  description = "Key that encrypts the token."

  validation {
    condition     = startswith(var.kms_key_arn, "arn:")
    error_message = "kms_key_arn must be an ARN."
  }
}

variable "api" {
  type        = string
  description = "Name under which the servers answer on port 6443."

  validation {
    condition     = can(regex("^[a-z0-9.-]+$", var.api))
    error_message = "api must be a host name."
  }
}

variable "agent_token" {
  type        = object({ name = string, arn = string })
  description = "Parameter that lets agents join: its name and its ARN."

  validation {
    condition     = startswith(var.agent_token.name, "/") && startswith(var.agent_token.arn, "arn:")
    error_message = "agent_token needs the parameter's full name and its ARN."
  }
}

variable "size" {
  type        = object({ min = number, max = number })
  description = "Fewest and most agents."

  validation {
    condition     = var.size.min >= 1 && var.size.max >= var.size.min
    error_message = "size.min must be at least 1, size.max at least size.min."
  }
}

variable "cpu_target" {
  type        = number
  default     = 60
  description = "CPU utilisation in per cent that the group is held at."

  validation {
    condition     = var.cpu_target >= 20 && var.cpu_target <= 90
    error_message = "cpu_target must be 20 to 90 per cent."
  }
}

variable "tags" {
  type        = map(string)
  description = "Tags of instances and volumes, which the provider's default tags do not reach."

  validation {
    condition     = !contains(keys(var.tags), "Name")
    error_message = "The name is set here."
  }
}
