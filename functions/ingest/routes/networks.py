"""Limits per network: they bound what one script can cause, whatever it sends."""

from collections.abc import Sequence
from datetime import datetime

from aws_lambda_powertools.event_handler.router import APIGatewayRouter

from marquee.aws import wiring
from marquee.requests.identity import network_mark
from marquee.requests.limits import Limited
from marquee.serving.networks import network_of
from routes.environment import SETTINGS, secret

limits = wiring.network_limits(SETTINGS)


def take(router: APIGatewayRouter, counted: Sequence[Limited], now: datetime) -> None:
    """Count a call against the limits of its network.

    The address itself is not stored. A mark stands for it, which changes every hour.

    Args:
        router: the router that handles the call.
        counted: the limits to count the call against.
        now: the time of the call.

    Raises:
        TooOftenError: if one of the limits is reached; the call is then not counted.
    """
    address = router.current_event.request_context.identity.source_ip
    mark = network_mark(network_of(address), limits.window_at(now), secret())
    limits.take(mark, counted, now)
