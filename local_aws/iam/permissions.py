"""The permissions that an API call needs: pairs of an IAM action and a resource's ARN.

Only calls that LocalEmu maps wrongly are listed. The actions and resources are from AWS's Service
Authorization Reference
(https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

ANY = "*"
# The prefixes of IAM actions that differ from the service's signing name.
PREFIXES = {"cloudwatch": "cloudwatch", "resourcegroupstaggingapi": "tag", "sesv2": "ses"}


@dataclass(frozen=True)
class ApiCall:
    """One API call.

    Args:
        service: botocore's name of the service, e.g. `emr`.
        signing_name: the service's name in request signatures, e.g. `elasticmapreduce`.
        operation: the operation's name, e.g. `AddJobFlowSteps`.
        parameters: the request's parameters, with botocore's names.
        region: the called region.
        account: the 12 digits of the called account.
        method: the HTTP method.
        path: the URL's path.
    """

    service: str
    signing_name: str
    operation: str
    parameters: Mapping[str, Any]
    region: str
    account: str
    method: str = "POST"
    path: str = "/"

    @property
    def prefix(self) -> str:
        """The prefix of the service's IAM actions."""
        return PREFIXES.get(self.service, self.signing_name)

    @property
    def action(self) -> str:
        """The IAM action that has the operation's name."""
        return f"{self.prefix}:{self.operation}"

    def arn(self, resource: str) -> str:
        """Return the ARN of one of the service's resources in the called region and account."""
        return f"arn:aws:{self.prefix}:{self.region}:{self.account}:{resource}"


@dataclass(frozen=True)
class Permission:
    """An action on a resource, with the condition keys that are specific to this call."""

    action: str
    resource: str
    conditions: Mapping[str, Any] = field(default_factory=dict)


# ---------------------------------------------------------------------------------------------
# DynamoDB: the queried index, and every table of a batch or a transaction
# ---------------------------------------------------------------------------------------------

_TRANSACTION_ACTIONS = {
    "Put": "dynamodb:PutItem",
    "Update": "dynamodb:UpdateItem",
    "Delete": "dynamodb:DeleteItem",
    "ConditionCheck": "dynamodb:ConditionCheckItem",
    "Get": "dynamodb:GetItem",
}


# The parameter that holds an item's key.
_KEYED = {"DeleteItem": "Key", "GetItem": "Key", "PutItem": "Item", "UpdateItem": "Key"}


def leading_keys(call: ApiCall, partition_key: str) -> dict[str, list[str]]:
    """Return the condition key `dynamodb:LeadingKeys` of a call on one item, {} for other calls.

    Args:
        call: the call.
        partition_key: the name of the table's partition key.
    """
    item = call.parameters.get(_KEYED.get(call.operation, ""), {})
    if call.service != "dynamodb" or partition_key not in item:
        return {}
    return {"dynamodb:LeadingKeys": [str(value) for value in item[partition_key].values()]}


def _table(call: ApiCall, name: str) -> str:
    return name if name.startswith("arn:") else call.arn(f"table/{name}")


def _dynamodb(call: ApiCall) -> Iterator[Permission]:
    parameters = call.parameters
    if call.operation in ("BatchGetItem", "BatchWriteItem"):
        for name in parameters["RequestItems"]:
            yield Permission(call.action, _table(call, name))
    elif call.operation in ("TransactWriteItems", "TransactGetItems"):
        for item in parameters["TransactItems"]:
            for kind, request in item.items():
                yield Permission(_TRANSACTION_ACTIONS[kind], _table(call, request["TableName"]))
    elif index := parameters.get("IndexName"):
        table = _table(call, parameters["TableName"])
        yield Permission(call.action, f"{table}/index/{index}")
    elif call.operation in ("ListTables", "ListBackups"):
        yield Permission(call.action, ANY)
    elif backup := parameters.get("BackupArn"):
        yield Permission(call.action, backup)
    elif arn := parameters.get("ResourceArn"):
        yield Permission(call.action, arn)


# ---------------------------------------------------------------------------------------------
# S3
# ---------------------------------------------------------------------------------------------

