variable "cluster" {
  type        = object({ name = string, kms_key_arn = string, deletion_protection = bool })
  description = "Identifier of the instance, key of its data and password, and whether AWS refuses to delete it and takes a final snapshot."
}

variable "network" {
  type        = object({ private_subnet_ids = list(string), security_group_ids = map(string) })
  description = "Subnets in at least two zones, which RDS needs even without a standby, and the security group `database`."
}

variable "database" {
  type        = object({ instance_class = string, multi_az = bool, storage = object({ initial = number, max = number }) })
  description = "Instance class, whether there is a synchronous standby in a second zone, and storage in GiB at first and at most."
}
