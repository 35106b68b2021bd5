"""Which network a call comes from, as far as limits need to know."""

import ipaddress

_IPV6_SUBSCRIBER_BITS = 64  # what a provider gives to one subscriber (RFC 6177; BCP 157)


def network_of(address: str) -> str:
    """Give what stands for all addresses that one subscriber can send from.

    Args:
        address: an IP address, as API Gateway names the client's.

    Returns:
        An IPv4 address as it is, of an IPv6 address its network of 64 bits; text that is no
        address as it is.
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
