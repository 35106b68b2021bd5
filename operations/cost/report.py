"""Report a deployment's cost on the console, as Markdown and as JSON."""

from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from marquee.requests.text_message import MAX_PARTS
from operations import sam
from operations.console import out, show_table
from operations.cost.bill import BillRow, price
from operations.cost.billed_deployment import BilledDeployment, billed_deployment
from operations.cost.cluster_choices import ClusterChoice, choice_as_json, cluster_choices
from operations.cost.knobs import VISITORS, Knob, best_knobs
from operations.cost.prices import Prices
from operations.deployment import Deployment
from operations.planned import Resource, plan_offline, read_plan, variables_of

_CHOICE_HEADINGS = ("the same with another cluster", "idle, per month", "with 1,000 visitors")
_HEADINGS = ("what", "counted", "idle, per month", "per 1,000 visitors")


def planned_deployment(deployment: Deployment, plan: Path | None = None) -> BilledDeployment:
    """Return what a deployment's variables and template parameters describe.

    Args:
        deployment: the deployment. The example variables are used if it has no
            variables file, and for the local AWS, which itself costs nothing.
        plan: a Terraform plan as JSON, to price instead of a new plan.
    """
    resources = read_plan(plan) if plan else plan_offline(deployment, variables_of(deployment))
    return counted(deployment, resources)


def counted(deployment: Deployment, resources: list[Resource]) -> BilledDeployment:
    """Return the deployment with these planned resources and its functions."""
    given = {} if deployment.is_local else sam.parameters(deployment, "s3://steps/")
    return billed_deployment(resources, given, MAX_PARTS)


def show_cost(deployment: Deployment, plan: Path | None = None) -> None:
    """Print a deployment's cost table, the best savings and resources without a known price."""
    there = planned_deployment(deployment, plan)
    bill = price(there)
    out.print(_introduction(deployment, plan, there.prices))
    table = Table(*_HEADINGS[:2], box=None, pad_edge=False)
    for heading in _HEADINGS[2:]:
        table.add_column(heading, justify="right")
    for row in bill.rows:
        table.add_row(row.what, row.counted, _money(row.idle), _money(row.thousand))
    table.add_row("[bold]total", "", f"[bold]{bill.idle:.2f}", f"[bold]{bill.thousand:.2f}")
    show_table(table)
    for knob in best_knobs(there):
        out.print(f"  saves {knob.saves:6.2f}: {knob.change}", markup=False)
    choices = Table(_CHOICE_HEADINGS[0], box=None, pad_edge=False)
    for heading in _CHOICE_HEADINGS[1:]:
        choices.add_column(heading, justify="right")
    for choice in cluster_choices(there):
        choices.add_row(escape(choice.cluster), _money(choice.idle), _money(choice.month))
    out.print()
    show_table(choices)
    for name in bill.unpriced:
        out.print(f"[yellow]no price for {name}: add it to operations/prices/[/]")


def cost_as_json(deployment: Deployment, plan: Path | None = None) -> dict[str, Any]:
    """Return the content of `show_cost` as a JSON object."""
    there = planned_deployment(deployment, plan)
    bill = price(there)
    return {
        "environment": deployment.name,
        "prices": {"region": there.prices.region, "dated": there.prices.dated.isoformat()},
        "rows": [
            {
                "what": row.what,
                "counted": row.counted,
                "idle_usd_month": round(row.idle, 4),
                "usd_per_1000_visitors": round(row.thousand, 4),
            }
            for row in bill.rows
        ],
        "idle_usd_month": round(bill.idle, 2),
        "usd_per_1000_visitors": round(bill.thousand, 2),
        "knobs": [
            {"change": each.change, "saves": round(each.saves, 2)} for each in best_knobs(there)
        ],
        "clusters": [choice_as_json(each) for each in cluster_choices(there)],
        "unpriced": list(bill.unpriced),
    }


def as_markdown(there: BilledDeployment) -> str:
    """Return the cost table and the best savings as Markdown."""
    bill = price(there)
    lines = [
        f"US dollars before tax and before any free tier, at the list prices of"
        f" {there.prices.region} on {_day(there.prices)}; a month is 730 hours.",
        "",
        f"| {' | '.join(_HEADINGS)} |",
        "|---|---|--:|--:|",
        *(_markdown_row(row) for row in bill.rows),
        f"| **total** | | **{bill.idle:.2f}** | **{bill.thousand:.2f}** |",
        "",
        f"The largest savings in a month with {VISITORS:,} visitors, each change on its own:",
        "",
        *(f"- {_markdown_knob(knob)}" for knob in best_knobs(there)),
    ]
    if choices := cluster_choices(there):
        lines += [
            "",
            f"| {' | '.join(_CHOICE_HEADINGS)} |",
            "|---|--:|--:|",
            *map(_markdown_choice, choices),
        ]
    return "\n".join(lines) + "\n"


def _markdown_row(row: BillRow) -> str:
    return f"| {row.what} | {row.counted} | {_money(row.idle)} | {_money(row.thousand)} |"


def _markdown_choice(choice: ClusterChoice) -> str:
    return f"| {choice.cluster} | {_money(choice.idle)} | {_money(choice.month)} |"


def _markdown_knob(knob: Knob) -> str:
    return f"**{knob.saves:.2f}**: {knob.change}"


def _money(usd: float) -> str:
    if not usd:
        return ""
    return f"{usd:.2f}" if usd >= 0.005 else "< 0.01"  # noqa: PLR2004  half a cent


def _day(prices: Prices) -> str:
    return f"{prices.dated.day} {prices.dated:%B %Y}"


def _introduction(deployment: Deployment, plan: Path | None, prices: Prices) -> str:
    used = plan or variables_of(deployment)
    words = f"What {used.name} costs, in US dollars before tax and free tiers: list prices of"
    words += f" {prices.region} on {_day(prices)}."
    if deployment.region != prices.region:
        words += f" {deployment.region} has other prices, often 5 to 25 % higher."
    return words + " The assumptions are in operations/prices/usage.toml.\n"
