mock_provider "aws" {
  override_during = plan

  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_resource "aws_s3_bucket" {
    defaults = {
      id  = "items-cluster-1"
      arn = "arn:aws:s3:::items-cluster-1"
    }
  }
  mock_resource "aws_route53_zone" {
    defaults = { primary_name_server = "ns-0.awsdns-00.com" }
  }
  mock_resource "aws_ssm_parameter" {
    defaults = { arn = "arn:aws:ssm:eu-central-1:123456789012:parameter/items/k3s/token" }
  }
  mock_resource "aws_instance" {
    defaults = {
      id         = "i-0123456789abcdef0"
      private_ip = "10.0.128.10"
    }
  }
}

variables {
  name               = "items"
  region             = "eu-central-1"
  vpc_id             = "vpc-1"
  subnet_ids         = ["subnet-a", "subnet-b", "subnet-c"]
  security_group_ids = ["sg-node", "sg-server"]
  target_group_arns = {
    http  = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/http/0123456789abcdef"
    https = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/https/0123456789abcdef"
  }
  server_count  = 3
  instance_type = "t4g.large"
  volume_size   = 40
  ami_id        = "ami-0123456789abcdef0"
  programs = {
    k3s_url     = "https://example.org/k3s-arm64"
    k3s_sha256  = "1111111111111111111111111111111111111111111111111111111111111111"
    shim_url    = "https://example.org/shim.tar.gz"
    shim_sha256 = "2222222222222222222222222222222222222222222222222222222222222222"
  }
  platform            = { root = "./tests/root", files = ["spinkube/platform/**"] }
  runs_application    = false
  database_backups    = false
  secrets_manager     = false
  kms_key_arn         = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"
  deletion_protection = true
}

run "one_server_may_begin_and_zones_are_filled_in_turn" {
  command = plan

  assert {
    condition     = [for name, server in aws_instance.this : strcontains(server.user_data, "FIRST='true'")] == [true, false, false]
    error_message = "Only server-1 may begin a cluster."
  }
  assert {
    condition     = [for server in aws_instance.this : server.subnet_id] == ["subnet-a", "subnet-b", "subnet-c"]
    error_message = "Each server is in a zone of its own."
  }
  assert {
    condition     = length(aws_lb_target_group_attachment.this) == 6
    error_message = "Each server is a target of each listener."
  }
}

run "instances_are_closed" {
  command = plan

  assert {
    condition     = alltrue([for server in aws_instance.this : server.metadata_options[0].http_tokens == "required" && server.metadata_options[0].http_put_response_hop_limit == 1])
    error_message = "IMDSv2 alone, and not for pods."
  }
  assert {
    condition     = alltrue([for server in aws_instance.this : server.root_block_device[0].encrypted && server.disable_api_termination])
    error_message = "Encrypted disks, protected from deletion."
  }
}

run "user_data_holds_names_of_secrets_alone" {
  command = plan

  assert {
    condition     = alltrue([for server in aws_instance.this : strcontains(server.user_data, "SERVER_TOKEN='/items/k3s/server-token'")])
    error_message = "The script gets the parameter's name."
  }
  assert {
    condition     = alltrue([for token in aws_ssm_parameter.token : token.type == "SecureString" && token.key_id == var.kms_key_arn && token.value_wo_version == 1])
    error_message = "Tokens are write-only values under the cluster's own key."
  }
  assert {
    condition     = alltrue([for server in aws_instance.this : length(server.user_data) < 16384])
    error_message = "EC2 takes 16 KiB of user data."
  }
}

run "the_role_reads_two_parameters_and_writes_snapshots" {
  command = plan

  assert {
    condition = toset(flatten([for statement in jsondecode(aws_iam_role_policy.this.policy).Statement : statement.Action])) == toset([
      "ec2:DescribeInstances", "kms:Decrypt", "kms:GenerateDataKey", "s3:DeleteObject", "s3:GetBucketLocation", "s3:GetObject", "s3:ListBucket",
      "s3:PutObject", "ssm:GetParameter", "ssm:UpdateInstanceInformation", "ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel",
      "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel",
    ])
    error_message = "A right more wants a line here too."
  }
  assert {
    condition     = [for s in jsondecode(aws_iam_role_policy.this.policy).Statement : s.Sid if s.Resource == "*"] == ["SessionManager", "Sweep"]
    error_message = "Only what knows no resources may name all of them."
  }
}

