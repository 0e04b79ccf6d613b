# The complete infrastructure: network, load balancer, servers, and by size agents and a database.

locals {
  tags = { project = var.name, managed_by = "terraform" }

  # K3s and the shim have different names for the same processor.
  k3s_file  = { arm64 = "k3s-arm64", x86_64 = "k3s" }[var.architecture]
  shim_file = { arm64 = "aarch64", x86_64 = "x86_64" }[var.architecture]

  # What the modules share; each declares the attributes that it uses.
  cluster = {
    name                = var.name
    region              = var.region
    tags                = local.tags
    kms_key_arn         = aws_kms_key.this.arn
    deletion_protection = var.deletion_protection
    ami_id              = var.ami_id

    programs = {
      K3S_URL     = "https://github.com/k3s-io/k3s/releases/download/${urlencode(var.k3s.version)}/${local.k3s_file}"
      K3S_SHA256  = var.k3s.sha256
      SHIM_URL    = "https://github.com/spinframework/containerd-shim-spin/releases/download/${var.shim.version}/containerd-shim-spin-v2-linux-${local.shim_file}.tar.gz"
      SHIM_SHA256 = var.shim.sha256
    }
  }
}

data "aws_caller_identity" "current" {}

# A key of this cluster alone. Anyone who may read SSM parameters can also decrypt them with the account's default key.
resource "aws_kms_key" "this" {
  description             = "Tokens, snapshots, logs and database of ${var.name}"
  enable_key_rotation     = true
  deletion_window_in_days = 30

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "Account"
        Effect    = "Allow"
        Principal = { AWS = "arn:aws:iam::${data.aws_caller_identity.current.account_id}:root" }
        Action    = "kms:*"
        Resource  = "*"
      },
      {
        Sid       = "FlowLogs"
        Effect    = "Allow"
        Principal = { Service = "logs.${var.region}.amazonaws.com" }
        Action    = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"]
        Resource  = "*"
        Condition = {
          ArnLike = { "kms:EncryptionContext:aws:logs:arn" = "arn:aws:logs:${var.region}:${data.aws_caller_identity.current.account_id}:log-group:/${var.name}/*" }
        }
      },
    ]
  })
}

resource "aws_kms_alias" "this" {
  name          = "alias/${var.name}"
  target_key_id = aws_kms_key.this.id
}

module "network" {
  source = "../../modules/network"

  cluster         = local.cluster
  zones           = slice(var.zones, 0, var.zone_count)
  vpc_cidr        = var.vpc_cidr
  nat             = var.nat
  ingress_cidrs   = var.ingress_cidrs
  certificate_arn = var.certificate_arn
}

module "servers" {
  source = "../../modules/servers"

  cluster                   = local.cluster
  network                   = module.network
  servers                   = var.servers
  runs_application          = var.agents == null
  database_backups          = var.database_backups
  secrets_manager           = var.secrets_manager
  database_owner_secret_arn = one(module.database[*].owner_secret_arn)
}

module "agents" {
  source = "../../modules/agents"
  count  = var.agents == null ? 0 : 1

  cluster = local.cluster
  network = module.network
  agents  = var.agents
  join    = module.servers.agent
}

module "database" {
  source = "../../modules/database"
  count  = var.database == null ? 0 : 1

  cluster  = local.cluster
  network  = module.network
  database = var.database
}
