"""List a deployment's resources in an account by asking AWS instead of Terraform's state.

A rehearsal uses it to check that a deployment is empty before it starts and after it has
destroyed the deployment. All calls are read-only; `make deployer-policy` grants them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.exceptions import ClientError

from operations.deployment import Deployment
from operations.protection import living_clusters

# Prefixes of the error codes of a denied call; EC2 and SNS have codes of their own.
_DENIED = ("AccessDenied", "AuthorizationError", "UnauthorizedOperation", "NotAuthorized")
# Parts of the names that `make deployer-policy` gives roles and policies of the deployer. No
# deployment creates or deletes those.
_DEPLOYERS = ("deployer", "boundary")
# If none of these kinds exists, there is neither a deployment nor data.
ESSENTIAL_KINDS = ("buckets", "tables", "stacks", "parameters")


@dataclass
class Inventory:
    """The resources of a deployment.

    Attributes:
        found: names by kind of resource, without empty kinds.
        unchecked: AWS's error messages, by the kinds that the caller may not list.
    """

    found: dict[str, list[str]] = field(default_factory=dict)
    unchecked: dict[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.found)

    def __str__(self) -> str:
        return "; ".join(f"{kind}: {_some(names)}" for kind, names in self.found.items())


def _some(names: list[str], shown: int = 5) -> str:
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more


class Owner:
    """Decides whether a name belongs to a deployment.

    A name may belong to another deployment instead whose own name starts with this one's. The
    Terraform buckets in `buckets` show which such environments exist.
    """

    def __init__(self, deployment: Deployment, buckets: list[str]) -> None:
        self._prefix = deployment.prefix
        ending = f"-{deployment.account_id}-terraform"
        neighbours = {name.removesuffix(ending) for name in buckets if name.endswith(ending)}
        self._longer = {name for name in neighbours if name.startswith(f"{self._prefix}-")}

    def owns(self, name: str) -> bool:
        """Return whether a name is this deployment's, as `marquee-prod-x` is that of `prod`."""
        return _under(self._prefix, name) and not any(_under(each, name) for each in self._longer)


def _under(prefix: str, name: str) -> bool:
    return name == prefix or name.startswith(f"{prefix}-")


def inventory(deployment: Deployment) -> Inventory:
    """Return the deployment's resources in the account, however they were created.

    Raises:
        ClientError: if a call fails for another reason than missing permissions.
    """
    there = Inventory()
    owner = Owner(deployment, [])
    try:
        buckets = _all_buckets()
    except ClientError as error:
        if not _is_denial(error):
            raise
        there.unchecked["buckets"] = str(error)
    else:
        owner = Owner(deployment, buckets)
        if ours := [name for name in buckets if _is_bucket_of(deployment, name)]:
            there.found["buckets"] = ours
    for kind, look in {**KINDS, **({} if deployment.is_local else AWS_KINDS)}.items():
        try:
            names = sorted(look(deployment, owner))
        except ClientError as error:
            if not _is_denial(error):
                raise
            there.unchecked[kind] = str(error)
        else:
            if names:
                there.found[kind] = names
    return there


def _is_denial(error: ClientError) -> bool:
    return error.response["Error"]["Code"].startswith(_DENIED)


def visitors_with_ratings(deployment: Deployment) -> set[str]:
    """Return the ids of the visitors with ratings in the ratings bucket."""
    bucket = f"{deployment.prefix}-{deployment.account_id}-ratings"
    s3 = boto3.client("s3")
    listed = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="visitors/")
    try:
        pages = list(listed)
    except s3.exceptions.NoSuchBucket:
        return set()
    keys = (item["Key"] for page in pages for item in page.get("Contents", []))
    # visitors/date=YYYY-MM-DD/<visitor id>-<version>.json
    return {key.rpartition("/")[2].rpartition("-")[0] for key in keys if key.endswith(".json")}


def disk_keys(deployment: Deployment) -> set[str]:
    """Return the ids of the KMS keys behind the deployment's alias."""
    alias = f"alias/{deployment.prefix}-disks"
    pages = boto3.client("kms").get_paginator("list_aliases").paginate()
    return {
        each["TargetKeyId"]
        for page in pages
        for each in page["Aliases"]
        if each["AliasName"] == alias and "TargetKeyId" in each
    }


def is_pending_deletion(key_id: str) -> bool:
    """Return whether a KMS key is waiting for its deletion."""
    key = boto3.client("kms").describe_key(KeyId=key_id)["KeyMetadata"]
    return bool(key["KeyState"] == "PendingDeletion")


# ---------------------------------------------------------------------------------------------
# One function for each kind
# ---------------------------------------------------------------------------------------------


