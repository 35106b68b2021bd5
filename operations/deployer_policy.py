"""Print the least permissions to plan, deploy, operate and destroy one environment.

`make deployer-policy` prints several documents, one for each part of the work, because a managed
policy is limited to 6,144 characters. Attach all of them to the role that deploys. Statements are
limited by name where AWS resources have names, and by tag where AWS assigns the ids. Every resource
that ends in a bare `*` has a `reason`.

The actions are those that Terraform's provider, AWS SAM, CloudFormation on behalf of its caller and
`operations` call (recorded in tests/infrastructure/deployer_calls.txt). Names and resources of the
actions are those of AWS's Service Authorization Reference.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import boto3

from operations.deployment import Deployment
from operations.errors import OperationError

# Limit of a managed policy, not counting white space:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
MOST_CHARACTERS = 6_144
# The tag of every resource that Terraform creates (terraform/versions.tf) and of SAM's stack.
TAG = "environment"
_READS = re.compile(r"\w+:(Describe|Detect|Get(?!Item)|List|Simulate|View)\w*|apigateway:GET")
_EMR_POLICY = "iam::aws:policy/service-role/AmazonEMRServicePolicy_v2"

type Condition = Mapping[str, Mapping[str, str | list[str]]]


@dataclass(frozen=True)
class Statement:
    """A policy statement.

    Attributes:
        sid: the statement's id.
        actions: IAM actions.
        resources: ARNs.
        condition: IAM condition block.
        reason: why the resources cannot be named more precisely.
        effect: `Allow` or `Deny`.
    """

    sid: str
    actions: Sequence[str]
    resources: Sequence[str]
    condition: Condition = field(default_factory=dict)
    reason: str = ""
    effect: str = "Allow"

    def reading(self, names: Names) -> Statement | None:
        """Return the part that `make plan` and `make drift` need, or None if they need nothing."""
        actions = [action for action in self.actions if _READS.fullmatch(action)]
        if not actions:
            return None
        # Terraform reads its state and its uploads, but no visitor data.
        resources = [
            f"{names.bucket(kind)}/*" if each == f"{names.buckets}/*" else each
            for each in self.resources
            for kind in (("terraform", "artifacts") if each == f"{names.buckets}/*" else ("",))
        ]
        return replace(self, actions=actions, resources=resources)

    def document(self) -> dict[str, Any]:
        """Return the statement as IAM's JSON."""
        allowed = {
            "Sid": self.sid,
            "Effect": self.effect,
            "Action": sorted(set(self.actions)),
            "Resource": list(self.resources),
        }
        return allowed | ({"Condition": self.condition} if self.condition else {})


@dataclass(frozen=True)
class Names:
    """The names and ARNs of one environment's resources.

    Attributes:
        prefix: prefix of the resources' names.
        environment: name of the environment.
        region: AWS region.
        account: account number.
        partition: AWS partition.
        tagged: whether Terraform's resources carry the environment's tag. They do on AWS, but not
            on the local AWS (terraform/local.tfvars).
        boundary: ARN of the permissions boundary that every role must have, if any.
    """

    prefix: str
    environment: str
    region: str
    account: str
    partition: str = "aws"
    tagged: bool = True
    boundary: str | None = None

    def arn(self, service: str, rest: str, *, region: str | None = None) -> str:
        """Return an ARN of the account, in the environment's region unless another is given."""
        where = self.region if region is None else region
        return f"arn:{self.partition}:{service}:{where}:{self.account}:{rest}"

    @property
    def buckets(self) -> str:
        """Return a pattern of the ARNs of all buckets.

        The account number keeps `prod` from matching `prod-two`.
        """
        return f"arn:{self.partition}:s3:::{self.prefix}-{self.account}-*"

    def bucket(self, kind: str) -> str:
        """Return the ARN of the bucket named `<prefix>-<account>-<kind>`; a kind is `ratings`."""
        return self.buckets.removesuffix("*") + kind

    def role(self, name: str) -> str:
        """Return the ARN of a role, by its name without the prefix."""
        return self.arn("iam", f"role/{self.prefix}-{name}", region="")

    def if_tagged(self, operator: str, key: str) -> Condition:
        """Return the condition that a tag is the environment's; empty without tags."""
        return {operator: {key: self.environment}} if self.tagged else {}

    def if_tagging_own(self, resource_tag: str = f"aws:ResourceTag/{TAG}") -> Condition:
        """Return the condition to tag a resource as the environment's.

        It holds for a new resource, one without the tag, and one that has the environment's tag.
        """
        if not self.tagged:
            return {}
        return {
            "StringEquals": {f"aws:RequestTag/{TAG}": self.environment},
            "StringEqualsIfExists": {resource_tag: self.environment},
        }


