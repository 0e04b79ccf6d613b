mock_provider "aws" {
  source          = "../../tests/mocks"
  override_during = plan
}

variables {
  region     = "eu-central-1"
  repository = "example/items"
}

run "a_pull_request_gets_the_weaker_role" {
  command = plan

  assert {
    condition = {
      for role, it in aws_iam_role.github : role => jsondecode(it.assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:sub"]
    } == { plan = "repo:example/items:pull_request", drift = "repo:example/items:ref:refs/heads/main" }
    error_message = "Each role must accept exactly one kind of workflow run of this repository, without wildcards."
  }
  assert {
    condition     = !strcontains(aws_iam_role_policy.github["plan"].policy, "kms:Decrypt") && aws_iam_role_policy_attachment.drift.role == aws_iam_role.github["drift"].name
    error_message = "Only the drift role may decrypt and read everything: pull requests run code that nobody has reviewed."
  }
  assert {
    condition     = alltrue([for policy in aws_iam_role_policy.github : !can(regex("Put|Delete|Create|Update", policy.policy))])
    error_message = "Neither role may change anything."
  }
}

run "the_state_is_private_and_versioned" {
  command = plan

  assert {
    condition     = aws_s3_bucket.state.bucket == "items-state-123456789012" && aws_s3_bucket_versioning.state.versioning_configuration[0].status == "Enabled"
    error_message = "The bucket must keep every version of the state."
  }
  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.state.block_public_acls, aws_s3_bucket_public_access_block.state.block_public_policy,
      aws_s3_bucket_public_access_block.state.ignore_public_acls, aws_s3_bucket_public_access_block.state.restrict_public_buckets,
    ])
    error_message = "No object of the bucket may become public."
  }
}

run "invalid_variables_are_refused" {
  command = plan
  variables {
    name       = "A"
    region     = "x"
    repository = "items"
  }

  expect_failures = [var.name, var.region, var.repository]
}
