# Mocks AWS with the same answers for every test, so that assertions can name whole ARNs.
mock_data "aws_caller_identity" {
  defaults = { account_id = "123456789012" }
}

mock_data "aws_partition" {
  defaults = { partition = "aws" }
}

mock_data "aws_availability_zones" {
  defaults = { names = ["eu-west-1a", "eu-west-1b"] }
}

mock_resource "aws_emr_cluster" {
  defaults = {
    id  = "j-TESTCLUSTER"
    arn = "arn:aws:elasticmapreduce:eu-west-1:123456789012:cluster/j-TESTCLUSTER"
  }
}

mock_resource "aws_iam_role" {
  defaults = { arn = "arn:aws:iam::123456789012:role/marquee-test-role" }
}

mock_resource "aws_iam_instance_profile" {
  defaults = { arn = "arn:aws:iam::123456789012:instance-profile/marquee-test-nodes" }
}

mock_resource "aws_sns_topic" {
  defaults = { arn = "arn:aws:sns:eu-west-1:123456789012:marquee-test-alarms" }
}

mock_resource "aws_sqs_queue" {
  defaults = { arn = "arn:aws:sqs:eu-west-1:123456789012:marquee-test-some-queue" }
}

mock_resource "aws_kms_key" {
  defaults = { arn = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555" }
}

mock_resource "aws_cloudfront_distribution" {
  defaults = {
    arn         = "arn:aws:cloudfront::123456789012:distribution/TESTDISTRIBUTION"
    domain_name = "d1.cloudfront.net"
  }
}

mock_resource "aws_s3_bucket" {
  defaults = { bucket_regional_domain_name = "bucket.s3.eu-west-1.amazonaws.com" }
}

mock_resource "aws_security_group" {
  defaults = { id = "sg-0123456789abcdef0" }
}

mock_data "aws_ec2_instance_type" {
  defaults = { memory_size = 16384, default_vcpus = 4, supported_architectures = ["arm64"] }
}

mock_data "aws_ec2_instance_type_offerings" {
  defaults = { locations = ["eu-west-1b", "eu-west-1a"] }
}

mock_resource "aws_wafv2_web_acl" {
  defaults = { arn = "arn:aws:wafv2:eu-west-1:123456789012:regional/webacl/marquee-test/11111111-2222-3333-4444-555555555555" }
}
