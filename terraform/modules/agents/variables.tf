variable "cluster" {
  type        = object({ name = string, region = string, tags = map(string), ami_id = string, programs = map(string) })
  description = "What is the same for all nodes (modules/servers). The provider's default tags do not reach instances and volumes of a group."
}

variable "network" {
  type        = object({ node_subnet_ids = list(string), security_group_ids = map(string) })
  description = "Subnets with a route to registries and AWS APIs, and the security group `node`."
}

variable "agents" {
  type        = object({ min = number, max = number, instance_type = string, volume_size = number })
  description = "Lowest and highest number of agents, their instance type, and the size of their root volume in GiB."
}

variable "join" {
  type        = object({ api = string, token = string, profile_arn = string })
  description = "Host name of the Kubernetes API, SSM parameter of the agent token, and the instance profile that may read it."
}
