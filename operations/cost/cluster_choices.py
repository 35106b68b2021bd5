"""Price the same deployment with other clusters, side by side with the planned one."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from operations.cost.bill import price
from operations.cost.billed_deployment import BilledDeployment
from operations.cost.nodes import CORE, PRIMARY, TASK, Nodes

# Nodes that each of the larger clusters has besides the planned ones.
MORE = 2


@dataclass(frozen=True)
class ClusterChoice:
    """A cluster, and what the whole deployment costs with it.

    Attributes:
        cluster: the cluster in words, with the settings that make it.
        idle: US dollars a month without visitors.
        month: US dollars a month with 1,000 visitors.
    """

    cluster: str
    idle: float
    month: float


def cluster_choices(deployment: BilledDeployment) -> list[ClusterChoice]:
    """Return the planned cluster and the others; empty without a cluster."""
    return [
        ClusterChoice(words, bill.idle, bill.month(1000))
        for words, nodes in _clusters(deployment)
        for bill in [price(replace(deployment, other_nodes=tuple(nodes)))]
    ]


def _clusters(deployment: BilledDeployment) -> Iterator[tuple[str, list[Nodes]]]:
    planned = deployment.nodes
    primary = [each for each in planned if each.kind == PRIMARY]
    core = [each for each in planned if each.kind == CORE]
    if not primary:
        return
    hours = f"{deployment.usage['cluster']['task_hours']:g} hours a month"
    yield "as planned", planned
    if core or len(planned) > len(primary):
        yield "one node (`core_instance_count = 0`)", primary
    if not core:
        return
    (workers,) = core
    fixed = primary + core
    more = replace(workers, least=workers.least + MORE, most=workers.most + MORE)
    yield f"{MORE} more core nodes (`core_instance_count = {more.least}`)", [*primary, more]
    task = replace(workers, kind=TASK, least=0, most=MORE)
    settings = f"`task_nodes = {{ maximum = {MORE}"
    yield (
        f'{MORE} task nodes on demand for {hours} ({settings}, market = "on_demand" }}`)',
        [*fixed, task],
    )
    yield (
        f"{MORE} task nodes on Spot for {hours} ({settings} }}`)",
        [*fixed, replace(task, spot=True)],
    )


def choice_as_json(choice: ClusterChoice) -> dict[str, Any]:
    """Return a choice as a JSON object."""
    return {
        "cluster": choice.cluster,
        "idle_usd_month": round(choice.idle, 2),
        "usd_month_1000_visitors": round(choice.month, 2),
    }
