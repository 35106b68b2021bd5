"""Check the quotas that new accounts exceed: processors, networks, concurrent functions."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from operations.preflight.account import Account
from operations.preflight.needs import Needs
from operations.preflight.result import CheckResult, Level

# Families that share the quota "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances".
_STANDARD = {"a", "c", "d", "h", "i", "im", "is", "m", "r", "t", "z"}
STANDARD_VCPUS = ("ec2", "L-1216C47A")
CONCURRENT_CALLS = ("lambda", "L-B99A9384")
# "All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests", counted in processors as well.
SPOT_VCPUS = ("ec2", "L-34B43A08")
SPOT_PROCESSORS = "Spot processors (vCPUs)"
PROCESSORS, CONCURRENCY = "processors (vCPUs)", "Lambda concurrency"
# EMR tags every node with its cluster's id.
_CLUSTER_TAG = "aws:elasticmapreduce:job-flow-id"
_DESCRIBED_AT_ONCE = 100
# The concurrency that Lambda keeps for functions without a reservation: Lambda Developer Guide,
# "Reserved concurrency".
_UNRESERVED = 100


def quota(account: Account, service: str, code: str) -> float:
    """Return the account's quota, or AWS's default if the account has none of its own."""
    asked = {"ServiceCode": service, "QuotaCode": code}
    try:
        answer = account.ask("service-quotas", "get_service_quota", **asked)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchResourceException":
            raise
        answer = account.ask("service-quotas", "get_aws_default_service_quota", **asked)
    return float(answer["Quota"]["Value"])


def is_standard(kind: str) -> bool:
    """Return whether an instance type counts against the quota of standard instances."""
    family = re.match(r"[a-z]+", kind)
    return bool(family and family[0] in _STANDARD)


def check_vcpus(account: Account, needs: Needs) -> CheckResult:
    """Check that the quota of on-demand processors has room for the cluster.

    The account's other instances count as used, the deployment's running clusters do not. Without
    room for a second cluster, which a replacement needs, the result is a warning.
    """
    name = PROCESSORS
    link = account.quota_page(*STANDARD_VCPUS)
    if other := [kind for kind in needs.node_types if not is_standard(kind)]:
        found = f"{', '.join(other)} count against another quota than standard instances"
        return CheckResult(name, Level.WARNING, found, "check that quota yourself", link)
    limit = quota(account, *STANDARD_VCPUS)
    running, own = _running(account)
    vcpus = _vcpus(account, [*needs.nodes, *running, *own])
    needed, others = _sum(needs.nodes, vcpus), _sum(running, vcpus)
    free = limit - others
    words = f"{needed} of {limit:g} needed, {others} in use by others"
    if needed > free:
        fix = f"request at least {others + needed}, or choose fewer or smaller nodes"
        return CheckResult(name, Level.STOP, words, fix, link)
    if 2 * needed > free:
        fix = f"request {others + 2 * needed} before a new cluster replaces a running one"
        found = f"{words}; no room for a second cluster, which a replacement needs"
        return CheckResult(name, Level.WARNING, found, fix, link)
    return CheckResult(name, Level.OK, words)


def check_spot_vcpus(account: Account, needs: Needs) -> CheckResult:
    """Check that the quota of Spot processors has room for all task nodes.

    Too little is a warning: the cluster runs with fewer task nodes.
    """
    name, link = SPOT_PROCESSORS, account.quota_page(*SPOT_VCPUS)
    if not needs.spot:
        return CheckResult(name, Level.OK, "none needed")
    if other := [kind for kind in needs.spot if not is_standard(kind)]:
        found = f"{', '.join(other)} count against another quota than standard instances"
        return CheckResult(name, Level.WARNING, found, "check that quota yourself", link)
    limit = quota(account, *SPOT_VCPUS)
    needed = _sum(needs.spot, _vcpus(account, needs.spot))
    words = f"{needed} of {limit:g} needed"
    if needed > limit:
        fix = f"request at least {needed}, or lower task_nodes.maximum"
        return CheckResult(name, Level.WARNING, words, fix, link)
    return CheckResult(name, Level.OK, words)


def _running(account: Account) -> tuple[Counter[str], Counter[str]]:
    """Return running on-demand standard instances by type: others, then the deployment's."""
    ours = set(account_clusters(account))
    others: Counter[str] = Counter()
    own: Counter[str] = Counter()
    states = [{"Name": "instance-state-name", "Values": ["pending", "running"]}]
    for reservation in account.pages("ec2", "describe_instances", "Reservations", Filters=states):
        for instance in reservation["Instances"]:
            kind = instance["InstanceType"]
            if instance.get("InstanceLifecycle") == "spot" or not is_standard(kind):
                continue
            (own if _tags(instance).get(_CLUSTER_TAG) in ours else others)[kind] += 1
    return others, own


