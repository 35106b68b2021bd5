"""The cluster's nodes in a plan: instance groups, instance fleets and task nodes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from operations.planned import Resource

PRIMARY, CORE, TASK = "primary", "core", "task"
_GROUPS = {"master_instance_group": PRIMARY, "core_instance_group": CORE}
_FLEETS = {"master_instance_fleet": PRIMARY, "core_instance_fleet": CORE}


@dataclass(frozen=True)
class Nodes:
    """The nodes of one kind.

    Attributes:
        kind: PRIMARY, CORE or TASK.
        types: the instance types that a node may have, sorted; one in an instance group.
        least: how many nodes always run.
        most: how many may run; more than `least` only for task nodes.
        data_gb: data disks of one node.
        root_gb: root disk of one node.
        spot: whether EMR buys spare capacity instead of nodes on demand.
    """

    kind: str
    types: tuple[str, ...]
    least: int
    most: int
    data_gb: float
    root_gb: float
    spot: bool = False


def planned_nodes(resources: Iterable[Resource]) -> list[Nodes]:
    """Return the nodes of the planned clusters, task nodes included."""
    resources = list(resources)
    clusters = [each.values for each in resources if each.type == "aws_emr_cluster"]
    found = [nodes for cluster in clusters for nodes in _of_cluster(cluster)]
    policies = [each.values for each in resources if each.type == "aws_emr_managed_scaling_policy"]
    fleets = [each.values for each in resources if each.type == "aws_emr_instance_fleet"]
    if policies and fleets:
        root = _root(clusters[0]) if clusters else 0.0
        found.append(_tasks(fleets[0], policies[0]["compute_limits"][0], root))
    return found


def _of_cluster(cluster: dict[str, Any]) -> Iterator[Nodes]:
    root = _root(cluster)
    for name, kind in _GROUPS.items():
        for group in cluster.get(name) or []:
            count = int(group["instance_count"])
            yield Nodes(kind, (group["instance_type"],), count, count, _data(group), root)
    for name, kind in _FLEETS.items():
        for fleet in cluster.get(name) or []:
            count = int(fleet["target_on_demand_capacity"])
            yield Nodes(kind, _types(fleet), count, count, _fleet_data(fleet), root)


def _tasks(fleet: dict[str, Any], limits: dict[str, Any], root: float) -> Nodes:
    core = int(limits["maximum_core_capacity_units"])
    return Nodes(
        kind=TASK,
        types=_types(fleet),
        least=int(limits["minimum_capacity_units"]) - core,
        most=int(limits["maximum_capacity_units"]) - core,
        data_gb=_fleet_data(fleet),
        root_gb=root,
        spot=int(limits["maximum_ondemand_capacity_units"]) == core,
    )


def _types(fleet: dict[str, Any]) -> tuple[str, ...]:
    return tuple(sorted(each["instance_type"] for each in fleet["instance_type_configs"]))


def _fleet_data(fleet: dict[str, Any]) -> float:
    return max(map(_data, fleet["instance_type_configs"]))


def _data(group: dict[str, Any]) -> float:
    return sum(
        int(disk["size"]) * int(disk["volumes_per_instance"])
        for disk in group.get("ebs_config") or []
    )


def _root(cluster: dict[str, Any]) -> float:
    return float(cluster.get("ebs_root_volume_size") or 0)