def data_statements(names: Names) -> Iterator[Statement]:
    """Yield the statements for buckets, tables, queues and parameters."""
    yield Statement(
        "Buckets",
        [
            f"s3:{name}"
            for name in (
                *("CreateBucket", "DeleteBucket", "DeleteBucketPolicy", "DeleteBucketWebsite"),
                *(
                    "GetAccelerateConfiguration",
                    "GetBucketAcl",
                    "GetBucketCORS",
                    "GetBucketLocation",
                ),
                *("GetBucketLogging", "GetBucketNotification", "GetBucketObjectLockConfiguration"),
                *("GetBucketOwnershipControls", "GetBucketPolicy", "GetBucketPublicAccessBlock"),
                *("GetBucketRequestPayment", "GetBucketTagging", "GetBucketVersioning"),
                *("GetBucketWebsite", "GetEncryptionConfiguration", "GetLifecycleConfiguration"),
                *("GetReplicationConfiguration", "ListBucket", "ListBucketMultipartUploads"),
                *("ListBucketVersions", "PutBucketNotification", "PutBucketOwnershipControls"),
                *("PutBucketPolicy", "PutBucketPublicAccessBlock", "PutBucketTagging"),
                *("PutBucketVersioning", "PutBucketWebsite", "PutEncryptionConfiguration"),
                "PutLifecycleConfiguration",
            )
        ],
        [names.buckets],
    )
    yield Statement(
        "Objects",
        [
            f"s3:{name}"
            for name in (
                *("AbortMultipartUpload", "DeleteObject", "DeleteObjectVersion", "GetObject"),
                *("GetObjectTagging", "GetObjectVersion", "ListMultipartUploadParts", "PutObject"),
                "PutObjectTagging",
            )
        ],
        [f"{names.buckets}/*"],
    )
    yield Statement(
        "Tables",
        [
            f"dynamodb:{name}"
            for name in (
                *("CreateTable", "DeleteBackup", "DeleteTable", "DescribeContinuousBackups"),
                "DescribeTable",
                *("DescribeTimeToLive", "ListTagsOfResource", "TagResource", "UntagResource"),
                *("UpdateContinuousBackups", "UpdateTable", "UpdateTimeToLive"),
            )
        ],
        [names.arn("dynamodb", f"table/{names.prefix}-*")],
    )
    yield Statement(
        "TablesBackups",
        ["dynamodb:DeleteBackup"],
        [names.arn("dynamodb", f"table/{names.prefix}-*/backup/*")],
    )
    yield Statement(
        "ListTablesBackups",
        ["dynamodb:ListBackups"],
        ["*"],
        reason="It supports no resource; it only reads.",
    )
    yield Statement(
        "Titles",  # for `make import`
        ["dynamodb:BatchWriteItem"],
        [names.arn("dynamodb", f"table/{names.prefix}-movies")],
    )
    yield Statement(
        "FollowOneVisitor",  # for `make flow`
        ["dynamodb:GetItem"],
        [names.arn("dynamodb", f"table/{names.prefix}-visitors")],
    )
    yield Statement(
        "Queues",
        [
            f"sqs:{name}"
            for name in (
                *("CreateQueue", "DeleteMessage", "DeleteQueue", "GetQueueAttributes"),
                *("GetQueueUrl", "ListMessageMoveTasks", "ListQueueTags", "ReceiveMessage"),
                *("SendMessage", "SetQueueAttributes", "StartMessageMoveTask", "TagQueue"),
                "UntagQueue",
            )
        ],
        [names.arn("sqs", f"{names.prefix}-*")],
    )
    yield Statement(
        "Parameters",
        [
            f"ssm:{name}"
            for name in (
                *("AddTagsToResource", "DeleteParameter", "GetParameter", "GetParameters"),
                *("GetParametersByPath", "ListTagsForResource", "PutParameter"),
                "RemoveTagsFromResource",
            )
        ],
        [
            names.arn("ssm", f"parameter/marquee/{names.environment}"),
            names.arn("ssm", f"parameter/marquee/{names.environment}/*"),
        ],
    )
    yield Statement(
        "ListByName",
        ["dynamodb:ListBackups", "ssm:DescribeParameters"],
        ["*"],
        reason="Neither supports resources; they show names but no values.",
    )


