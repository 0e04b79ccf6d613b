variable "node" {
  type = object({
    name              = string       # prefix of every name
    region            = string       # AWS region
    ami_id            = string       # Amazon Linux 2023, which has the AWS CLI and the agent of Session Manager
    subnet_ids        = list(string) # each with a route to registries and AWS APIs
    security_group_id = string       # of every node
    kms_key_arn       = string       # encrypts tokens, files and snapshots
    programs          = map(string)  # K3S_URL, K3S_SHA256, SHIM_URL and SHIM_SHA256 of boot/node.sh
  })
  description = "What servers and agents have in common."
}

variable "servers" {
  type        = object({ count = number, instance_type = string, volume_size = number })
  description = "Number of servers, their instance type, and the size of their root volume in GiB. Remove a node from the cluster before you lower the number."
}

variable "vpc_id" {
  type        = string
  description = "VPC in which the name of the Kubernetes API resolves."
}

variable "security_group_id" {
  type        = string
  description = "Security group of servers, in addition to the one of every node."
}

variable "target_group_arns" {
  type        = map(string)
  description = "Target groups by listener; every server is registered with each."
}

variable "platform" {
  type        = object({ root = string, files = set(string) })
  description = "Files below root, as patterns, that the first server downloads. One of them is spinkube/platform/install.sh, which it runs."
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

variable "deletion_protection" {
  type        = bool
  description = "Refuse to terminate servers and to delete buckets that are not empty."
}
