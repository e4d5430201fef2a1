"""Which addresses may be connected to (RP-075, RP-076)."""

import pytest

from signet.adapters.fetcher.addresses import alternate, is_loopback, is_public

FORBIDDEN_V4 = {
    "0.0.0.0": "this host",  # noqa: S104  (nothing is bound to it)
    "0.1.2.3": "this network",
    "10.0.0.1": "private",
    "10.255.255.255": "private",
    "100.64.0.1": "carrier-grade NAT",
    "100.100.100.200": "another cloud's metadata",
    "100.127.255.255": "carrier-grade NAT",
    "127.0.0.1": "loopback",
    "127.255.255.255": "loopback",
    "168.63.129.16": "another cloud's metadata, on a public address",
    "169.254.169.254": "instance metadata",
    "169.254.170.2": "container credentials",
    "169.254.170.23": "pod credentials",
    "172.16.0.1": "private",
    "172.31.255.255": "private",
    "192.0.0.1": "protocol assignments",
    "192.0.0.192": "another cloud's metadata",
    "192.0.2.1": "documentation",
    "192.31.196.1": "AS112",
    "192.52.193.1": "AMT",
    "192.88.99.1": "6to4 relays",
    "192.168.0.1": "private",
    "192.175.48.1": "AS112",
    "198.18.0.1": "benchmarking",
    "198.19.255.255": "benchmarking",
    "198.51.100.1": "documentation",
    "203.0.113.1": "documentation",
    "224.0.0.1": "multicast",
    "239.255.255.255": "multicast",
    "240.0.0.1": "reserved",
    "255.255.255.255": "broadcast",
}

PUBLIC_V4 = (
    "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0",
    "126.255.255.255", "128.0.0.1", "168.63.129.15", "168.63.129.17", "169.253.255.255",
    "169.255.0.0", "172.15.255.255", "172.32.0.0", "191.255.255.255", "192.0.1.1",
    "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255",
)  # fmt: skip

FORBIDDEN_V6 = {
    "::": "unspecified",
    "::1": "loopback",
    "::2": "compatible",
    "64:ff9b:1::a9fe:a9fe": "local NAT64",
    "64:ff9b:1:2:3:4:5:6": "local NAT64",
    "100::1": "discard",
    "2001::1": "protocol assignments",
    "2001:2::1": "benchmarking",
    "2001:3::1": "AMT",
    "2001:4:112::1": "AS112",
    "2001:10::1": "ORCHID",
    "2001:20::1": "ORCHID",
    "2001:db8::1": "documentation",
    "2620:4f:8000::1": "AS112",
    "3fff::1": "documentation",
    "3fff:fff:ffff::1": "documentation",
    "4000::1": "unassigned",
    "5f00::1": "segment routing",
    "fc00::1": "unique local",
    "fd00:ec2::254": "instance metadata",
    "fe80::1": "link-local",
    "fe80::1%eth0": "link-local",
    "fec0::1": "site-local",
    "feff::1": "site-local",
    "ff02::1": "multicast",
    "ff0e::1": "multicast of global scope",
    "2606:4700:4700::1111%eth0": "a zone, which no public address has",
}

PUBLIC_V6 = (
    "2001:200::1", "2001:4860:4860::8888", "2003::1", "2400:cb00::1", "2606:4700:4700::1111",
    "2620:4f:7fff::1", "2620:4f:8001::1", "2a00:1450:4001::1", "3ffe::1",
    "2606:4700:4700::5eff:0:1",
)  # fmt: skip

EMBEDDINGS = {
    "mapped": "::ffff:{dotted}",
    "mapped, in hex": "::ffff:{high:x}:{low:x}",
    "compatible": "::{high:x}:{low:x}",
    "translated": "::ffff:0:{dotted}",
    "NAT64": "64:ff9b::{high:x}:{low:x}",
    "local NAT64": "64:ff9b:1::{high:x}:{low:x}",
    "6to4": "2002:{high:x}:{low:x}::1",
    "Teredo server": "2001:0:{high:x}:{low:x}::1",
    "Teredo client": "2001:0:101:101:0:0:{flipped_high:x}:{flipped_low:x}",
    "ISATAP": "2606:4700::5efe:{dotted}",
    "ISATAP, universal bit": "2606:4700::200:5efe:{dotted}",
}


def embedded(form: str, dotted: str) -> str:
    octets = [int(part) for part in dotted.split(".")]
    high, low = octets[0] << 8 | octets[1], octets[2] << 8 | octets[3]
    return EMBEDDINGS[form].format(
        dotted=dotted, high=high, low=low, flipped_high=high ^ 0xFFFF, flipped_low=low ^ 0xFFFF
    )


@pytest.mark.parametrize("address", FORBIDDEN_V4)
def test_an_ipv4_address_that_leads_inside_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", FORBIDDEN_V6)
def test_an_ipv6_address_that_leads_inside_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC_V4 + PUBLIC_V6)
def test_a_public_address_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("form", EMBEDDINGS)
@pytest.mark.parametrize("address", [*FORBIDDEN_V4, "1.1.1.1"])
def test_an_address_that_embeds_an_ipv4_address_is_not_public(form: str, address: str) -> None:
    assert not is_public(embedded(form, address))


@pytest.mark.parametrize(
    "text",
    ["", "idp.example", "127.1", "2130706433", "0x7f.1", "010.1.1.1", "1.1.1.1%eth0", "1.1.1.1 "],
)
def test_what_is_no_address_is_not_public(text: str) -> None:
    assert not is_public(text)


@pytest.mark.parametrize("text", ["127.0.0.1", "127.9.9.9", "::1"])
def test_loopback_is_loopback(text: str) -> None:
    assert is_loopback(text)


@pytest.mark.parametrize("text", ["128.0.0.1", "10.0.0.1", "0.0.0.0", "::", "::2", "localhost"])  # noqa: S104  (nothing is bound to it)
def test_other_addresses_are_not_loopback(text: str) -> None:
    assert not is_loopback(text)


def test_families_take_turns_and_nothing_is_lost() -> None:
    assert alternate(["2606::1", "2606::2", "2606::3", "1.1.1.1", "1.1.1.2"]) == [
        "2606::1", "1.1.1.1", "2606::2", "1.1.1.2", "2606::3",
    ]  # fmt: skip
    assert alternate(["1.1.1.1", "1.1.1.2", "2606::1"]) == ["1.1.1.1", "2606::1", "1.1.1.2"]
    assert alternate(["1.1.1.1", "1.1.1.2"]) == ["1.1.1.1", "1.1.1.2"]