def account_clusters(account: Account) -> list[str]:
    """Return the ids of the deployment's clusters that have not ended."""
    clusters = account.pages(
        "emr",
        "list_clusters",
        "Clusters",
        ClusterStates=["STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING"],
    )
    return [each["Id"] for each in clusters if each["Name"] == account.deployment.prefix]


def _tags(tagged: dict[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tagged.get("Tags", [])}


def _vcpus(account: Account, kinds: Iterable[str]) -> dict[str, int]:
    """Return the number of processors of each instance type."""
    wanted = sorted(set(kinds))
    found: dict[str, int] = {}
    for start in range(0, len(wanted), _DESCRIBED_AT_ONCE):
        answer = account.ask(
            "ec2",
            "describe_instance_types",
            InstanceTypes=wanted[start : start + _DESCRIBED_AT_ONCE],
        )
        for each in answer["InstanceTypes"]:
            found[each["InstanceType"]] = each["VCpuInfo"]["DefaultVCpus"]
    return found


def _sum(instances: Counter[str], vcpus: dict[str, int]) -> int:
    return sum(count * vcpus[kind] for kind, count in instances.items())


@dataclass(frozen=True)
class QuotaKind:
    """A kind of resource with a quota.

    Attributes:
        name: the name in the results.
        quota: service and quota code of Service Quotas.
        type: Terraform's resource type.
        call: the boto3 method of EC2 that lists the resources.
        key: where that method's response has the list.
    """

    name: str
    quota: tuple[str, str]
    type: str
    call: str
    key: str


VPCS = QuotaKind("VPCs", ("vpc", "L-F678F1CE"), "aws_vpc", "describe_vpcs", "Vpcs")
INTERNET_GATEWAYS = QuotaKind(
    "internet gateways",
    ("vpc", "L-A4707A72"),
    "aws_internet_gateway",
    "describe_internet_gateways",
    "InternetGateways",
)
ELASTIC_IPS = QuotaKind(
    "Elastic IP addresses", ("ec2", "L-0263D0A3"), "aws_eip", "describe_addresses", "Addresses"
)


def check_room(account: Account, needs: Needs, kind: QuotaKind) -> CheckResult:
    """Check that a quota has room for the planned resources that do not exist yet."""
    planned = needs.counts[kind.type]
    if not planned:
        return CheckResult(kind.name, Level.OK, "none needed")
    limit = quota(account, *kind.quota)
    there = account.pages("ec2", kind.call, kind.key)
    own = sum(_tags(each).get("Name") == account.deployment.prefix for each in there)
    more = max(planned - own, 0)
    words = f"{more} more needed, {len(there)} of {limit:g} in use"
    if len(there) + more > limit:
        fix = f"delete one that is not used, or request at least {len(there) + more}"
        return CheckResult(kind.name, Level.STOP, words, fix, account.quota_page(*kind.quota))
    return CheckResult(kind.name, Level.OK, words)


def check_concurrency(account: Account, needs: Needs) -> CheckResult:
    """Check that Lambda's concurrency suffices for the queues, the API and the reservations.

    Too little for the reservations is a stop, too little for bursts of visitors a warning.
    """
    name, link = CONCURRENCY, account.quota_page(*CONCURRENT_CALLS)
    limits = account.ask("lambda", "get_account_settings")["AccountLimit"]
    limit = int(limits["ConcurrentExecutions"])
    free = int(limits["UnreservedConcurrentExecutions"])
    if needs.reserved and free - needs.reserved < _UNRESERVED:
        found = f"the functions reserve {needs.reserved}, but only {free} of {limit} are free"
        fix = f"request at least {needs.reserved + _UNRESERVED - free + limit}"
        return CheckResult(name, Level.STOP, found, fix, link)
    words = f"{needs.concurrency} of {limit} needed, {free} free"
    if needs.concurrency > free:
        found = f"{words}: bursts of visitors would be throttled"
        return CheckResult(name, Level.WARNING, found, "request 1000, AWS's usual limit", link)
    return CheckResult(name, Level.OK, words)
