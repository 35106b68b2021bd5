"""Show where the seconds of a request went."""

from operations.console import Phases, out, show_table
from operations.deployment import Deployment
from operations.flow import Flow
from operations.waterfall.collect import collect_moments
from operations.waterfall.picture import picture
from operations.waterfall.spans import spans, whole_seconds


def show_waterfall(deployment: Deployment, flow: Flow) -> None:
    """Print the spans of a request that has ended, each with a bar, and their sum."""
    with Phases() as phases, phases.phase("read what was recorded") as phase:
        moments = collect_moments(deployment, flow, phase.detail)
    out.print()
    last = flow.hops[-1].status
    show_table(picture(spans(moments), whole_seconds(moments), f"from form to {last}"))
