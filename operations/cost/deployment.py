"""All that a bill is counted from: the plan, the template, the metrics, and how much is used."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from operations.cost.custom_metrics import custom_metrics
from operations.cost.prices import Prices, Usage, load_prices, load_usage
from operations.cost.template import Template, load_template
from operations.planned import Resource

MONTH_HOURS = 730.0  # AWS's own month: 8,760 hours a year / 12


@dataclass(frozen=True)
class Deployment:
    """One deployment and a month of its use."""

    resources: tuple[Resource, ...]
    template: Template
    metrics: frozenset[tuple[str, str]] = field(default_factory=frozenset)
    prices: Prices = field(default_factory=load_prices)
    usage: Usage = field(default_factory=load_usage)
    cluster_hours: float = MONTH_HOURS
    # Parts that a text is billed as; the message never takes more than marquee.text.MAX_PARTS.
    text_parts: int = 1

    def of_type(self, *kinds: str) -> list[dict[str, Any]]:
        """Return the values of the planned resources of these types."""
        return [resource.values for resource in self.resources if resource.type in kinds]

    @property
    def types(self) -> set[str]:
        """Return every resource type of the plan and of the template."""
        planned = {resource.type for resource in self.resources}
        return planned | {str(each["Type"]) for each in self.template.resources.values()}


def deployment(
    resources: Iterable[Resource], parameters: dict[str, str], text_parts: int
) -> Deployment:
    """Return a deployment of these resources and template parameters, with the files' prices."""
    return Deployment(
        tuple(resources),
        load_template(parameters),
        frozenset(custom_metrics()),
        text_parts=text_parts,
    )
