"""Find the settings that save most: apply each to the deployment and price it again."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from operations.cost.bill import price
from operations.cost.billed_deployment import BilledDeployment
from operations.cost.nodes import CORE, Nodes

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
    nodes = deployment.nodes
    core = sum(each.least for each in nodes if each.kind == CORE)
    if core > 1:
        yield "`core_instance_count = 1`", _with(deployment, map(_one_core, nodes))
    if {kind for each in nodes for kind in each.types} != {_SMALLER}:
        smaller = f'`primary_instance_type` and `core_instance_type = "{_SMALLER}"`'
        changed = [replace(each, types=(_SMALLER,)) for each in nodes]
        yield f"{smaller}, half the memory", _with(deployment, changed)
    yield (
        f"`disk_gib = {{ data = {_SMALLER_DISK} }}`",
        _with(
            deployment,
            [replace(each, data_gb=min(each.data_gb, _SMALLER_DISK)) for each in nodes],
        ),
    )
    yield "`MetricsEnabled: false` for the API's methods", _without_method_metrics(deployment)
    yield "`Architecture: arm64` for the functions", _on_arm(deployment)


def _with(deployment: BilledDeployment, nodes: Iterable[Nodes]) -> BilledDeployment:
    """Return a copy of the deployment with these nodes."""
    return replace(deployment, other_nodes=tuple(nodes))


def _one_core(nodes: Nodes) -> Nodes:
    return replace(nodes, least=1, most=1) if nodes.kind == CORE else nodes


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