def function_statements(names: Names) -> Iterator[Statement]:
    """Yield the statements for the stack, the functions, the API and the functions' triggers."""
    yield Statement(
        "Stack",
        [
            f"cloudformation:{name}"
            for name in (
                *("CreateChangeSet", "DeleteChangeSet", "DeleteStack", "DescribeChangeSet"),
                *("DescribeStackEvents", "DescribeStackResource", "DescribeStackResourceDrifts"),
                *("DescribeStackResources", "DescribeStacks", "DetectStackDrift"),
                *("DetectStackResourceDrift", "ExecuteChangeSet", "GetTemplate"),
                *("ListStackResources", "TagResource", "UntagResource"),
            )
        ],
        [names.arn("cloudformation", f"stack/{names.prefix}/*")],
    )
    yield Statement(
        "SamTransform",
        ["cloudformation:CreateChangeSet"],
        [
            f"arn:{names.partition}:cloudformation:{names.region}:aws:transform/Serverless-2016-10-31"
        ],
    )
    yield Statement(
        "Templates",
        ["cloudformation:DescribeStackDriftDetectionStatus", "cloudformation:GetTemplateSummary"],
        ["*"],
        reason="Both only read; the first supports no resource, the second reads a template before"
        " its stack exists.",
    )
    function = names.arn("lambda", f"function:{names.prefix}-*")
    yield Statement(
        "Functions",
        [
            f"lambda:{name}"
            for name in (
                *("AddPermission", "CreateAlias", "CreateFunction", "DeleteAlias"),
                *("DeleteFunction", "DeleteFunctionConcurrency", "DeleteFunctionEventInvokeConfig"),
                *(
                    "GetAlias",
                    "GetFunction",
                    "GetFunctionCodeSigningConfig",
                    "GetFunctionConcurrency",
                ),
                *("GetFunctionConfiguration", "GetFunctionEventInvokeConfig", "GetPolicy"),
                *("GetRuntimeManagementConfig", "InvokeFunction", "ListAliases", "ListTags"),
                *("ListVersionsByFunction", "PublishVersion", "PutFunctionConcurrency"),
                *("PutFunctionEventInvokeConfig", "RemovePermission", "TagResource"),
                *("UntagResource", "UpdateAlias", "UpdateFunctionCode"),
                *("UpdateFunctionConfiguration", "UpdateFunctionEventInvokeConfig"),
            )
        ],
        [function],
    )
    layer = names.arn("lambda", f"layer:{names.prefix}")
    yield Statement(
        "Layer",
        ["lambda:DeleteLayerVersion", "lambda:GetLayerVersion", "lambda:PublishLayerVersion"],
        [layer, f"{layer}:*"],
    )
    yield Statement(
        "EventSources",
        [
            *("lambda:CreateEventSourceMapping", "lambda:DeleteEventSourceMapping"),
            *("lambda:GetEventSourceMapping", "lambda:UpdateEventSourceMapping"),
        ],
        ["*"],
        {"ArnLike": {"lambda:FunctionArn": [function]}},
        reason="AWS chooses their ids; the function that they call is the condition.",
    )
    yield Statement(
        # CloudFormation creates them with the stack's tags (Lambda Developer Guide, "Using tags on
        # event source mappings").
        "TagEventSources",
        ["lambda:TagResource", "lambda:UntagResource"],
        [names.arn("lambda", "event-source-mapping:*")],
        reason="AWS chooses their ids; their tags decide no permission.",
    )
    yield Statement(
        "ListEventSources",
        ["lambda:GetAccountSettings", "lambda:ListEventSourceMappings", "lambda:ListTags"],
        ["*"],
        reason="All three only read; the first two support no resource, and the third reads tags of"
        " event source mappings, whose ids AWS chooses.",
    )
    yield Statement(
        "Api",
        [f"apigateway:{verb}" for verb in ("DELETE", "GET", "PATCH", "POST", "PUT")],
        [
            f"arn:{names.partition}:apigateway:{names.region}::{path}"
            for path in ("/restapis", "/restapis/*", "/tags/*")
        ],
        reason="AWS chooses the ids of APIs, and most parts of an API do not support conditions on"
        " tags: other APIs of this account and region can be changed. Where that matters, give"
        " Marquee an account of its own.",
    )
    yield Statement(
        "Schedules",
        [
            f"events:{name}"
            for name in (
                *("DeleteRule", "DescribeRule", "DisableRule", "EnableRule"),
                *("ListTagsForResource", "ListTargetsByRule", "PutRule", "PutTargets"),
                *("RemoveTargets", "TagResource", "UntagResource"),
            )
        ],
        [names.arn("events", f"rule/{names.prefix}-*")],
    )


