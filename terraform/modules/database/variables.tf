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

variable "database" {
  type        = object({ instance_class = string, multi_az = bool, storage = object({ initial = number, max = number }) })
  description = "Instance class, whether there is a synchronous standby in a second zone, and storage in GiB at first and at most."
}

variable "kms_key_arn" {
  type        = string
  description = "Key that encrypts storage, the owner's password and Performance Insights."
}

variable "deletion_protection" {
  type        = bool
  description = "Refuse to delete the instance, and take a final snapshot."
}
