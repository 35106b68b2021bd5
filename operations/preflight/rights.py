"""The IAM actions, and their resources, that creating each type of resource needs.

IAM's simulator takes a resource literally: on `*`, it denies an action that a policy allows on
named resources only. `*` therefore appears only where the action has no resource.
"""

from collections.abc import Mapping

from operations.deployment import Deployment

type Rights = tuple[tuple[str, tuple[str, ...]], ...]

_BUCKET = "arn:{partition}:s3:::{name}-{account}-ratings"
_ROLE = "arn:{partition}:iam::{account}:role/{name}-ingest"
_LOGS = "arn:{partition}:logs:{region}:{account}:log-group:/aws/lambda/{name}-ingest"
# The ids of these resources do not exist yet; "any" stands for one.
_EC2 = "arn:{partition}:ec2:{region}:{account}:"
_CLOUDFRONT = "arn:{partition}:cloudfront::{account}:"
_WEB_ACL = "arn:{partition}:wafv2:{region}:{account}:regional/webacl/{name}/any"
_API = "arn:{partition}:apigateway:{region}::/restapis"


def _on(resource: str, *actions: str) -> Rights:
    return ((resource, actions),)


RIGHTS: Mapping[str, Rights] = {
    "aws_acm_certificate": _on("*", "acm:RequestCertificate", "acm:DescribeCertificate"),
    "aws_acm_certificate_validation": _on("*", "acm:DescribeCertificate"),
    "aws_budgets_budget": _on(
        "arn:{partition}:budgets::{account}:budget/{name}",
        "budgets:ModifyBudget",
        "budgets:ViewBudget",
    ),
    "aws_cloudfront_cache_policy": _on(
        f"{_CLOUDFRONT}cache-policy/any", "cloudfront:CreateCachePolicy"
    ),
    "aws_cloudfront_distribution": _on(
        f"{_CLOUDFRONT}distribution/any",
        "cloudfront:CreateDistribution",
        "cloudfront:CreateInvalidation",
    ),
    "aws_cloudfront_origin_access_control": _on("*", "cloudfront:CreateOriginAccessControl"),
    "aws_cloudfront_response_headers_policy": _on(
        f"{_CLOUDFRONT}response-headers-policy/any", "cloudfront:CreateResponseHeadersPolicy"
    ),
    "aws_cloudwatch_composite_alarm": _on("*", "cloudwatch:PutCompositeAlarm"),
    "aws_cloudwatch_dashboard": _on(
        "arn:{partition}:cloudwatch::{account}:dashboard/{name}", "cloudwatch:PutDashboard"
    ),
    "aws_cloudwatch_event_rule": _on(
        "arn:{partition}:events:{region}:{account}:rule/{name}-cluster-ended", "events:PutRule"
    ),
    "aws_cloudwatch_event_target": _on(
        "arn:{partition}:events:{region}:{account}:rule/{name}-cluster-ended", "events:PutTargets"
    ),
    "aws_cloudwatch_log_group": _on(_LOGS, "logs:CreateLogGroup", "logs:PutRetentionPolicy"),
    "aws_cloudwatch_log_metric_filter": _on(_LOGS, "logs:PutMetricFilter"),
    "aws_cloudwatch_log_resource_policy": _on("*", "logs:PutResourcePolicy"),
    "aws_cloudwatch_metric_alarm": _on(
        "arn:{partition}:cloudwatch:{region}:{account}:alarm:{name}-texts-spend",
        "cloudwatch:PutMetricAlarm",
    ),
    "aws_default_security_group": _on(
        f"{_EC2}security-group/any",
        "ec2:RevokeSecurityGroupIngress",
        "ec2:RevokeSecurityGroupEgress",
    ),
    "aws_dynamodb_table": _on(
        "arn:{partition}:dynamodb:{region}:{account}:table/{name}-visitors",
        "dynamodb:CreateTable",
        "dynamodb:TagResource",
        "dynamodb:UpdateContinuousBackups",
        "dynamodb:UpdateTimeToLive",
    ),
    "aws_emr_cluster": (
        ("*", ("elasticmapreduce:RunJobFlow",)),
        (
            "arn:{partition}:elasticmapreduce:{region}:{account}:cluster/j-1",
            ("elasticmapreduce:DescribeCluster", "elasticmapreduce:AddTags"),
        ),
        ("arn:{partition}:iam::{account}:role/{name}-emr-service", ("iam:PassRole",)),
    ),
    "aws_emr_instance_fleet": _on(
        "arn:{partition}:elasticmapreduce:{region}:{account}:cluster/j-1",
        "elasticmapreduce:AddInstanceFleet",
    ),
    "aws_emr_managed_scaling_policy": _on(
        "arn:{partition}:elasticmapreduce:{region}:{account}:cluster/j-1",
        "elasticmapreduce:PutManagedScalingPolicy",
    ),
    "aws_emr_security_configuration": _on("*", "elasticmapreduce:CreateSecurityConfiguration"),
    "aws_iam_instance_profile": _on(
        "arn:{partition}:iam::{account}:instance-profile/{name}-nodes",
        "iam:CreateInstanceProfile",
        "iam:AddRoleToInstanceProfile",
    ),
    "aws_iam_openid_connect_provider": _on("*", "iam:CreateOpenIDConnectProvider"),
    "aws_iam_policy": _on("arn:{partition}:iam::{account}:policy/{name}-any", "iam:CreatePolicy"),
    "aws_iam_role": _on(_ROLE, "iam:CreateRole", "iam:TagRole", "iam:PassRole"),
    "aws_iam_role_policy": _on(_ROLE, "iam:PutRolePolicy"),
    "aws_iam_role_policy_attachment": _on(
        "arn:{partition}:iam::{account}:role/{name}-emr-service", "iam:AttachRolePolicy"
    ),
    "aws_internet_gateway": _on(
        f"{_EC2}internet-gateway/any", "ec2:CreateInternetGateway", "ec2:AttachInternetGateway"
    ),
    "aws_kms_alias": _on(
        "arn:{partition}:kms:{region}:{account}:alias/{name}-disks", "kms:CreateAlias"
    ),
    "aws_kms_key": (
        ("*", ("kms:CreateKey",)),
        ("arn:{partition}:kms:{region}:{account}:key/any", ("kms:EnableKeyRotation",)),
    ),
    "aws_lambda_permission": _on(
        "arn:{partition}:lambda:{region}:{account}:function:{name}-ingest", "lambda:AddPermission"
    ),
    "aws_route": _on(f"{_EC2}route-table/any", "ec2:CreateRoute"),
    "aws_route53_record": _on("*", "route53:ChangeResourceRecordSets"),
    "aws_route_table": _on(f"{_EC2}route-table/any", "ec2:CreateRouteTable", "ec2:CreateTags"),
    "aws_route_table_association": _on(f"{_EC2}route-table/any", "ec2:AssociateRouteTable"),
    "aws_s3_bucket": _on(_BUCKET, "s3:CreateBucket", "s3:PutBucketTagging"),
    "aws_s3_bucket_lifecycle_configuration": _on(_BUCKET, "s3:PutLifecycleConfiguration"),
    "aws_s3_bucket_notification": _on(_BUCKET, "s3:PutBucketNotification"),
    "aws_s3_bucket_ownership_controls": _on(_BUCKET, "s3:PutBucketOwnershipControls"),
    "aws_s3_bucket_policy": _on(_BUCKET, "s3:PutBucketPolicy"),
    "aws_s3_bucket_public_access_block": _on(_BUCKET, "s3:PutBucketPublicAccessBlock"),
    "aws_s3_bucket_server_side_encryption_configuration": _on(
        _BUCKET, "s3:PutEncryptionConfiguration"
    ),
    "aws_s3_bucket_versioning": _on(_BUCKET, "s3:PutBucketVersioning"),
    "aws_s3_bucket_website_configuration": _on(_BUCKET, "s3:PutBucketWebsite"),
    "aws_s3_object": _on("arn:{partition}:s3:::{name}-{account}-artifacts/any", "s3:PutObject"),
    "aws_security_group": _on(
        f"{_EC2}security-group/any", "ec2:CreateSecurityGroup", "ec2:CreateTags"
    ),
    "aws_sns_sms_preferences": _on("*", "sns:SetSMSAttributes"),
    "aws_sns_topic": _on(
        "arn:{partition}:sns:{region}:{account}:{name}-alarms",
        "sns:CreateTopic",
        "sns:SetTopicAttributes",
    ),
    "aws_sns_topic_policy": _on(
        "arn:{partition}:sns:{region}:{account}:{name}-alarms", "sns:SetTopicAttributes"
    ),
    "aws_sns_topic_subscription": _on(
        "arn:{partition}:sns:{region}:{account}:{name}-alarms", "sns:Subscribe"
    ),
    "aws_sqs_queue": _on(
        "arn:{partition}:sqs:{region}:{account}:{name}-visitors",
        "sqs:CreateQueue",
        "sqs:SetQueueAttributes",
    ),
    "aws_ssm_parameter": _on(
        "arn:{partition}:ssm:{region}:{account}:parameter/marquee/{environment}/token-secret",
        "ssm:PutParameter",
        "ssm:GetParametersByPath",
    ),
    "aws_subnet": _on(f"{_EC2}subnet/any", "ec2:CreateSubnet", "ec2:ModifySubnetAttribute"),
    "aws_vpc": _on(f"{_EC2}vpc/any", "ec2:CreateVpc", "ec2:ModifyVpcAttribute"),
    "aws_vpc_endpoint": _on(f"{_EC2}vpc-endpoint/any", "ec2:CreateVpcEndpoint"),
    "aws_vpc_security_group_egress_rule": _on(
        f"{_EC2}security-group/any", "ec2:AuthorizeSecurityGroupEgress"
    ),
    "aws_vpc_security_group_ingress_rule": _on(
        f"{_EC2}security-group/any", "ec2:AuthorizeSecurityGroupIngress"
    ),
    "aws_wafv2_web_acl": _on(_WEB_ACL, "wafv2:CreateWebACL"),
    "aws_wafv2_web_acl_association": _on(_WEB_ACL, "wafv2:AssociateWebACL"),
    "terraform_data": (),
    "AWS::WAFv2::WebACLAssociation": _on(_WEB_ACL, "wafv2:AssociateWebACL"),
    "AWS::Serverless::Api": _on(_API, "apigateway:POST"),
    "AWS::Serverless::Function": (
        (
            "arn:{partition}:lambda:{region}:{account}:function:{name}-ingest",
            ("lambda:CreateFunction", "lambda:UpdateFunctionCode"),
        ),
        ("*", ("lambda:CreateEventSourceMapping",)),
        (
            "arn:{partition}:cloudformation:{region}:{account}:stack/{name}/any",
            ("cloudformation:CreateChangeSet", "cloudformation:ExecuteChangeSet"),
        ),
    ),
    "AWS::Serverless::LayerVersion": _on(
        "arn:{partition}:lambda:{region}:{account}:layer:{name}", "lambda:PublishLayerVersion"
    ),
}


def names(deployment: Deployment, caller: Mapping[str, str]) -> dict[str, str]:
    """Return the values for the placeholders in `RIGHTS`."""
    return {
        "partition": caller["Arn"].split(":")[1],
        "region": deployment.region,
        "account": caller["Account"],
        "name": deployment.prefix,
        "environment": deployment.name,
    }