def role_statements(names: Names) -> Iterator[Statement]:
    """Yield the statements for the roles of functions and nodes, and for monitoring.

    A caller that may create a role and pass it to a service can use all of the role's permissions.
    The permissions boundary limits both.
    """
    roles = [names.role("*")]
    bounded: Condition = (
        {"StringEquals": {"iam:PermissionsBoundary": names.boundary}} if names.boundary else {}
    )
    yield Statement(
        "Roles",
        [
            f"iam:{name}"
            for name in (
                *("DeleteRole", "GetRole", "GetRolePolicy", "ListAttachedRolePolicies"),
                *("ListInstanceProfilesForRole", "ListRolePolicies", "ListRoleTags", "TagRole"),
                *("UntagRole", "UpdateAssumeRolePolicy", "UpdateRole"),
            )
        ],
        roles,
    )
    yield Statement(
        "GiveRights",
        [
            "iam:CreateRole",
            "iam:DeleteRolePolicy",
            "iam:PutRolePolicy",
            *(["iam:PutRolePermissionsBoundary"] if names.boundary else []),
        ],
        roles,
        bounded,
    )
    yield Statement(
        "GiveEmrItsPolicy",
        ["iam:AttachRolePolicy", "iam:DetachRolePolicy"],
        [names.role("emr-service")],
        {"ArnEquals": {"iam:PolicyARN": f"arn:{names.partition}:{_EMR_POLICY}"}},
    )
    yield Statement(
        "InstanceProfile",
        [
            f"iam:{name}"
            for name in (
                *("AddRoleToInstanceProfile", "CreateInstanceProfile", "DeleteInstanceProfile"),
                *("GetInstanceProfile", "RemoveRoleFromInstanceProfile", "TagInstanceProfile"),
                "UntagInstanceProfile",
            )
        ],
        [names.arn("iam", f"instance-profile/{names.prefix}-*", region="")],
    )
    for sid, role, service in (
        ("PassToFunctions", "*", "lambda"),
        ("PassToNodes", "nodes", "ec2"),
        ("PassToEmr", "emr-service", "elasticmapreduce"),
    ):
        yield Statement(
            sid,
            ["iam:PassRole"],
            [names.role(role)],
            {"StringEquals": {"iam:PassedToService": f"{service}.amazonaws.com"}},
        )
    yield Statement(
        "EmrsOwnRole",  # EMR creates it with the account's first cluster
        ["iam:CreateServiceLinkedRole"],
        [
            names.arn(
                "iam",
                "role/aws-service-role/elasticmapreduce.amazonaws.com/AWSServiceRoleForEMRCleanup",
                region="",
            )
        ],
        {"StringEquals": {"iam:AWSServiceName": "elasticmapreduce.amazonaws.com"}},
    )
    group = names.arn("logs", f"log-group:/aws/lambda/{names.prefix}-*")
    yield Statement(
        "Logs",
        [
            f"logs:{name}"
            for name in (
                *("CreateLogGroup", "DeleteLogGroup", "DeleteRetentionPolicy", "FilterLogEvents"),
                *("ListTagsForResource", "PutRetentionPolicy", "TagResource", "UntagResource"),
            )
        ],
        [group, f"{group}:*"],
    )
    yield Statement(
        "Alarms",
        [
            f"cloudwatch:{name}"
            for name in (
                *("DeleteAlarms", "ListTagsForResource", "PutMetricAlarm", "TagResource"),
                "UntagResource",
            )
        ],
        [names.arn("cloudwatch", f"alarm:{names.prefix}-*")],
    )
    yield Statement(
        "Dashboard",
        ["cloudwatch:DeleteDashboards", "cloudwatch:GetDashboard", "cloudwatch:PutDashboard"],
        [names.arn("cloudwatch", f"dashboard/{names.prefix}", region="")],
    )
    yield Statement(
        "Topics",
        [
            f"sns:{name}"
            for name in (
                *("CreateTopic", "DeleteTopic", "GetTopicAttributes", "ListSubscriptionsByTopic"),
                *("ListTagsForResource", "SetTopicAttributes", "Subscribe", "TagResource"),
                "UntagResource",
            )
        ],
        [names.arn("sns", f"{names.prefix}-*")],
    )
    yield Statement(
        "Look",
        [
            *("cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData", "logs:DescribeLogGroups"),
            *("servicequotas:GetAWSDefaultServiceQuota", "servicequotas:GetServiceQuota"),
            "sns:GetSMSAttributes",
            *("sns:GetSMSSandboxAccountStatus", "sns:GetSubscriptionAttributes"),
        ],
        ["*"],
        reason="All only read. Terraform lists alarms and log groups to find one, and"
        " `make report` reads metrics; the others support no resource.",
    )
    yield Statement(
        "AskForOwnRights",  # for the preflight; docs/operating.md proposes these names
        ["iam:GetRole", "iam:SimulatePrincipalPolicy"],
        [
            names.arn("iam", f"role/marquee-{who}-{names.environment}", region="")
            for who in ("deployer", "reader")
        ],
    )
    yield Statement(
        "EndSubscription",
        ["sns:Unsubscribe"],
        ["*"],
        reason="It supports no resource; AWS chooses the ids of subscriptions.",
    )


