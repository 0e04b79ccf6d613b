variable "name" {
  type        = string
  default     = "items"
  description = "Prefix of every name."
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,15}$", var.name))
    error_message = "name must begin with a letter and have 2 to 16 lower-case letters, digits and hyphens."
  }
}

variable "region" {
  type        = string
  description = "AWS region of the bucket."
}

variable "repository" {
  type        = string
  description = "GitHub repository whose workflows may assume the roles, as OWNER/NAME with GitHub's capitals."
  validation {
    condition     = can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.repository))
    error_message = "repository must look like owner/name."
  }
}
