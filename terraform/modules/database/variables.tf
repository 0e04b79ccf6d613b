variable "name" {
  type        = string
  description = "Identifier of the RDS instance."
}

variable "subnet_ids" {
  type        = list(string)
  description = "Private subnets in at least two zones: RDS needs two even without a standby."
}

variable "security_group_id" {
  type        = string
  description = "Security group of the database."
}

variable "instance_class" {
  type        = string
  description = "Instance class; its memory limits max_connections (about 100 per GiB)."
}

variable "storage" {
  type        = object({ initial = number, max = number })
  description = "Storage in GiB at first, and the most it may grow to by itself."
}

variable "multi_az" {
  type        = bool
  description = "Run a synchronous standby in a second zone."
}

variable "kms_key_arn" {
  type        = string
  description = "Key that encrypts storage, the owner's password and Performance Insights."
}

variable "deletion_protection" {
  type        = bool
  description = "Refuse to delete the instance, and take a final snapshot."
}