def cluster_statements(names: Names) -> Iterator[Statement]:
    """Yield the statements for the cluster, its steps and the key of its disks."""
    yield Statement(
        "MakeCluster",
        ["elasticmapreduce:RunJobFlow"],
        ["*"],
        names.if_tagged("StringEquals", f"aws:RequestTag/{TAG}"),
        reason="A cluster has no id before it is created; its tag is the condition.",
    )
    yield Statement(
        "TagCluster",  # also needed to create one
        ["elasticmapreduce:AddTags"],
        [names.arn("elasticmapreduce", "cluster/*")],
        names.if_tagging_own(f"elasticmapreduce:ResourceTag/{TAG}"),
        reason="AWS chooses the ids of clusters. Clusters without the tag can be taken over, other"
        " deployments' clusters cannot.",
    )
    yield Statement(
        "Cluster",
        [
            f"elasticmapreduce:{name}"
            for name in (
                *("AddInstanceFleet", "AddJobFlowSteps", "CancelSteps", "DescribeCluster"),
                *("DescribeStep", "GetAutoTerminationPolicy", "GetManagedScalingPolicy"),
                *("ListBootstrapActions", "ListInstanceFleets", "ListInstanceGroups"),
                *("ListInstances", "ListSteps", "ModifyCluster", "ModifyInstanceFleet"),
                *("ModifyInstanceGroups", "PutAutoTerminationPolicy", "PutManagedScalingPolicy"),
                *("RemoveAutoTerminationPolicy", "RemoveManagedScalingPolicy", "RemoveTags"),
                *("SetTerminationProtection", "TerminateJobFlows"),
            )
        ],
        [names.arn("elasticmapreduce", "cluster/*")],
        names.if_tagged("StringEquals", f"elasticmapreduce:ResourceTag/{TAG}"),
        reason="AWS chooses the ids of clusters; the tag is the condition.",
    )
    yield Statement(
        "SecurityConfigurations",
        [
            *("elasticmapreduce:CreateSecurityConfiguration",),
            *("elasticmapreduce:DeleteSecurityConfiguration",),
            *("elasticmapreduce:DescribeSecurityConfiguration",),
            *("elasticmapreduce:DescribeReleaseLabel", "elasticmapreduce:ListClusters"),
            *("elasticmapreduce:ListReleaseLabels", "elasticmapreduce:ListSupportedInstanceTypes"),
        ],
        ["*"],
        reason="None of them supports resources. Security configurations of other clusters can"
        " be deleted, which does not change a running cluster.",
    )
    yield Statement(
        "MakeKey",
        ["kms:CreateKey"],
        ["*"],
        names.if_tagged("StringEquals", f"aws:RequestTag/{TAG}"),
        reason="A key has no id before it is created; its tag is the condition.",
    )
    keys = names.arn("kms", "key/*")
    yield Statement(
        # Creating a key with tags needs this permission on keys without tags (KMS Developer Guide,
        # "Controlling access to tags").
        "TagKey",
        ["kms:TagResource"],
        [keys],
        names.if_tagging_own(),
        reason="AWS chooses the ids of keys. Keys without the tag can be taken over, other"
        " deployments' keys cannot.",
    )
    yield Statement(
        "Key",
        [
            f"kms:{name}"
            for name in (
                *("CreateAlias", "DeleteAlias", "DescribeKey", "EnableKeyRotation"),
                *("GetKeyPolicy", "GetKeyRotationStatus", "ListResourceTags", "PutKeyPolicy"),
                *("ScheduleKeyDeletion", "UntagResource", "UpdateKeyDescription"),
            )
        ],
        [keys],
        names.if_tagged("StringEquals", f"aws:ResourceTag/{TAG}"),
        reason="AWS chooses the ids of keys; the tag is the condition.",
    )
    yield Statement(
        "KeyAlias",
        ["kms:CreateAlias", "kms:DeleteAlias"],
        [names.arn("kms", f"alias/{names.prefix}-disks")],
    )
    yield Statement(
        "ListAliases",
        ["kms:ListAliases"],
        ["*"],
        reason="It supports no resource; it only reads.",
    )
    yield Statement(
        "TablesKey",  # Terraform compares a table's key with DynamoDB's default key
        ["kms:DescribeKey"],
        [keys],
        {"ForAnyValue:StringEquals": {"kms:ResourceAliases": ["alias/aws/dynamodb"]}}
        if names.tagged
        else {},
        reason="AWS chooses the ids of keys; the alias is the condition.",
    )


