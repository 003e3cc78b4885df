"""IP addresses as texts: they agree with Python's own reading of them."""

from __future__ import annotations

import ipaddress

from hypothesis import given
from hypothesis import strategies as st

from vedette.engine.addresses import V4_BITS, V6_BITS, format_v4, format_v6, masked, parse_v4, parse_v6
from vedette.engine.functions.ipv4 import ipv4_range_to_cidr_list

V4 = st.integers(0, 2**32 - 1)
V6 = st.integers(0, 2**128 - 1)


@given(V4, st.integers(0, 32))
def test_ipv4_with_a_prefix(number: int, prefix: int) -> None:
    text = f"{format_v4(number)}/{prefix}"
    assert parse_v4(text) == (number, prefix)
    network = ipaddress.ip_network(text, strict=False)
    assert masked(number, prefix, V4_BITS) == int(network.network_address)


@given(V6, st.integers(0, 128))
def test_ipv6_in_every_spelling(number: int, prefix: int) -> None:
    address = ipaddress.IPv6Address(number)
    for spelling in (address.compressed, address.exploded, address.exploded.upper(), format_v6(number)):
        assert parse_v6(f"{spelling}/{prefix}") == (number, prefix)
    network = ipaddress.ip_network(f"{address}/{prefix}", strict=False)
    assert masked(number, prefix, V6_BITS) == int(network.network_address)


@given(st.text(max_size=30))
def test_no_text_raises(text: str) -> None:
    parse_v4(text)
    parse_v6(text)


@given(V4, V4)
def test_networks_of_a_range_are_the_fewest_that_cover_it(one: int, other: int) -> None:
    first, last = min(one, other), max(one, other)
    made = ipv4_range_to_cidr_list(format_v4(first), format_v4(last))
    wanted = ipaddress.summarize_address_range(ipaddress.IPv4Address(first), ipaddress.IPv4Address(last))
    assert made == [str(network) for network in wanted]
