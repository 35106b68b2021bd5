"""The input of a bill: Terraform's plan, the SAM template, custom metrics, prices and usage."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from operations.cost.custom_metrics import custom_metrics
from operations.cost.nodes import TASK, Nodes, planned_nodes
from operations.cost.prices import Prices, Usage, load_prices, load_usage
from operations.planned import Resource
from operations.sam_template import Template, load_template

MONTH_HOURS = 730.0  # AWS's convention: 8,760 hours a year / 12


@dataclass(frozen=True)
class BilledDeployment:
    """A deployment and its assumed usage in a month.

    Attributes:
        resources: the resources of Terraform's plan.
        template: the SAM template.
        metrics: custom metrics, as pairs of metric name and function.
        prices: list prices of the region.
        usage: assumptions about usage.
        cluster_hours: hours a month for which the cluster runs.
        other_nodes: nodes to price instead of the planned ones, if any.
        text_parts: parts that a text is billed as, at most `requests.text_message.MAX_PARTS`.
    """

    resources: tuple[Resource, ...]
    template: Template
    metrics: frozenset[tuple[str, str]] = field(default_factory=frozenset)
    prices: Prices = field(default_factory=load_prices)
    usage: Usage = field(default_factory=load_usage)
    cluster_hours: float = MONTH_HOURS
    text_parts: int = 1
    other_nodes: tuple[Nodes, ...] | None = None

    @property
    def nodes(self) -> list[Nodes]:
        """Return the cluster's nodes."""
        if self.other_nodes is not None:
            return list(self.other_nodes)
        return planned_nodes(self.resources)

    def node_hours(self, nodes: Nodes) -> float:
        """Return the hours a month for which nodes run, summed over the nodes."""
        working = min(self.usage["cluster"]["task_hours"], self.cluster_hours)
        extra = (nodes.most - nodes.least) * working if nodes.kind == TASK else 0.0
        return nodes.least * self.cluster_hours + extra

    def of_type(self, *kinds: str) -> list[dict[str, Any]]:
        """Return the values of the planned resources of these types."""
        return [resource.values for resource in self.resources if resource.type in kinds]

    @property
    def types(self) -> set[str]:
        """Return every resource type of the plan and of the template."""
        planned = {resource.type for resource in self.resources}
        return planned | {str(each["Type"]) for each in self.template.resources.values()}


def billed_deployment(
    resources: Iterable[Resource], parameters: dict[str, str], text_parts: int
) -> BilledDeployment:
    """Return a deployment with these resources and parameters, and prices and usage from files."""
    return BilledDeployment(
        tuple(resources),
        load_template(parameters),
        frozenset(custom_metrics()),
        text_parts=text_parts,
    )