def network_statements(names: Names) -> Iterator[Statement]:
    """Yield the statements for the nodes' network, limited by tags because AWS assigns the ids."""

    def of_kinds(*kinds: str) -> list[str]:
        return [names.arn("ec2", f"{kind}/*") for kind in kinds]

    made = (
        *("internet-gateway", "route-table", "security-group", "security-group-rule", "subnet"),
        *("vpc", "vpc-endpoint"),
    )
    made_up = "AWS chooses the ids of networks; the tag is the condition."
    in_a_vpc = [
        f"ec2:Create{name}" for name in ("RouteTable", "SecurityGroup", "Subnet", "VpcEndpoint")
    ]
    yield Statement(
        "MakeNetwork",
        ["ec2:CreateInternetGateway", "ec2:CreateVpc", *in_a_vpc],
        of_kinds(*(kind for kind in made if kind != "security-group-rule")),
        names.if_tagged("StringEquals", f"aws:RequestTag/{TAG}"),
        reason=made_up,
    )
    yield Statement(
        "MakeInNetwork",  # in the existing VPC and with the existing route table
        in_a_vpc,
        of_kinds("vpc", "route-table"),
        names.if_tagged("StringEquals", f"aws:ResourceTag/{TAG}"),
        reason=made_up,
    )
    yield Statement(
        "ChangeNetwork",
        [
            f"ec2:{name}"
            for name in (
                *("AssociateRouteTable", "AttachInternetGateway", "AuthorizeSecurityGroupEgress"),
                *("AuthorizeSecurityGroupIngress", "CreateRoute", "DeleteInternetGateway"),
                *("DeleteRoute", "DeleteRouteTable", "DeleteSecurityGroup", "DeleteSubnet"),
                *("DeleteTags", "DeleteVpc", "DeleteVpcEndpoints", "DetachInternetGateway"),
                *("DisassociateRouteTable", "ModifySubnetAttribute", "ModifyVpcAttribute"),
                *("ModifyVpcEndpoint", "RevokeSecurityGroupEgress", "RevokeSecurityGroupIngress"),
                "ReplaceRoute",
            )
        ],
        of_kinds(*made),
        names.if_tagged("StringEquals", f"aws:ResourceTag/{TAG}"),
        reason=made_up,
    )
    yield Statement(
        "AddRules",  # a rule gets its tag when it is created
        ["ec2:AuthorizeSecurityGroupEgress", "ec2:AuthorizeSecurityGroupIngress"],
        of_kinds("security-group-rule"),
        names.if_tagged("StringEqualsIfExists", f"aws:RequestTag/{TAG}"),
        reason=made_up,
    )
    yield Statement(
        "TagNetwork",  # without the tag, like the VPC's default group, or already ours
        ["ec2:CreateTags"],
        of_kinds(*made),
        names.if_tagging_own(),
        reason=f"{made_up} Networks without the tag can be taken over, others cannot.",
    )
    yield Statement(
        "LookAtNetwork",
        [
            f"ec2:Describe{name}"
            for name in (
                *("Addresses", "AvailabilityZones", "InstanceTypeOfferings", "InstanceTypes"),
                "Instances",
                *("InternetGateways", "NetworkAcls", "NetworkInterfaces", "PrefixLists"),
                *("RouteTables", "SecurityGroupRules", "SecurityGroups", "Subnets"),
                *("VpcAttribute", "VpcEndpoints", "Vpcs"),
            )
        ],
        ["*"],
        {"StringEquals": {"ec2:Region": names.region}} if names.tagged else {},
        reason="EC2's Describe actions support no resource; they only read.",
    )


def site_statements(names: Names) -> Iterator[Statement]:
    """Yield the statements for CloudFront, which serves the site's bucket."""
    made_up = (
        "AWS chooses the ids, and CloudFront's policies have no tags: those of other sites in"
        " this account can be changed."
    )

    def of_kinds(*kinds: str) -> list[str]:
        return [names.arn("cloudfront", f"{kind}/*", region="") for kind in kinds]

    yield Statement(
        "MakeSite",
        ["cloudfront:CreateDistribution", "cloudfront:TagResource"],
        of_kinds("distribution"),
        names.if_tagging_own(),
        reason="A distribution has no id before it is created; its tag is the condition.",
    )
    yield Statement(
        "Site",
        [
            f"cloudfront:{name}"
            for name in (
                *("CreateInvalidation", "DeleteDistribution", "GetDistribution"),
                *("ListTagsForResource", "UntagResource", "UpdateDistribution"),
            )
        ],
        of_kinds("distribution"),
        names.if_tagged("StringEquals", f"aws:ResourceTag/{TAG}"),
        reason="AWS chooses the ids of distributions; the tag is the condition.",
    )
    yield Statement(
        "SitePolicies",
        [
            f"cloudfront:{verb}{kind}"
            for kind in ("CachePolicy", "OriginAccessControl", "ResponseHeadersPolicy")
            for verb in ("Create", "Delete", "Get", "Update")
            if (verb, kind) != ("Create", "OriginAccessControl")
        ],
        of_kinds("cache-policy", "origin-access-control", "response-headers-policy"),
        reason=made_up,
    )
    yield Statement(
        "MakeSiteAccess",
        ["cloudfront:CreateOriginAccessControl"],
        ["*"],
        reason="It supports no resource.",
    )