# Operations that LocalEmu does not know and whose action has another name.
_S3_ACTIONS = {
    "DeleteBucketTagging": "s3:PutBucketTagging",
    "DeleteBucketWebsite": "s3:DeleteBucketWebsite",
    "GetBucketAccelerateConfiguration": "s3:GetAccelerateConfiguration",
    "GetBucketNotificationConfiguration": "s3:GetBucketNotification",
    "GetObjectLockConfiguration": "s3:GetBucketObjectLockConfiguration",
    "PutBucketAccelerateConfiguration": "s3:PutAccelerateConfiguration",
    "PutBucketNotificationConfiguration": "s3:PutBucketNotification",
    "PutObjectLockConfiguration": "s3:PutBucketObjectLockConfiguration",
}
_S3_VERSION_ACTIONS = {
    "GetObject": "s3:GetObjectVersion",
    "HeadObject": "s3:GetObjectVersion",
    "DeleteObject": "s3:DeleteObjectVersion",
}
_S3_LISTINGS = {
    "ListObjects": "s3:ListBucket",
    "ListObjectsV2": "s3:ListBucket",
    "ListObjectVersions": "s3:ListBucketVersions",
}


def _object(bucket: str, key: str) -> str:
    return f"arn:aws:s3:::{bucket}/{key}"


def _source(parameters: Mapping[str, Any]) -> str:
    """Return the ARN of the object that a copy reads.

    The parameter CopySource is a map or the text `bucket/key`, which may end in a version.
    """
    source = parameters["CopySource"]
    if isinstance(source, Mapping):
        return _object(source["Bucket"], source["Key"])
    bucket, _, key = str(source).removeprefix("/").partition("?")[0].partition("/")
    return _object(bucket, key)


