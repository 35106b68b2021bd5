"""Find the settings that save most: apply each to the deployment and price it again."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from operations.cost.bill import node_groups, price
from operations.cost.billed_deployment import BilledDeployment
from operations.planned import Resource

# Savings are compared for a month with this many visitors.
VISITORS = 1000
SHOWN = 3
# Working hours a month: eight on each of 22 days.
_WORKING_HOURS = 8 * 22.0
# The instance type with the least memory for four processors; enough for data of MovieLens's size.
_SMALLER = "c7g.xlarge"
_SMALLER_DISK = 32


@dataclass(frozen=True)
class Knob:
    """A change and the US dollars that it saves in a month with `VISITORS` visitors."""

    change: str
    saves: float


def best_knobs(deployment: BilledDeployment) -> list[Knob]:
    """Return the `SHOWN` changes that save most, each priced alone, largest saving first."""
    now = price(deployment).month(VISITORS)
    knobs = [
        Knob(words, now - price(changed).month(VISITORS)) for words, changed in _changes(deployment)
    ]
    return sorted((knob for knob in knobs if knob.saves > 0), key=lambda knob: -knob.saves)[:SHOWN]


def _changes(deployment: BilledDeployment) -> Iterator[tuple[str, BilledDeployment]]:
    yield (
        f"a cluster of {_WORKING_HOURS:.0f} hours a month (`idle_timeout_minutes`, and a new"
        " cluster each working day; visitors wait while there is none)",
        replace(deployment, cluster_hours=min(_WORKING_HOURS, deployment.cluster_hours)),
    )
    yield (
        "`core_instance_count = 1`",
        _with_cluster(deployment, _each("core_instance_group", instance_count=1)),
    )
    types = {group["instance_type"] for group in node_groups(deployment)}
    if types != {_SMALLER}:
        yield (
            f'`primary_instance_type` and `core_instance_type = "{_SMALLER}"`, half the memory',
            _with_cluster(
                deployment,
                _each("master_instance_group", instance_type=_SMALLER),
                _each("core_instance_group", instance_type=_SMALLER),
            ),
        )
    yield (
        f"`disk_gib = {{ data = {_SMALLER_DISK} }}`",
        _with_cluster(deployment, _small_disks),
    )
    yield "`MetricsEnabled: false` for the API's methods", _without_method_metrics(deployment)
    yield "`Architecture: arm64` for the functions", _on_arm(deployment)


type ResourceChange = Callable[[dict[str, Any]], dict[str, Any]]


def _with_cluster(deployment: BilledDeployment, *changes: ResourceChange) -> BilledDeployment:
    """Return a copy of the deployment with these changes applied to its planned clusters."""

    def changed(resource: Resource) -> Resource:
        values = resource.values
        if resource.type == "aws_emr_cluster":
            for change in changes:
                values = change(values)
        return replace(resource, values=values)

    return replace(deployment, resources=tuple(map(changed, deployment.resources)))


def _each(group: str, **values: Any) -> ResourceChange:
    return lambda cluster: {
        **cluster,
        group: [{**each, **values} for each in cluster.get(group) or []],
    }


def _small_disks(cluster: dict[str, Any]) -> dict[str, Any]:
    def smaller(group: dict[str, Any]) -> dict[str, Any]:
        disks = [
            {**disk, "size": min(int(disk["size"]), _SMALLER_DISK)} for disk in group["ebs_config"]
        ]
        return {**group, "ebs_config": disks}

    groups = ("master_instance_group", "core_instance_group")
    return {**cluster, **{name: list(map(smaller, cluster.get(name) or [])) for name in groups}}


def _without_method_metrics(deployment: BilledDeployment) -> BilledDeployment:
    template = deployment.template
    resources = {
        name: (
            {**each, "Properties": {**each["Properties"], "MethodSettings": []}}
            if each["Type"] == "AWS::Serverless::Api"
            else each
        )
        for name, each in template.resources.items()
    }
    return replace(deployment, template=replace(template, resources=resources))


def _on_arm(deployment: BilledDeployment) -> BilledDeployment:
    template = deployment.template
    parameters = {**template.parameters, "Architecture": "arm64"}
    return replace(deployment, template=replace(template, parameters=parameters))
