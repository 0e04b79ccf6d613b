terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = { source = "hashicorp/aws", version = ">= 5.100, < 7.0" }
  }

  # backend.hcl sets bucket and region. The lock is an object next to the state.
  backend "s3" {
    key          = "items/aws.tfstate"
    encrypt      = true
    use_lockfile = true
  }
}

provider "aws" {
  region = var.region
  default_tags { tags = local.tags }
}
