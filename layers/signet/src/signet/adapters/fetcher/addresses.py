"""Which IP addresses may be connected to: our own list.

`ipaddress.is_global` is True for NAT64, IPv4-compatible, multicast and other addresses that lead
inside, and differs between Python versions.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from itertools import zip_longest

_FORBIDDEN_V4 = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
        "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24",
        "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15",
        "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        "168.63.129.16/32",  # another cloud's metadata service, on a public address
    )
)  # fmt: skip
_GLOBAL_V6 = ip_network("2000::/3")
_FORBIDDEN_V6 = tuple(
    ip_network(network)
    for network in (
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20",
    )
)  # fmt: skip


def is_public(text: str) -> bool:
    """Tell whether an address is a host on the public internet, and nothing hides in it.

    Addresses that embed an IPv4 address (mapped, compatible, translated, NAT64, 6to4, Teredo,
    ISATAP) are never public: nobody's provider has one, and what is inside may be anything.
    """
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _FORBIDDEN_V4)
    return _is_public_v6(address)


def _is_public_v6(address: IPv6Address) -> bool:
    if address.scope_id is not None or _is_isatap(address):
        return False
    # Outside of 2000::/3 all is unassigned, local, multicast, or embeds an IPv4 address.
    return address in _GLOBAL_V6 and not any(address in network for network in _FORBIDDEN_V6)


def _is_isatap(address: IPv6Address) -> bool:
    """Tell whether an interface identifier embeds an IPv4 address [RFC 5214 6.1]."""
    return (int(address) >> 32) & 0xFDFF_FFFF == 0x0000_5EFE  # noqa: PLR2004


def is_loopback(text: str) -> bool:
    """Tell whether an address is this machine's, for the local stack."""
    try:
        return ip_address(text.partition("%")[0]).is_loopback
    except ValueError:
        return False


def alternate(addresses: Sequence[str]) -> list[str]:
    """Let the families take turns in the resolver's order [RFC 8305 4].

    Of many IPv6 addresses on a network without IPv6 only every other attempt is then lost.
    """
    first = [text for text in addresses if (":" in text) == (":" in addresses[0])]
    second = [text for text in addresses if text not in first]
    return [text for pair in zip_longest(first, second) for text in pair if text is not None]
