mock_provider "aws" {
  source          = "../../tests/mocks"
  override_during = plan
}

# An ARN of its own, so that a role that reads the server token is not taken for one that reads the agent token.
override_resource {
  target          = aws_ssm_parameter.token["agent"]
  override_during = plan
  values          = { arn = "arn:aws:ssm:eu-central-1:123456789012:parameter/items/k3s/agent-token" }
}

variables {
  cluster = {
    name                = "items"
    region              = "eu-central-1"
    kms_key_arn         = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"
    deletion_protection = true
    ami_id              = "ami-0123456789abcdef0"
    programs            = {}
  }
  network = {
    vpc_id             = "vpc-1"
    node_subnet_ids    = ["subnet-a", "subnet-b", "subnet-c"]
    security_group_ids = { node = "sg-node", server = "sg-server" }
    target_group_arns  = { http = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/http/0123456789abcdef" }
  }
  servers                   = { count = 3, instance_type = "t4g.large", volume_size = 40 }
  runs_application          = false
  database_backups          = false
  secrets_manager           = false
  database_owner_secret_arn = null
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
    condition     = length(setsubtract(["node/sweep-nodes.sh", "node/spinkube/platform/install.sh"], [for file in aws_s3_object.node : file.key])) == 0
    error_message = "The bucket must hold the files of the platform and the sweep, which servers download."
  }
  assert {
    condition     = aws_route53_record.negative_answers.ttl == 30 && endswith(one(aws_route53_record.negative_answers.records), " 30")
    error_message = "Resolvers remember a missing name for the smaller of the two values, which must both be 30 seconds."
  }
}

run "servers_are_protected_and_hide_their_role_and_tokens" {
  command = plan

  assert {
    condition     = alltrue([for server in aws_instance.this : server.metadata_options[0].http_put_response_hop_limit == 1 && server.disable_api_termination])
    error_message = "The metadata service must be out of the reach of pods, and servers protected from termination."
  }
  assert {
    condition     = alltrue([for token in aws_ssm_parameter.token : token.key_id == var.cluster.kms_key_arn && token.value_wo_version == 1])
    error_message = "Tokens must be write-only values, encrypted with the cluster's own key."
  }
  assert {
    condition     = alltrue([for server in aws_instance.this : strcontains(server.user_data, "SERVER_TOKEN='/items/k3s/server-token'") && length(server.user_data) < 16384])
    error_message = "User data must contain the name of the token's parameter. EC2 limits it to 16 KiB."
  }
}

run "roles_have_exactly_the_rights_they_need" {
  command = plan

  assert {
    condition = toset(flatten([for s in jsondecode(aws_iam_role_policy.this["server"].policy).Statement : s.Action])) == toset([
      "ec2:DescribeInstances", "kms:Decrypt", "kms:GenerateDataKey", "s3:DeleteObject", "s3:GetBucketLocation", "s3:GetObject", "s3:ListBucket",
      "s3:PutObject", "ssm:GetParameter", "ssm:UpdateInstanceInformation", "ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel",
      "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel",
    ])
    error_message = "List new actions here too. Without secrets_manager, the role may read no secret."
  }
  assert {
    condition     = [for s in jsondecode(aws_iam_role_policy.this["server"].policy).Statement : s.Sid if s.Resource == "*"] == ["SessionManager", "Sweep"]
    error_message = "Only actions that support no resources may name all of them."
  }
  assert {
    condition = [for s in jsondecode(aws_iam_role_policy.this["agent"].policy).Statement : [s.Action, s.Resource] if s.Sid != "SessionManager"] == [
      ["ssm:GetParameter", aws_ssm_parameter.token["agent"].arn], ["kms:Decrypt", var.cluster.kms_key_arn],
    ]
    error_message = "Besides Session Manager, agents may read the agent token and decrypt with this key, and do nothing else."
  }
}

run "with_secrets_manager_pods_read_the_applications_secrets_and_the_owners" {
  command = plan
  variables {
    secrets_manager           = true
    database_owner_secret_arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds"
  }

  assert {
    condition = [for s in jsondecode(aws_iam_role_policy.this["server"].policy).Statement : [s.Effect, s.Action, s.Resource] if s.Sid == "Passwords"] == [
      ["Allow", "secretsmanager:GetSecretValue", ["arn:aws:secretsmanager:eu-central-1:123456789012:secret:items/*", var.database_owner_secret_arn]],
    ]
    error_message = "The role must read the secrets below items/ and the password of RDS's owner, which RDS rotates weekly, and no other."
  }
  assert {
    condition     = alltrue([for server in aws_instance.this : server.metadata_options[0].http_put_response_hop_limit == 2])
    error_message = "External Secrets is a pod and reads with the server's role."
  }
}

run "backups_have_a_bucket_of_their_own" {
  command = plan
  variables { database_backups = true }

  assert {
    condition     = keys(aws_s3_bucket.this) == ["backups", "cluster"] && keys(aws_s3_bucket_policy.this) == ["backups", "cluster"]
    error_message = "There must be two buckets, each with a policy, which refuses requests without TLS."
  }
  assert {
    condition     = alltrue([for bucket in aws_s3_bucket.this : !bucket.force_destroy])
    error_message = "Buckets must not be deleted while they are full."
  }
  assert {
    condition     = alltrue(flatten([for it in aws_s3_bucket_server_side_encryption_configuration.this : [for rule in it.rule : rule.apply_server_side_encryption_by_default[0].kms_master_key_id == var.cluster.kms_key_arn]]))
    error_message = "Buckets must be encrypted with the cluster's own key."
  }
  assert {
    condition     = alltrue([for server in aws_instance.this : server.metadata_options[0].http_put_response_hop_limit == 2])
    error_message = "CloudNativePG is a pod and writes backups with the server's role."
  }
}

run "a_single_server_runs_the_application_and_may_read_its_secrets" {
  command = plan
  variables {
    runs_application = true
    secrets_manager  = true
  }

  assert {
    condition     = alltrue([for server in aws_instance.this : strcontains(server.user_data, "NODE_LABELS='spin=true'")])
    error_message = "The node must have the label of nodes that run the application."
  }
  assert {
    condition     = one([for s in jsondecode(aws_iam_role_policy.this["server"].policy).Statement : s.Resource if s.Sid == "Passwords"]) == ["arn:aws:secretsmanager:eu-central-1:123456789012:secret:items/*"]
    error_message = "Without RDS, the role must read the secrets below items/ and no other."
  }
}
