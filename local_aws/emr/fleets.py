"""Instance groups and instance fleets: what EMR accepts, and fleets as EMR describes them.

The rules are those of the EMR API Reference (InstanceFleetConfig, InstanceTypeConfig,
SpotProvisioningSpecification, ComputeLimits) and of the Management Guide, "Create an Amazon EMR
cluster with instance fleets or uniform instance groups".
"""

import itertools
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from local_aws.emr.operations import (
    EmrError,
    LocalCluster,
    Request,
    Response,
    invalid,
    refused,
    timeline,
)

MASTER, CORE, TASK = "MASTER", "CORE", "TASK"
# Instance types of a fleet without and with an allocation strategy.
MAXIMUM_TYPES, MAXIMUM_TYPES_WITH_STRATEGY = 5, 30
SPOT_TIMEOUT_MINUTES = range(5, 1441)
TIMEOUT_ACTIONS = ("SWITCH_TO_ON_DEMAND", "TERMINATE_CLUSTER")
FLEET_UNITS = "InstanceFleetUnits"
ONLY_WHILE_RUNNING = (
    "An instance fleet may only be modified when the cluster is running or waiting."
)

_numbers = itertools.count(1)


@dataclass
class InstanceFleet:
    """One fleet of a cluster, as it was requested, with its present targets."""

    kind: str
    requested: dict[str, Any]
    on_demand: int
    spot: int
    id: str = field(default_factory=lambda: f"if-{next(_numbers):013X}")
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))


def check_instances(instances: Request) -> None:
    """Check the nodes that RunJobFlow requests.

    Raises:
        EmrError: if EMR would not start a cluster with them.
    """
    groups, fleets = instances.get("InstanceGroups") or [], instances.get("InstanceFleets") or []
    if groups and fleets:
        raise refused("Instance fleets and instance groups are mutually exclusive.")
    if len(instances.get("Ec2SubnetIds") or []) > 1 and not fleets:
        raise refused("Multiple Ec2SubnetIds are only allowed with instance fleets.")
    if instances.get("Ec2SubnetIds") and instances.get("Ec2SubnetId"):
        raise refused("Ec2SubnetId and Ec2SubnetIds are mutually exclusive.")
    kinds = Counter(group.get("InstanceRole") for group in groups)
    kinds.update(fleet.get("InstanceFleetType") for fleet in fleets)
    if (groups or fleets) and kinds[MASTER] != 1:
        raise refused("A cluster must have exactly one MASTER instance group or fleet.")
    if kinds[CORE] > 1 or (fleets and kinds[TASK] > 1):
        raise refused("A cluster may have one CORE instance group, and one fleet of each type.")
    for group in groups:
        if group.get("InstanceRole") != TASK and int(group.get("InstanceCount", 0)) < 1:
            raise refused(f"The {group.get('InstanceRole')} group must have at least 1 instance.")
    for fleet in fleets:
        check_fleet(fleet)


def check_fleet(fleet: Request) -> None:
    """Check one fleet of a request.

    Raises:
        EmrError: if EMR would refuse it.
    """
    kind = fleet.get("InstanceFleetType")
    if kind not in (MASTER, CORE, TASK):
        raise refused(f"InstanceFleetType {kind} is none of {MASTER}, {CORE} and {TASK}.")
    on_demand, spot = _targets(fleet)
    if on_demand < 0 or spot < 0 or on_demand + spot == 0:
        raise refused(
            f"The {kind} fleet: at least one of TargetOnDemandCapacity and TargetSpotCapacity "
            "should be greater than 0, and neither less."
        )
    if kind == MASTER and on_demand + spot != 1:
        raise refused("The MASTER fleet must have one instance, either On-Demand or Spot.")
    launch = fleet.get("LaunchSpecifications") or {}
    _check_types(kind, fleet.get("InstanceTypeConfigs") or [], launch)
    if specification := launch.get("SpotSpecification"):
        minutes = specification.get("TimeoutDurationMinutes", 0)
        if minutes not in SPOT_TIMEOUT_MINUTES:
            raise refused(f"TimeoutDurationMinutes must be 5 to 1440, not {minutes}.")
        if specification.get("TimeoutAction") not in TIMEOUT_ACTIONS:
            raise refused(f"TimeoutAction must be one of {', '.join(TIMEOUT_ACTIONS)}.")


