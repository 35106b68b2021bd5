"""Derive the network of an API call, for limits per network."""

import ipaddress

_IPV6_SUBSCRIBER_BITS = 64  # of one subscriber's network (RFC 6177; BCP 157)


def network_of(address: str) -> str:
    """Return the network that contains all addresses of one subscriber.

    Args:
        address: the client's IP address, as API Gateway passes it.

    Returns:
        For an IPv4 address, the address itself, also if it is mapped to IPv6. For any other IPv6
        address, its network with a prefix of 64 bits. For text that is not an address, the text
        itself.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed), _IPV6_SUBSCRIBER_BITS), strict=False))
