"""Determine what a deployment needs from the account, from the offline plan and the template."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from operations.cost.billed_deployment import BilledDeployment
from operations.planned import Resource
from operations.sam_template import Template


@dataclass(frozen=True)
class Needs:
    """What a deployment needs, to be compared with the account's quotas and the region's offers.

    Attributes:
        release: EMR release label; empty without a cluster.
        nodes: number of on-demand cluster nodes, at most, by instance type. A fleet counts with one
            of its types: all have the same number of processors.
        types: all resource types of the plan and of the SAM template.
        counts: number of planned resources by type.
        zone: the chosen availability zone, if any.
        spend_alarm: lowest threshold of the alarms on the month's spend on texts, in US dollars.
        concurrency: Lambda calls that run at the same time, see `_concurrency`.
        reserved: the functions' reserved concurrency in total.
        spot: number of Spot nodes, at most, by instance type.
        alternatives: further instance types that a node may have.
    """

    release: str
    nodes: Counter[str]
    types: frozenset[str]
    counts: Counter[str]
    zone: str | None
    spend_alarm: float | None
    concurrency: int
    reserved: int
    spot: Counter[str] = field(default_factory=Counter)
    alternatives: frozenset[str] = frozenset()

    @property
    def node_types(self) -> list[str]:
        """Return the instance types that the cluster's nodes may have, sorted."""
        return sorted({*self.nodes, *self.spot, *self.alternatives})


def needs(resources: Iterable[Resource], template: Template, variables: Path) -> Needs:
    """Return what a deployment of these resources and functions needs."""
    planned = BilledDeployment(tuple(resources), template)
    nodes: Counter[str] = Counter()
    spot: Counter[str] = Counter()
    for each in planned.nodes:
        (spot if each.spot else nodes)[each.types[0]] += each.most
    clusters = planned.of_type("aws_emr_cluster")
    spend = [
        float(alarm["threshold"])
        for alarm in planned.of_type("aws_cloudwatch_metric_alarm")
        if alarm.get("metric_name") == "SMSMonthToDateSpentUSD"
    ]
    return Needs(
        release=str(clusters[0]["release_label"]) if clusters else "",
        nodes=nodes,
        types=frozenset(planned.types),
        counts=Counter(resource.type for resource in planned.resources),
        zone=value_in(variables, "availability_zone"),
        spend_alarm=min(spend, default=None),
        concurrency=_concurrency(template),
        reserved=sum(
            int(function.get("ReservedConcurrentExecutions", 0))
            for function in template.functions.values()
        ),
        spot=spot,
        alternatives=frozenset(kind for each in planned.nodes for kind in each.types[1:]),
    )


def _concurrency(template: Template) -> int:
    """Return the number of concurrent calls when all queues are busy and one visitor is there.

    A function with a queue counts with the queue's maximum concurrency. Any other function with
    an event counts once.
    """
    queues = sum(
        int(event.get("ScalingConfig", {}).get("MaximumConcurrency", 1))
        for event in template.events("SQS")
    )
    others = sum(
        any(event["Type"] != "SQS" for event in function.get("Events", {}).values())
        for function in template.functions.values()
    )
    return queues + others


def value_in(variables: Path, name: str) -> str | None:
    """Return the text that a variables file assigns to a variable, or None."""
    if not variables.is_file():
        return None
    found = re.search(rf'^\s*{name}\s*=\s*"([^"]*)"', variables.read_text(), re.MULTILINE)
    return found[1] if found else None