def _check_types(kind: str, types: list[Request], launch: Request) -> None:
    strategies = [each for each in launch.values() if each.get("AllocationStrategy")]
    most = MAXIMUM_TYPES_WITH_STRATEGY if strategies else MAXIMUM_TYPES
    if not 1 <= len(types) <= most:
        raise refused(f"The {kind} fleet must have 1 to {most} instance types, not {len(types)}.")
    names = [each.get("InstanceType") for each in types]
    if len(set(names)) < len(names):
        raise refused(f"The {kind} fleet has an instance type twice: {', '.join(map(str, names))}.")
    for each in types:
        weight = each.get("WeightedCapacity", 1)
        if weight < 1 or (kind == MASTER and weight != 1):
            raise refused(f"The {kind} fleet: WeightedCapacity {weight} is not allowed.")
        if each.get("BidPrice") and each.get("BidPriceAsPercentageOfOnDemandPrice"):
            raise refused("BidPrice and BidPriceAsPercentageOfOnDemandPrice exclude each other.")


def check_scaling(policy: Request, *, has_fleets: bool) -> None:
    """Check a managed scaling policy.

    Raises:
        EmrError: if EMR would refuse it for this kind of cluster.
    """
    limits = policy.get("ComputeLimits") or {}
    unit = limits.get("UnitType")
    if (unit == FLEET_UNITS) != has_fleets:
        nodes = "instance fleets" if has_fleets else "instance groups"
        raise refused(f"UnitType {unit} is not allowed for a cluster of {nodes}.")
    least, most = limits.get("MinimumCapacityUnits", 0), limits.get("MaximumCapacityUnits", 0)
    if not 1 <= least <= most:
        raise refused(f"MinimumCapacityUnits must be 1 to MaximumCapacityUnits, not {least}.")
    for name in ("MaximumOnDemandCapacityUnits", "MaximumCoreCapacityUnits"):
        if not 0 <= limits.get(name, 0) <= most:
            raise refused(f"{name} must be 0 to MaximumCapacityUnits, not {limits[name]}.")


def _targets(fleet: Request) -> tuple[int, int]:
    return (
        int(fleet.get("TargetOnDemandCapacity") or 0),
        int(fleet.get("TargetSpotCapacity") or 0),
    )


def requested_fleets(instances: Request) -> list[InstanceFleet]:
    """Return the fleets that RunJobFlow requests; empty for a cluster of instance groups."""
    return [
        InstanceFleet(fleet["InstanceFleetType"], fleet, *_targets(fleet))
        for fleet in instances.get("InstanceFleets") or []
    ]


def as_groups(instances: Request) -> Request:
    """Return the request with groups in place of fleets, for moto, which has no fleets.

    Each group has its fleet's first instance type; the cluster is in the first of its subnets.
    """
    if not instances.get("InstanceFleets"):
        return instances
    changed = {name: each for name, each in instances.items() if name != "InstanceFleets"}
    changed["InstanceGroups"] = [
        {
            "InstanceRole": fleet["InstanceFleetType"],
            "InstanceType": fleet["InstanceTypeConfigs"][0]["InstanceType"],
            "InstanceCount": sum(_targets(fleet)),
        }
        for fleet in instances["InstanceFleets"]
    ]
    if subnets := changed.pop("Ec2SubnetIds", None):
        changed["Ec2SubnetId"] = subnets[0]
    return changed