def inventory_statements(_: Names) -> Iterator[Statement]:
    """Yield the statement for what operations/inventory.py lists, for `make rehearse`."""
    yield Statement(
        "ListWhatIsThere",
        [
            *("cloudfront:ListDistributions", "cloudwatch:ListDashboards", "dynamodb:ListTables"),
            *("elasticmapreduce:ListSecurityConfigurations", "events:ListRules"),
            *("iam:ListInstanceProfiles", "iam:ListPolicies", "iam:ListRoles"),
            *("lambda:ListFunctions", "lambda:ListLayerVersions", "s3:ListAllMyBuckets"),
            *("sns:ListTopics", "sqs:ListQueues"),
        ],
        ["*"],
        reason="They list names of the whole account and support no resource.",
    )


def option_statements(names: Names) -> Iterator[Statement]:
    """Yield the statements for what the variables waf, budget_email, log_failed_texts enable."""
    web_acls = [names.arn("wafv2", f"regional/webacl/{names.prefix}/*")]
    stages = [f"arn:{names.partition}:apigateway:{names.region}::/restapis/*/stages/*"]
    yield Statement(
        "WebAcl",
        [
            f"wafv2:{name}"
            for name in (
                *("CreateWebACL", "DeleteWebACL", "GetWebACL", "ListTagsForResource"),
                *("TagResource", "UntagResource", "UpdateWebACL"),
            )
        ],
        web_acls,
    )
    yield Statement(
        "AttachWebAcl",
        ["wafv2:AssociateWebACL", "wafv2:DisassociateWebACL", "wafv2:GetWebACLForResource"],
        [*web_acls, *stages],
        reason="AWS chooses the ids of APIs.",
    )
    yield Statement(
        "AttachToStage",
        ["apigateway:SetWebACL"],
        stages,
        reason="AWS chooses the ids of APIs.",
    )
    yield Statement(
        "Budget",
        [
            *("budgets:ListTagsForResource", "budgets:ModifyBudget", "budgets:TagResource"),
            *("budgets:UntagResource", "budgets:ViewBudget"),
        ],
        [names.arn("budgets", f"budget/{names.prefix}", region="")],
    )
    yield Statement(
        "TextSettings",
        ["sns:GetSMSAttributes", "sns:SetSMSAttributes"],
        ["*"],
        reason="The settings of texts belong to the whole account and support no resource.",
    )
    yield Statement(
        "PassToTexts",
        ["iam:PassRole"],
        [names.role("delivery-status")],
        {"StringEquals": {"iam:PassedToService": "sns.amazonaws.com"}},
    )
    group = failed_texts_log(names)
    yield Statement(
        "LogOfFailedTexts",
        [
            f"logs:{name}"
            for name in (
                *("AssociateKmsKey", "CreateLogGroup", "DeleteLogGroup", "DisassociateKmsKey"),
                *("ListTagsForResource", "PutRetentionPolicy", "TagResource", "UntagResource"),
            )
        ],
        [group, f"{group}:*"],
    )


def failed_texts_log(names: Names) -> str:
    """Return the ARN of the log group whose name SNS chooses (terraform/delivery_status.tf)."""
    group = f"sns/{names.region}/{names.account}/DirectPublishToPhoneNumber/Failure"
    return names.arn("logs", f"log-group:{group}")


PARTS = {
    "data": data_statements,
    "functions": function_statements,
    "roles": role_statements,
    "cluster": cluster_statements,
    "network": network_statements,
    "site": site_statements,
    "inventory": inventory_statements,
    "options": option_statements,
}
EMULATOR = "emulator"


def emulator_statements(names: Names) -> Iterator[Statement]:
    """Yield the statements that only the local AWS needs when it enforces policies.

    It checks some calls under names that AWS does not use. They were found by applying, planning
    and destroying on the local AWS under the other documents.
    """
    yield Statement(
        "EmrsPolicyWithoutItsName",  # it does not know iam:PolicyARN
        ["iam:AttachRolePolicy", "iam:DetachRolePolicy"],
        [names.role("emr-service")],
    )
    yield Statement(
        "OwnershipByItsCall",  # AWS's action is s3:PutBucketOwnershipControls
        ["s3:DeleteBucketOwnershipControls"],
        [names.buckets],
    )
    yield Statement(
        "NetworkWithoutId",
        [
            action
            for statement in network_statements(names)
            if statement.sid != "LookAtNetwork"
            for action in statement.actions
        ],
        [names.arn("ec2", "*")],
        reason="It does not find the resource in the request.",
    )


