mock_provider "aws" {
  override_during = plan

  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_resource "aws_s3_bucket" {
    defaults = { arn = "arn:aws:s3:::items-state-123456789012" }
  }
  mock_resource "aws_iam_openid_connect_provider" {
    defaults = { arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/items-github" }
  }
}

variables {
  region     = "eu-central-1"
  repository = "example/items"
}

run "a_pull_request_gets_the_lesser_role" {
  command = plan

  assert {
    condition = {
      for role, it in aws_iam_role.github : role => jsondecode(it.assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:sub"]
    } == { plan = "repo:example/items:pull_request", drift = "repo:example/items:ref:refs/heads/main" }
    error_message = "Each role is bound to one kind of run of this repository, without wildcards."
  }
  assert {
    condition     = !strcontains(aws_iam_role_policy.github["plan"].policy, "kms:Decrypt") && keys(aws_iam_role_policy_attachment.github) == ["drift"]
    error_message = "Code that nobody reviewed must not decrypt."
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
    error_message = "Every version of the state is kept."
  }
  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.state.block_public_acls, aws_s3_bucket_public_access_block.state.block_public_policy,
      aws_s3_bucket_public_access_block.state.ignore_public_acls, aws_s3_bucket_public_access_block.state.restrict_public_buckets,
    ])
    error_message = "Nothing in it may become public."
  }
}

run "refuses_what_would_not_work" {
  command = plan
  variables {
    name       = "A"
    region     = "x"
    repository = "items"
  }

  expect_failures = [var.name, var.region, var.repository]
}
