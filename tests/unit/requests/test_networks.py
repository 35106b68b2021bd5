"""The network of a call, and the mark that stands for it in limits."""

import pytest

from marquee.requests.identity import network_mark
from marquee.requests.networks import network_of

HOUR, NEXT_HOUR = "2026-11-24T12:00Z", "2026-11-24T13:00Z"


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("not an address", "not an address"),
    ],
)
def test_a_network_is_the_address_range_of_one_subscriber(address: str, network: str) -> None:
    assert network_of(address) == network


def test_the_mark_of_a_network_depends_on_network_hour_and_secret() -> None:
    marks = {
        network_mark(network, hour, secret)
        for network in ("203.0.113.7", "203.0.113.8")
        for hour in (HOUR, NEXT_HOUR)
        for secret in ("secret", "other secret")
    }
    assert len(marks) == 8
