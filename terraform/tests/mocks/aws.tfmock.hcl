# What the mocked provider returns in all tests of Terraform: random strings would fail the validation of ARNs.

mock_data "aws_caller_identity" {
  defaults = { account_id = "123456789012" }
}

mock_resource "aws_cloudwatch_log_group" {
  defaults = { arn = "arn:aws:logs:eu-central-1:123456789012:log-group:/items/vpc-flow" }
}

mock_resource "aws_db_instance" {
  defaults = {
    address            = "items.example.eu-central-1.rds.amazonaws.com"
    master_user_secret = [{ secret_arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds", kms_key_id = "k", secret_status = "active" }]
  }
}

mock_resource "aws_iam_instance_profile" {
  defaults = { arn = "arn:aws:iam::123456789012:instance-profile/items" }
}

mock_resource "aws_iam_openid_connect_provider" {
  defaults = { arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com" }
}

mock_resource "aws_iam_role" {
  defaults = { arn = "arn:aws:iam::123456789012:role/items" }
}

mock_resource "aws_instance" {
  defaults = { id = "i-0123456789abcdef0", private_ip = "10.0.128.10" }
}

mock_resource "aws_kms_key" {
  defaults = { arn = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000" }
}

mock_resource "aws_launch_template" {
  defaults = { id = "lt-0123456789abcdef0", latest_version = 7 }
}

mock_resource "aws_lb" {
  defaults = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/net/items/0123456789abcdef" }
}

mock_resource "aws_lb_target_group" {
  defaults = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/items/0123456789abcdef" }
}

mock_resource "aws_route53_zone" {
  defaults = { primary_name_server = "ns-0.awsdns-00.com" }
}

mock_resource "aws_s3_bucket" {
  defaults = { id = "items-1", arn = "arn:aws:s3:::items-1" }
}

mock_resource "aws_ssm_parameter" {
  defaults = { arn = "arn:aws:ssm:eu-central-1:123456789012:parameter/items/k3s/token" }
}
