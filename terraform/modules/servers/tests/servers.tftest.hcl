mock_provider "aws" {
  source          = "../../tests/mocks"
  override_during = plan
}

variables {
  node = {
    name              = "items"
    region            = "eu-central-1"
    ami_id            = "ami-0123456789abcdef0"
    subnet_ids        = ["subnet-a", "subnet-b", "subnet-c"]
    security_group_id = "sg-node"
    kms_key_arn       = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"
    programs          = { K3S_URL = "https://example.org/k3s" }
  }
  servers           = { count = 3, instance_type = "t4g.large", volume_size = 40 }
  vpc_id            = "vpc-1"
  security_group_id = "sg-server"
  target_group_arns = {
    http  = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/http/0123456789abcdef"
    https = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/https/0123456789abcdef"
  }
  platform                  = { root = "../../..", files = ["spinkube/platform/install.*"] }
  runs_application          = false
  database_backups          = false
  secrets_manager           = false
  database_owner_secret_arn = null
  deletion_protection       = true
}

run "server_1_creates_the_cluster_and_the_others_find_it_by_name" {
  command = plan

  assert {
    condition     = [for name, server in aws_instance.this : strcontains(server.user_data, "FIRST='true'")] == [true, false, false]
    error_message = "FIRST must be true for server-1 alone."
  }
  assert {
    condition     = [for server in aws_instance.this : server.subnet_id] == ["subnet-a", "subnet-b", "subnet-c"]
    error_message = "Each server must be in a zone of its own."
  }
  assert {
    condition     = length(aws_lb_target_group_attachment.this) == 6
    error_message = "Each server must be a target of each listener."
  }
  assert {
    condition     = toset([for file in aws_s3_object.node : file.key]) == toset(["node/sweep-nodes.sh", "node/spinkube/platform/install.sh"])
    error_message = "The bucket must hold the files of the platform and the sweep, which servers download."
  }
  assert {
    condition     = aws_route53_record.api.name == "api.items.internal" && length(aws_route53_record.api.records) >= 1
    error_message = "The API's name must resolve to the addresses of the servers."
  }
  assert {
    condition     = aws_route53_record.negative_answers.ttl == 30 && endswith(one(aws_route53_record.negative_answers.records), " 30")
    error_message = "Resolvers remember a missing name for the smaller of the two values, which must both be 30 seconds."
  }
}

run "instances_are_encrypted_and_hide_their_role_from_pods" {
  command = plan

  assert {
    condition     = alltrue([for server in aws_instance.this : server.metadata_options[0].http_tokens == "required" && server.metadata_options[0].http_put_response_hop_limit == 1])
    error_message = "The metadata service must require IMDSv2 and be out of the reach of pods."
  }
  assert {
    condition     = alltrue([for server in aws_instance.this : server.root_block_device[0].encrypted && server.disable_api_termination])
    error_message = "Disks must be encrypted, and servers protected from termination."
  }
}

run "tokens_are_in_no_state_and_no_user_data" {
  command = plan

  assert {
    condition     = alltrue([for server in aws_instance.this : strcontains(server.user_data, "SERVER_TOKEN='/items/k3s/server-token'")])
    error_message = "User data must contain the name of the token's parameter."
  }
  assert {
    condition     = alltrue([for token in aws_ssm_parameter.token : token.type == "SecureString" && token.key_id == var.node.kms_key_arn && token.value_wo_version == 1])
    error_message = "Tokens must be write-only values, encrypted with the cluster's own key."
  }
  assert {
    condition     = alltrue([for server in aws_instance.this : length(server.user_data) < 16384])
    error_message = "EC2 limits user data to 16 KiB."
  }
}

run "the_role_has_exactly_the_rights_it_needs" {
  command = plan

  assert {
    condition = toset(flatten([for statement in jsondecode(aws_iam_role_policy.this.policy).Statement : statement.Action])) == toset([
      "ec2:DescribeInstances", "kms:Decrypt", "kms:GenerateDataKey", "s3:DeleteObject", "s3:GetBucketLocation", "s3:GetObject", "s3:ListBucket",
      "s3:PutObject", "ssm:GetParameter", "ssm:UpdateInstanceInformation", "ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel",
      "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel",
    ])
    error_message = "List new actions here too."
  }
  assert {
    condition     = [for s in jsondecode(aws_iam_role_policy.this.policy).Statement : s.Sid if s.Resource == "*"] == ["SessionManager", "Sweep"]
    error_message = "Only actions that support no resources may name all of them."
  }
  assert {
    condition     = length(aws_iam_role_policy.secrets) == 0
    error_message = "Without secrets_manager the role may read no secret."
  }
}

run "with_secrets_manager_pods_read_the_applications_secrets_and_the_owners" {
  command = plan
  variables {
    secrets_manager           = true
    database_owner_secret_arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds"
  }

  assert {
    condition = [for s in jsondecode(aws_iam_role_policy.secrets[0].policy).Statement : [s.Effect, s.Action, s.Resource]] == [
      ["Allow", "secretsmanager:GetSecretValue", ["arn:aws:secretsmanager:eu-central-1:123456789012:secret:items/*", var.database_owner_secret_arn]],
    ]
    error_message = "The role must read the secrets below items/ and the password of RDS's owner, which RDS rotates weekly, and no other."
  }
  assert {
    condition     = alltrue([for server in aws_instance.this : server.metadata_options[0].http_put_response_hop_limit == 2])
    error_message = "External Secrets is a pod and reads with the server's role."
  }
}

run "without_rds_pods_read_the_applications_secrets_alone" {
  command = plan
  variables { secrets_manager = true }

  assert {
    condition     = jsondecode(aws_iam_role_policy.secrets[0].policy).Statement[0].Resource == ["arn:aws:secretsmanager:eu-central-1:123456789012:secret:items/*"]
    error_message = "The role must read the secrets below items/ and no other."
  }
}

run "buckets_are_private_versioned_and_encrypted" {
  command = plan
  variables { database_backups = true }

  assert {
    condition     = keys(aws_s3_bucket.this) == ["backups", "cluster"] && keys(aws_s3_bucket_policy.this) == ["backups", "cluster"]
    error_message = "Backups must have a bucket of their own, and both buckets a policy."
  }
  assert {
    condition     = alltrue([for it in aws_s3_bucket_public_access_block.this : it.block_public_acls && it.block_public_policy && it.ignore_public_acls && it.restrict_public_buckets])
    error_message = "No object may become public."
  }
  assert {
    condition     = alltrue([for key, bucket in aws_s3_bucket.this : aws_s3_bucket_versioning.this[key].versioning_configuration[0].status == "Enabled" && !bucket.force_destroy])
    error_message = "Buckets must keep old versions and not be deleted while they are full."
  }
  assert {
    condition     = alltrue(flatten([for it in aws_s3_bucket_server_side_encryption_configuration.this : [for rule in it.rule : rule.apply_server_side_encryption_by_default[0].kms_master_key_id == var.node.kms_key_arn]]))
    error_message = "Buckets must be encrypted with the cluster's own key."
  }
  assert {
    condition     = alltrue([for server in aws_instance.this : server.metadata_options[0].http_put_response_hop_limit == 2])
    error_message = "CloudNativePG is a pod and writes backups with the server's role."
  }
}

run "a_single_server_runs_the_application" {
  command = plan
  variables {
    servers          = { count = 1, instance_type = "t4g.large", volume_size = 40 }
    runs_application = true
  }

  assert {
    condition     = strcontains(aws_instance.this["server-1"].user_data, "NODE_LABELS='spin=true'")
    error_message = "The node must have the label of nodes that run the application."
  }
}