class Fleets:
    """The fleets of all clusters. Each public method with a request answers one API operation."""

    def __init__(self) -> None:
        self.by_cluster: dict[str, list[InstanceFleet]] = {}

    def of(self, cluster: LocalCluster) -> list[InstanceFleet]:
        """Return a cluster's fleets; empty for a cluster of instance groups."""
        return self.by_cluster.get(cluster.id, [])

    def check_groups(self, cluster: LocalCluster) -> None:
        """Raise EmrError if a cluster has fleets, for an operation on instance groups."""
        if self.of(cluster):
            raise invalid("Instance fleets and instance groups are mutually exclusive.")

    def check_fleets(self, cluster: LocalCluster) -> None:
        """Raise EmrError if a cluster has instance groups, for an operation on fleets."""
        if not self.of(cluster):
            raise invalid("Instance fleets and instance groups are mutually exclusive.")

    def list_fleets(self, cluster: LocalCluster) -> Response:
        """ListInstanceFleets: return a cluster's fleets."""
        self.check_fleets(cluster)
        return {"InstanceFleets": [_described(fleet, cluster) for fleet in self.of(cluster)]}

    def add(self, cluster: LocalCluster, request: Request) -> Response:
        """AddInstanceFleet: add the task fleet, of which a cluster can have one.

        Raises:
            EmrError: if the cluster has no fleets, has a task fleet or does not run.
        """
        self.check_fleets(cluster)
        _check_running(cluster)
        fleet = request["InstanceFleet"]
        check_fleet(fleet)
        if fleet["InstanceFleetType"] != TASK:
            raise refused("Only a TASK instance fleet can be added to a cluster.")
        if any(each.kind == TASK for each in self.of(cluster)):
            raise refused("A cluster can have only one TASK instance fleet; modify that one.")
        added = InstanceFleet(TASK, fleet, *_targets(fleet))
        self.by_cluster[cluster.id].append(added)
        return {"ClusterId": cluster.id, "InstanceFleetId": added.id}

    def modify(self, cluster: LocalCluster, request: Request) -> Response:
        """ModifyInstanceFleet: change a fleet's targets.

        Raises:
            EmrError: if the cluster does not run, or has no such fleet.
        """
        self.check_fleets(cluster)
        _check_running(cluster)
        change = request["InstanceFleet"]
        found = [each for each in self.of(cluster) if each.id == change["InstanceFleetId"]]
        if not found:
            raise invalid(f"Instance fleet id '{change['InstanceFleetId']}' is not valid.")
        (fleet,) = found
        if fleet.kind == MASTER:
            raise refused("The MASTER instance fleet cannot be changed.")
        fleet.on_demand = int(change.get("TargetOnDemandCapacity", fleet.on_demand))
        fleet.spot = int(change.get("TargetSpotCapacity", fleet.spot))
        return {}


def _check_running(cluster: LocalCluster) -> None:
    if cluster.record.state not in ("RUNNING", "WAITING"):
        raise EmrError("InvalidRequestException", ONLY_WHILE_RUNNING)


def _described(fleet: InstanceFleet, cluster: LocalCluster) -> Response:
    """Return a fleet as ListInstanceFleets shows it."""
    state = "RUNNING" if cluster.ready else "TERMINATED" if cluster.ending else "PROVISIONING"
    launch = {
        name: {
            key: each.upper().replace("-", "_") if key == "AllocationStrategy" else each
            for key, each in specification.items()
        }
        for name, specification in (fleet.requested.get("LaunchSpecifications") or {}).items()
    }
    running = (fleet.on_demand, fleet.spot) if cluster.ready else (0, 0)
    return {
        "Id": fleet.id,
        "Name": fleet.requested.get("Name", ""),
        "InstanceFleetType": fleet.kind,
        "Status": {
            "State": state,
            "StateChangeReason": {"Message": ""},
            "Timeline": timeline(CreationDateTime=fleet.created_at, EndDateTime=cluster.ended_at),
        },
        "TargetOnDemandCapacity": fleet.on_demand,
        "TargetSpotCapacity": fleet.spot,
        "ProvisionedOnDemandCapacity": running[0],
        "ProvisionedSpotCapacity": running[1],
        "InstanceTypeSpecifications": [
            _described_type(each) for each in fleet.requested["InstanceTypeConfigs"]
        ],
        **({"LaunchSpecifications": launch} if launch else {}),
    }


def _described_type(requested: Request) -> Response:
    disks = (requested.get("EbsConfiguration") or {}).get("EbsBlockDeviceConfigs") or []
    kept = ("InstanceType", "BidPrice", "BidPriceAsPercentageOfOnDemandPrice")
    return {
        **{name: requested[name] for name in kept if name in requested},
        "WeightedCapacity": requested.get("WeightedCapacity", 1),
        "EbsBlockDevices": [
            {"VolumeSpecification": disk["VolumeSpecification"]}
            for disk in disks
            for _ in range(int(disk.get("VolumesPerInstance", 1)))
        ],
    }