def boundary_document(names: Names) -> dict[str, Any]:
    """Return the permissions boundary: the most that a role of this environment may ever do.

    The boundary grants nothing by itself; a role may do what both its own policies and the boundary
    allow. It is wide because of EMR's service role, whose own policy is AWS's
    AmazonEMRServicePolicy_v2, which tags limit.
    """
    statements = [
        Statement("Objects", ["s3:*"], [names.buckets, f"{names.buckets}/*"]),
        Statement("Tables", ["dynamodb:*"], [names.arn("dynamodb", f"table/{names.prefix}-*")]),
        Statement("Queues", ["sqs:*"], [names.arn("sqs", f"{names.prefix}-*")]),
        Statement(
            "Secret",
            ["ssm:GetParameter"],
            [names.arn("ssm", f"parameter/marquee/{names.environment}/*")],
        ),
        Statement(
            "Logs",
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            [
                names.arn("logs", f"log-group:/aws/lambda/{names.prefix}-*"),
                f"{failed_texts_log(names)}:*",
            ],
        ),
        Statement(
            "Nodes",
            ["iam:PassRole"],
            [names.role("nodes")],
            {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
        ),
        Statement(
            "SpotNodes",
            ["iam:CreateServiceLinkedRole"],
            [
                names.arn(
                    "iam",
                    "role/aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot",
                    region="",
                )
            ],
            {"StringEquals": {"iam:AWSServiceName": "spot.amazonaws.com"}},
        ),
        Statement(
            "EmrAndTexts",
            [
                *("cloudwatch:*", "ec2:*", "elasticmapreduce:*", "kms:*", "resource-groups:*"),
                *("sns:CheckIfPhoneNumberIsOptedOut", "sns:Publish"),
                *("xray:PutTelemetryRecords", "xray:PutTraceSegments"),
            ],
            ["*"],
            reason="EMR starts nodes with ids that AWS chooses; phones and traces have no ARN.",
        ),
    ]
    return _document(statements)


# A caller that may read the environment's parameters could also decrypt the token secret, because
# the AWS managed key in KMS decrypts for every caller of the account unless a policy denies it.
_NOTHING_SECRET = Statement(
    "DecryptNothing",
    ["kms:Decrypt"],
    ["*"],
    reason="It denies every key.",
    effect="Deny",
)


def documents(names: Names, *, read_only: bool = False) -> dict[str, dict[str, Any]]:
    """Return the policy documents by their names (`marquee-<env>-deployer-<part>`).

    With `read_only`, return only what planning needs (`marquee-<env>-reader-<part>`).
    """
    parts = PARTS if names.tagged else {**PARTS, EMULATOR: emulator_statements}
    who, made = "reader" if read_only else "deployer", dict[str, dict[str, Any]]()
    for part, of_part in parts.items():
        statements = list(of_part(names))
        if read_only:
            statements = [each for one in statements if (each := one.reading(names))]
            statements += [_NOTHING_SECRET] if part == "data" else []
        if statements:
            made[f"{names.prefix}-{who}-{part}"] = _document(statements)
    if names.boundary and not read_only:
        made[f"{names.prefix}-boundary"] = boundary_document(names)
    return made


def compact(document: Mapping[str, Any]) -> str:
    """Return a document as JSON without white space, which IAM does not count."""
    return json.dumps(document, separators=(",", ":"))


def deployer_policy(
    deployment: Deployment, part: str | None, *, bounded: bool = False, read_only: bool = False
) -> str:
    """Return policy documents as JSON.

    Args:
        environment: the environment that the documents are for.
        part: the part whose document to return, compact for IAM; None for all, by name.
        bounded: whether every role must have the permissions boundary, which is then a part, too.
        read_only: whether to return only what planning needs.

    Raises:
        OperationError: if there is no such part.
    """
    named = documents(resource_names(deployment, bounded=bounded), read_only=read_only)
    if part is None:
        return json.dumps(named, indent=2)
    parts = {name.removeprefix(f"{deployment.prefix}-"): name for name in named}
    by_part = {short.rpartition("-")[2]: name for short, name in parts.items()}
    if part not in by_part:
        raise OperationError(
            f"PART is {part!r}: use one of {', '.join(by_part)}"
            + ("." if bounded or read_only else ", or boundary together with BOUNDARY=1.")
        )
    return compact(named[by_part[part]])


def resource_names(deployment: Deployment, *, bounded: bool = False) -> Names:
    """Return the environment's names in the account of the shell's credentials."""
    account = deployment.account_id
    partition = boto3.Session().get_partition_for_region(deployment.region)
    boundary = f"arn:{partition}:iam::{account}:policy/{deployment.prefix}-boundary"
    return Names(
        prefix=deployment.prefix,
        environment=deployment.name,
        region=deployment.region,
        account=account,
        partition=partition,
        tagged=not deployment.is_local,
        boundary=boundary if bounded else None,
    )


def _document(statements: Sequence[Statement]) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [statement.document() for statement in statements],
    }