run "no_secret_is_read_where_nobody_asked_for_it" {
  command = plan

  assert {
    condition     = length(aws_iam_role_policy.secrets) == 0
    error_message = "Without secrets_manager the role reads no secret."
  }
}

run "pods_on_servers_read_the_applications_secrets" {
  command = plan
  variables { secrets_manager = true }

  assert {
    condition = [for s in jsondecode(aws_iam_role_policy.secrets[0].policy).Statement : [s.Effect, s.Action, s.Resource]] == [
      ["Allow", "secretsmanager:GetSecretValue", ["arn:aws:secretsmanager:eu-central-1:123456789012:secret:items/*"]],
    ]
    error_message = "The role reads the secrets below items/, no more."
  }
  assert {
    condition     = alltrue([for server in aws_instance.this : server.metadata_options[0].http_put_response_hop_limit == 2])
    error_message = "External Secrets is a pod: it reads with the server's role."
  }
}

run "the_owner_of_rds_is_read_too" {
  command = plan
  variables {
    secrets_manager           = true
    database_owner_secret_arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds"
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.secrets[0].policy).Statement[0].Resource[1] == "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds"
    error_message = "RDS changes this password weekly: the schema Job must get the new one."
  }
}

run "the_bucket_is_private_versioned_and_encrypted" {
  command = plan

  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.this["cluster"].block_public_acls, aws_s3_bucket_public_access_block.this["cluster"].block_public_policy,
      aws_s3_bucket_public_access_block.this["cluster"].ignore_public_acls, aws_s3_bucket_public_access_block.this["cluster"].restrict_public_buckets,
    ])
    error_message = "Nothing in it may become public."
  }
  assert {
    condition     = aws_s3_bucket_versioning.this["cluster"].versioning_configuration[0].status == "Enabled" && !aws_s3_bucket.this["cluster"].force_destroy
    error_message = "Versions are kept, and a full bucket is not deleted."
  }
  assert {
    condition     = toset([for file in aws_s3_object.node : file.key]) == toset(["node/sweep-nodes.sh", "node/spinkube/platform/install.sh"])
    error_message = "The platform's files and the sweep are what the first server reads."
  }
}

run "backups_have_a_bucket_of_their_own" {
  command = plan
  variables { database_backups = true }

  assert {
    condition     = keys(aws_s3_bucket.this) == ["backups", "cluster"] && keys(aws_s3_bucket_policy.this) == ["backups", "cluster"]
    error_message = "Both buckets, both closed."
  }
  assert {
    condition     = alltrue([for server in aws_instance.this : server.metadata_options[0].http_put_response_hop_limit == 2])
    error_message = "Backups are made with the server's role."
  }
}

run "every_server_answers_under_one_name" {
  command = plan

  assert {
    condition     = aws_route53_record.api.name == "api.items.internal" && length(aws_route53_record.api.records) >= 1
    error_message = "The API's name holds the servers' addresses."
  }
  assert {
    condition     = aws_route53_record.negative_answers.ttl == 30 && endswith(one(aws_route53_record.negative_answers.records), " 30")
    error_message = "That the name does not exist yet must be forgotten soon: the smaller of the two counts."
  }
}

run "alone_it_runs_the_application" {
  command = plan
  variables {
    server_count     = 1
    subnet_ids       = ["subnet-a"]
    runs_application = true
  }

  assert {
    condition     = strcontains(aws_instance.this["server-1"].user_data, "NODE_LABELS='spin=true'")
    error_message = "The single node carries the label of nodes that run the application."
  }
}

run "refuses_what_would_not_work" {
  command = plan
  variables {
    name               = "1"
    region             = "x"
    vpc_id             = ""
    subnet_ids         = []
    security_group_ids = []
    target_group_arns  = {}
    server_count       = 2
    instance_type      = "large"
    volume_size        = 8
    ami_id             = "latest"
    platform           = { root = "./tests", files = ["spinkube/platform/**"] }
    kms_key_arn        = "key"

    database_owner_secret_arn = "rds"

    programs = {
      k3s_url     = "http://example.org/k3s"
      k3s_sha256  = "1"
      shim_url    = "https://example.org/'; reboot"
      shim_sha256 = "2"
    }
  }

  expect_failures = [
    var.name, var.region, var.vpc_id, var.subnet_ids, var.security_group_ids, var.target_group_arns, var.server_count, var.instance_type,
    var.volume_size, var.ami_id, var.platform, var.kms_key_arn, var.programs, var.database_owner_secret_arn,
  ]
}