def deleted_keys(parameters: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the objects of a DeleteObjects request, each with its `Key` and maybe `VersionId`."""
    return list(parameters.get("Delete", {}).get("Objects", []))


def _s3(call: ApiCall) -> Iterator[Permission]:
    parameters, operation = call.parameters, call.operation
    bucket = parameters.get("Bucket", "")
    if operation in _S3_LISTINGS:
        conditions = {
            f"s3:{name}": str(parameters[parameter])
            for name, parameter in (
                ("prefix", "Prefix"),
                ("delimiter", "Delimiter"),
                ("max-keys", "MaxKeys"),
            )
            if parameters.get(parameter) is not None
        }
        # S3 treats a listing without a prefix as one with the empty prefix.
        conditions.setdefault("s3:prefix", "")
        yield Permission(_S3_LISTINGS[operation], f"arn:aws:s3:::{bucket}", conditions)
    elif operation in ("CopyObject", "UploadPartCopy"):
        yield Permission("s3:GetObject", _source(parameters))
        yield Permission("s3:PutObject", _object(bucket, parameters["Key"]))
    elif operation in _S3_ACTIONS:
        yield Permission(_S3_ACTIONS[operation], f"arn:aws:s3:::{bucket}")
    elif operation in _S3_VERSION_ACTIONS and parameters.get("VersionId"):
        yield Permission(_S3_VERSION_ACTIONS[operation], _object(bucket, parameters["Key"]))
    elif operation == "ListBuckets":
        yield Permission("s3:ListAllMyBuckets", ANY)


# ---------------------------------------------------------------------------------------------
# Messages, logs, events
# ---------------------------------------------------------------------------------------------


def _sns(call: ApiCall) -> Iterator[Permission]:
    # A text to a phone has no topic, so only a statement for all resources permits it.
    if not any(
        name in call.parameters for name in ("TopicArn", "TargetArn", "Name", "ResourceArn")
    ):
        yield Permission(call.action, ANY)
    elif "ResourceArn" in call.parameters:
        yield Permission(call.action, call.parameters["ResourceArn"])


_LOG_STREAM_OPERATIONS = ("PutLogEvents", "CreateLogStream", "DeleteLogStream", "GetLogEvents")


def _logs(call: ApiCall) -> Iterator[Permission]:
    parameters = call.parameters
    group = parameters.get("logGroupName") or parameters.get("logGroupNamePrefix") or ""
    if arn := parameters.get("resourceArn"):
        yield Permission(call.action, arn)
    elif call.operation in _LOG_STREAM_OPERATIONS:
        stream = parameters.get("logStreamName", "")
        yield Permission(call.action, call.arn(f"log-group:{group}:log-stream:{stream}"))
    elif group:
        # AWS appends an empty log stream to the group's ARN, so `log-group:<name>:*` matches it.
        yield Permission(call.action, call.arn(f"log-group:{group}:log-stream:"))
    else:
        yield Permission(call.action, call.arn("log-group::log-stream:"))


def _events(call: ApiCall) -> Iterator[Permission]:
    parameters = call.parameters
    bus = parameters.get("EventBusName") or "default"
    rule = parameters.get("Name") or parameters.get("Rule")
    if arn := parameters.get("ResourceARN"):
        yield Permission(call.action, arn)
    elif call.operation == "PutEvents":
        for entry in parameters["Entries"]:
            bus = entry.get("EventBusName") or "default"
            resource = bus if bus.startswith("arn:") else call.arn(f"event-bus/{bus}")
            yield Permission(call.action, resource)
    elif rule and call.operation not in ("CreateEventBus", "DeleteEventBus", "DescribeEventBus"):
        # The ARN of a rule on the default bus does not contain the bus.
        yield Permission(
            call.action, call.arn(f"rule/{'' if bus == 'default' else f'{bus}/'}{rule}")
        )


def _cloudwatch(call: ApiCall) -> Iterator[Permission]:
    parameters = call.parameters
    if arn := parameters.get("ResourceARN"):
        yield Permission(call.action, arn)
    elif names := parameters.get("AlarmNames"):
        for name in names:
            yield Permission(call.action, call.arn(f"alarm:{name}"))
    elif names := parameters.get("DashboardNames"):
        for name in names:
            yield Permission(call.action, f"arn:aws:cloudwatch::{call.account}:dashboard/{name}")
    elif call.operation == "DescribeAlarms":
        yield Permission(call.action, call.arn("alarm:*"))
    elif not any(name in parameters for name in ("AlarmName", "DashboardName")):
        yield Permission(call.action, ANY)


# ---------------------------------------------------------------------------------------------
# EMR, Lambda, API Gateway, Systems Manager
# ---------------------------------------------------------------------------------------------


def _emr(call: ApiCall) -> Iterator[Permission]:
    parameters = call.parameters
    named = [
        *(parameters.get(name) for name in ("JobFlowId", "ClusterId", "ResourceId")),
        *parameters.get("JobFlowIds", []),
    ]
    clusters = [name for name in named if name]
    for cluster in clusters:
        yield Permission(call.action, call.arn(f"cluster/{cluster}"))
    if not clusters:
        yield Permission(call.action, ANY)


def _lambda(call: ApiCall) -> Iterator[Permission]:
    parameters, operation = call.parameters, call.operation
    if "EventSourceMapping" in operation:
        if identity := parameters.get("UUID"):
            yield Permission(call.action, call.arn(f"event-source-mapping:{identity}"))
        else:
            yield Permission(call.action, ANY)
    elif layer := parameters.get("LayerName"):
        name = layer if layer.startswith("arn:") else call.arn(f"layer:{layer}")
        version = parameters.get("VersionNumber")
        yield Permission(call.action, f"{name}:{version}" if version else name)
    elif resource := parameters.get("Resource"):
        yield Permission(call.action, resource)
    elif operation in ("GetAccountSettings", "ListFunctions", "ListLayers"):
        yield Permission(call.action, ANY)


def _apigateway(call: ApiCall) -> Iterator[Permission]:
    # API Gateway's actions are HTTP methods and its resources are paths.
    yield Permission(
        f"apigateway:{call.method}", f"arn:aws:apigateway:{call.region}::{call.path.rstrip('/')}"
    )


def _ssm(call: ApiCall) -> Iterator[Permission]:
    parameters = call.parameters
    if names := parameters.get("Names"):
        for name in names:
            yield Permission(call.action, call.arn(f"parameter/{name.lstrip('/')}"))
    elif path := parameters.get("Path"):
        yield Permission(call.action, call.arn(f"parameter/{path.strip('/')}"))
    elif call.operation == "DescribeParameters":
        yield Permission(call.action, ANY)
    elif parameters.get("ResourceType") == "Parameter":
        name = parameters["ResourceId"].lstrip("/")
        yield Permission(call.action, call.arn(f"parameter/{name}"))


def _iam(call: ApiCall) -> Iterator[Permission]:
    profile = call.parameters.get("InstanceProfileName")
    if profile:
        yield Permission(call.action, f"arn:aws:iam::{call.account}:instance-profile/{profile}")
    elif call.operation.startswith("List") and not call.parameters.get("RoleName"):
        yield Permission(call.action, ANY)


def _kms(call: ApiCall) -> Iterator[Permission]:
    # ReEncrypt needs a permission on the old key and one on the new key; it has no parameter KeyId.
    if call.operation == "ReEncrypt":
        for action, parameter in (
            ("kms:ReEncryptFrom", "SourceKeyId"),
            ("kms:ReEncryptTo", "DestinationKeyId"),
        ):
            key = call.parameters.get(parameter) or ANY  # else the ciphertext names the source
            yield Permission(action, key if key.startswith("arn:") else call.arn(f"key/{key}"))


_SERVICES: dict[str, Callable[[ApiCall], Iterator[Permission]]] = {
    "apigateway": _apigateway,
    "cloudwatch": _cloudwatch,
    "dynamodb": _dynamodb,
    "emr": _emr,
    "events": _events,
    "iam": _iam,
    "kms": _kms,
    "lambda": _lambda,
    "logs": _logs,
    "s3": _s3,
    "sns": _sns,
    "ssm": _ssm,
}


def of(call: ApiCall) -> list[Permission]:
    """Return every permission that the call needs, or [] if LocalEmu maps the call correctly."""
    mapped = _SERVICES.get(call.service)
    return list(mapped(call)) if mapped else []


# ---------------------------------------------------------------------------------------------
# Roles that a call passes to a service
# ---------------------------------------------------------------------------------------------

# From service and operation to the parameter that names the role and the service that assumes it.
_PASSED = {
    ("cloudformation", "CreateChangeSet"): ("RoleARN", "cloudformation.amazonaws.com"),
    ("cloudformation", "CreateStack"): ("RoleARN", "cloudformation.amazonaws.com"),
    ("cloudformation", "UpdateStack"): ("RoleARN", "cloudformation.amazonaws.com"),
    ("emr", "RunJobFlow"): ("ServiceRole", "elasticmapreduce.amazonaws.com"),
    ("events", "PutRule"): ("RoleArn", "events.amazonaws.com"),
    ("iam", "AddRoleToInstanceProfile"): ("RoleName", "ec2.amazonaws.com"),
    ("lambda", "CreateFunction"): ("Role", "lambda.amazonaws.com"),
    ("lambda", "UpdateFunctionConfiguration"): ("Role", "lambda.amazonaws.com"),
}


def passed_roles(
    call: ApiCall, role_of_profile: Callable[[str], Iterable[str]]
) -> Iterator[Permission]:
    """Yield the `iam:PassRole` permissions of a call that passes roles to a service.

    Args:
        call: the call.
        role_of_profile: returns the role ARNs of an instance profile, given its name or ARN.
    """
    for name, service in [_PASSED.get((call.service, call.operation), ("", ""))]:
        if role := call.parameters.get(name):
            yield _pass_role(call, role, service)
    if call.service == "emr" and (profile := call.parameters.get("JobFlowRole")):
        for role in role_of_profile(profile):
            yield _pass_role(call, role, "ec2.amazonaws.com")
    if (call.service, call.operation) == ("sns", "SetSMSAttributes"):
        attributes = call.parameters.get("attributes", {})
        if role := attributes.get("DeliveryStatusIAMRole"):
            yield _pass_role(call, role, "sns.amazonaws.com")


def _pass_role(call: ApiCall, role: str, service: str) -> Permission:
    arn = role if role.startswith("arn:") else f"arn:aws:iam::{call.account}:role/{role}"
    return Permission("iam:PassRole", arn, {"iam:PassedToService": service})