def _all_buckets() -> list[str]:
    return [bucket["Name"] for bucket in boto3.client("s3").list_buckets()["Buckets"]]


def _is_bucket_of(deployment: Deployment, name: str) -> bool:
    return name.startswith(f"{deployment.prefix}-{deployment.account_id}-")


def _tables(_: Deployment, owner: Owner) -> Iterator[str]:
    pages = boto3.client("dynamodb").get_paginator("list_tables").paginate()
    return (name for page in pages for name in page["TableNames"] if owner.owns(name))


def _queues(deployment: Deployment, owner: Owner) -> Iterator[str]:
    pages = (
        boto3.client("sqs").get_paginator("list_queues").paginate(QueueNamePrefix=deployment.prefix)
    )
    names = (url.rpartition("/")[2] for page in pages for url in page.get("QueueUrls", []))
    return (name for name in names if owner.owns(name))


def _topics(_: Deployment, owner: Owner) -> Iterator[str]:
    pages = boto3.client("sns").get_paginator("list_topics").paginate()
    names = (topic["TopicArn"].rpartition(":")[2] for page in pages for topic in page["Topics"])
    return (name for name in names if owner.owns(name))


def _parameters(deployment: Deployment, _: Owner) -> Iterator[str]:
    pages = (
        boto3.client("ssm")
        .get_paginator("get_parameters_by_path")
        .paginate(Path=f"/marquee/{deployment.name}/")
    )
    return (each["Name"] for page in pages for each in page["Parameters"])


def _stacks(deployment: Deployment, _: Owner) -> Iterator[str]:
    try:
        found = boto3.client("cloudformation").describe_stacks(StackName=deployment.prefix)
    except ClientError as error:
        # CloudFormation has no code of its own for a stack that does not exist.
        if "does not exist" in str(error):
            return
        raise
    for stack in found["Stacks"]:
        if stack["StackStatus"] != "DELETE_COMPLETE":
            yield f"{stack['StackName']} ({stack['StackStatus']})"


def _functions(_: Deployment, owner: Owner) -> Iterator[str]:
    pages = boto3.client("lambda").get_paginator("list_functions").paginate()
    names = (each["FunctionName"] for page in pages for each in page["Functions"])
    return (name for name in names if owner.owns(name))


def _layers(deployment: Deployment, _: Owner) -> Iterator[str]:
    # By name, because the local AWS cannot list layers after one has lost all its versions.
    pages = boto3.client("lambda").get_paginator("list_layer_versions")
    for page in pages.paginate(LayerName=deployment.prefix):
        for each in page["LayerVersions"]:
            yield f"{deployment.prefix}:{each['Version']}"


def _event_sources(_: Deployment, owner: Owner) -> Iterator[str]:
    pages = boto3.client("lambda").get_paginator("list_event_source_mappings").paginate()
    mappings = (each for page in pages for each in page["EventSourceMappings"])
    # arn:aws:lambda:<region>:<account>:function:<name>[:<alias>]
    called = ((each["UUID"], each["FunctionArn"].split(":")[6]) for each in mappings)
    return (f"{uuid} of {name}" for uuid, name in called if owner.owns(name))


def _apis(_: Deployment, owner: Owner) -> Iterator[str]:
    pages = boto3.client("apigateway").get_paginator("get_rest_apis").paginate()
    return (api["name"] for page in pages for api in page["items"] if owner.owns(api["name"]))


def _roles(_: Deployment, owner: Owner) -> Iterator[str]:
    pages = boto3.client("iam").get_paginator("list_roles").paginate()
    return _deployments(owner, (role["RoleName"] for page in pages for role in page["Roles"]))


def _policies(_: Deployment, owner: Owner) -> Iterator[str]:
    pages = boto3.client("iam").get_paginator("list_policies").paginate(Scope="Local")
    return _deployments(owner, (each["PolicyName"] for page in pages for each in page["Policies"]))


def _deployments(owner: Owner, names: Iterator[str]) -> Iterator[str]:
    """Yield the owner's names except the deployer's own, which outlive the deployment."""
    for name in names:
        parts = set(name.split("-"))
        if owner.owns(name) and not parts.intersection(_DEPLOYERS):
            yield name


def _instance_profiles(_: Deployment, owner: Owner) -> Iterator[str]:
    pages = boto3.client("iam").get_paginator("list_instance_profiles").paginate()
    names = (each["InstanceProfileName"] for page in pages for each in page["InstanceProfiles"])
    return (name for name in names if owner.owns(name))


def _clusters(deployment: Deployment, _: Owner) -> Iterator[str]:
    return iter(living_clusters(deployment))


