"""Check that the region offers the EMR release and, in one zone, all instance types."""

from botocore.exceptions import ClientError

from operations.preflight.account import Account
from operations.preflight.needs import Needs
from operations.preflight.result import CheckResult, Level

RELEASE, TYPES, ZONE = "EMR release", "instance types for EMR", "zone"
RELEASES = "https://docs.aws.amazon.com/emr/latest/ReleaseGuide/emr-release-components.html"
_REFUSED = ("InvalidRequestException", "ValidationException")


def check_release(account: Account, needs: Needs) -> CheckResult:
    """Check that the region offers the EMR release."""
    name = RELEASE
    try:
        account.ask("emr", "describe_release_label", ReleaseLabel=needs.release)
    except ClientError as error:
        if error.response["Error"]["Code"] not in _REFUSED:
            raise
        family = needs.release.rpartition("-")[0]
        offered = account.ask("emr", "list_release_labels", Filters={"Prefix": family})
        labels = ", ".join(offered["ReleaseLabels"][:3]) or "none"
        return CheckResult(
            name,
            Level.STOP,
            f"{account.deployment.region} does not offer {needs.release}",
            f"choose another release_label or region (this region offers {labels})",
            RELEASES,
        )
    return CheckResult(name, Level.OK, needs.release)


def check_instance_types(account: Account, needs: Needs) -> CheckResult:
    """Check that the EMR release supports the instance types in this region."""
    name = TYPES
    supported: set[str] = set()
    more: dict[str, str] = {}
    while True:
        answer = account.ask(
            "emr", "list_supported_instance_types", ReleaseLabel=needs.release, **more
        )
        supported |= {each["Type"] for each in answer.get("SupportedInstanceTypes", [])}
        if not answer.get("Marker"):
            break
        more = {"Marker": answer["Marker"]}
    if missing := [kind for kind in needs.node_types if kind not in supported]:
        return CheckResult(
            name,
            Level.STOP,
            f"{needs.release} does not support {', '.join(missing)} in this region",
            "choose other types in primary_instance_type, core_instance_type and instance_fleets:"
            f" 'aws emr list-supported-instance-types --release-label {needs.release}' lists them",
            "https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-supported-instance-types.html",
        )
    return CheckResult(name, Level.OK, ", ".join(needs.node_types))


def check_zone(account: Account, needs: Needs) -> CheckResult:
    """Check that the chosen zone, or any if none is chosen, offers all instance types."""
    name = ZONE
    link = account.console("ec2/home#InstanceTypes:")
    offers = account.pages(
        "ec2",
        "describe_instance_type_offerings",
        "InstanceTypeOfferings",
        LocationType="availability-zone",
        Filters=[{"Name": "instance-type", "Values": needs.node_types}],
    )
    by_zone: dict[str, set[str]] = {}
    for offer in offers:
        by_zone.setdefault(offer["Location"], set()).add(offer["InstanceType"])
    whole = sorted(zone for zone, kinds in by_zone.items() if kinds >= set(needs.node_types))
    kinds = " and ".join(needs.node_types)
    if not whole:
        fix = "choose other instance types or another region"
        return CheckResult(name, Level.STOP, f"no zone of this region offers {kinds}", fix, link)
    if needs.zone and needs.zone not in whole:
        fix = f"set availability_zone to {whole[0]}, or to null"
        return CheckResult(name, Level.STOP, f"{needs.zone} does not offer {kinds}", fix, link)
    return CheckResult(name, Level.OK, f"{needs.zone or ', '.join(whole)} offers {kinds}")
