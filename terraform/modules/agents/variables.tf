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
  description = "What agents and servers have in common."
}

variable "agents" {
  type        = object({ min = number, max = number, instance_type = string, volume_size = number })
  description = "Lowest and highest number of agents, their instance type, and the size of their root volume in GiB."
}

variable "api" {
  type        = string
  description = "Host name of the Kubernetes API, which listens on port 6443."
}

variable "agent_token" {
  type        = object({ name = string, arn = string })
  description = "SSM parameter with the token that lets agents join."
}

variable "tags" {
  type        = map(string)
  description = "Tags of instances and volumes, which the provider's default tags do not reach."
}