def _named(operation: str, result: str, key: str) -> Callable[[Deployment, Owner], Iterator[str]]:
    """Return a function that lists a kind of EC2 resource by name tag; AWS assigns the ids."""

    def look(deployment: Deployment, owner: Owner) -> Iterator[str]:
        pages = (
            boto3.client("ec2")
            .get_paginator(operation)  # type: ignore[call-overload]
            .paginate(
                Filters=[
                    {"Name": "tag:Name", "Values": [deployment.prefix, f"{deployment.prefix}-*"]}
                ]
            )
        )
        for page in pages:
            for each in page[result]:
                name = _name_tag(each)
                # AWS lists a deleted endpoint for a while.
                if owner.owns(name) and str(each.get("State", "")).lower() != "deleted":
                    yield f"{each[key]} ({name})"

    return look


def _name_tag(resource: dict[str, Any]) -> str:
    return next((tag["Value"] for tag in resource.get("Tags", []) if tag["Key"] == "Name"), "")


def _log_groups(deployment: Deployment, owner: Owner) -> Iterator[str]:
    folder = "/aws/lambda/"
    pages = (
        boto3.client("logs")
        .get_paginator("describe_log_groups")
        .paginate(logGroupNamePrefix=f"{folder}{deployment.prefix}")
    )
    names = (group["logGroupName"] for page in pages for group in page["logGroups"])
    return (name for name in names if owner.owns(name.removeprefix(folder)))


def _alarms(deployment: Deployment, owner: Owner) -> Iterator[str]:
    pages = (
        boto3.client("cloudwatch")
        .get_paginator("describe_alarms")
        .paginate(AlarmNamePrefix=deployment.prefix, AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    )
    for page in pages:
        for alarm in (*page.get("MetricAlarms", []), *page.get("CompositeAlarms", [])):
            if owner.owns(str(alarm["AlarmName"])):
                yield str(alarm["AlarmName"])


def _dashboards(deployment: Deployment, owner: Owner) -> Iterator[str]:
    pages = (
        boto3.client("cloudwatch")
        .get_paginator("list_dashboards")
        .paginate(DashboardNamePrefix=deployment.prefix)
    )
    names = (each["DashboardName"] for page in pages for each in page["DashboardEntries"])
    return (name for name in names if owner.owns(name))


def _rules(deployment: Deployment, owner: Owner) -> Iterator[str]:
    pages = (
        boto3.client("events").get_paginator("list_rules").paginate(NamePrefix=deployment.prefix)
    )
    names = (rule["Name"] for page in pages for rule in page["Rules"])
    return (name for name in names if owner.owns(name))


def _key_aliases(deployment: Deployment, _: Owner) -> Iterator[str]:
    return (f"alias/{deployment.prefix}-disks" for _key in disk_keys(deployment))


def _security_configurations(_: Deployment, owner: Owner) -> Iterator[str]:
    pages = boto3.client("emr").get_paginator("list_security_configurations").paginate()
    names = (each["Name"] for page in pages for each in page["SecurityConfigurations"])
    return (name for name in names if owner.owns(name))


def _distributions(deployment: Deployment, _: Owner) -> Iterator[str]:
    pages = boto3.client("cloudfront").get_paginator("list_distributions").paginate()
    for page in pages:
        for each in page["DistributionList"].get("Items", []):
            if each["Comment"] == f"Site of {deployment.prefix}":
                yield each["Id"]


KINDS: dict[str, Callable[[Deployment, Owner], Iterator[str]]] = {
    "tables": _tables,
    "queues": _queues,
    "topics": _topics,
    "parameters": _parameters,
    "stacks": _stacks,
    "functions": _functions,
    "layers": _layers,
    "event source mappings": _event_sources,
    "APIs": _apis,
    "roles": _roles,
    "policies": _policies,
    "instance profiles": _instance_profiles,
    "clusters": _clusters,
    "networks": _named("describe_vpcs", "Vpcs", "VpcId"),
    "subnets": _named("describe_subnets", "Subnets", "SubnetId"),
    "security groups": _named("describe_security_groups", "SecurityGroups", "GroupId"),
    "internet gateways": _named(
        "describe_internet_gateways", "InternetGateways", "InternetGatewayId"
    ),
    "VPC endpoints": _named("describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId"),
    "log groups": _log_groups,
    "alarms": _alarms,
    "dashboards": _dashboards,
    "rules": _rules,
    "key aliases": _key_aliases,
}
# The local AWS has neither CloudFront nor encrypted disks.
AWS_KINDS: dict[str, Callable[[Deployment, Owner], Iterator[str]]] = {
    "security configurations": _security_configurations,
    "distributions": _distributions,
}
