variable "name" {
  type        = string
  description = "Name of the load balancer."
}

variable "vpc_id" {
  type        = string
  description = "VPC of the target groups."
}

variable "subnet_ids" {
  type        = list(string)
  description = "Public subnets; the load balancer has one address in each."
}

variable "security_group_id" {
  type        = string
  description = "Security group of the load balancer."
}

variable "certificate_arn" {
  type        = string
  default     = null
  description = "ACM certificate with which the load balancer terminates TLS; null leaves TLS to Traefik."
}

variable "deletion_protection" {
  type        = bool
  description = "Refuse to delete the load balancer."
}
