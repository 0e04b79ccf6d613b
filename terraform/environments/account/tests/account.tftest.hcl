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
  assert {
    condition     = [for s in jsondecode(aws_s3_bucket_policy.state.policy).Statement : [s.Effect, s.Principal, s.Action, s.Condition.Bool["aws:SecureTransport"]]] == [["Deny", "*", "s3:*", "false"]]
    error_message = "The bucket of the state must refuse requests without TLS."
  }
}

run "invalid_variables_are_refused" {
  command = plan
  variables {
    name       = "A"
    repository = "items"
  }

  expect_failures = [var.name, var.repository]
}
