variable "cluster" {
  type = object({
    name                = string      # prefix of every name
    region              = string      # AWS region
    kms_key_arn         = string      # encrypts tokens, files, snapshots and backups
    deletion_protection = bool        # refuse to terminate servers and to delete buckets that are not empty
    ami_id              = string      # Amazon Linux 2023, which has the AWS CLI and the agent of Session Manager
    programs            = map(string) # K3S_URL, K3S_SHA256, SHIM_URL and SHIM_SHA256 of boot/node.sh
  })
  description = "What is the same for all nodes."
}

variable "network" {
  type        = object({ vpc_id = string, node_subnet_ids = list(string), security_group_ids = map(string), target_group_arns = map(string) })
  description = "VPC, subnets with a route to registries and AWS APIs, security groups `node` and `server`, and the target groups that each server joins."
}

variable "servers" {
  type        = object({ count = number, instance_type = string, volume_size = number })
  description = "Number of servers, their instance type, and the size of their root volume in GiB. Remove a node from the cluster before you lower the number."
}

variable "runs_application" {
  type        = bool
  description = "Label the servers spin=true, so that they run the application. For a cluster without agents."
}

variable "database_backups" {
  type        = bool
  description = "Create a bucket for backups of a database in the cluster, and let pods on servers use the servers' role for it."
}

variable "secrets_manager" {
  type        = bool
  description = "Let pods on servers, such as External Secrets, read the secrets items/* of Secrets Manager with the servers' role."
}

variable "database_owner_secret_arn" {
  type        = string
  description = "Secret with the password of RDS's owner, which secrets_manager makes readable too; null without RDS."
}
