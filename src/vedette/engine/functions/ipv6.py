"""Functions of IPv6 addresses; an IPv4 address counts as the IPv6 address mapped to it."""

from __future__ import annotations

from vedette.engine.addresses import V6_BITS, format_v6, masked, parse_v6
from vedette.engine.catalog import scalar


def _prefix(given: int) -> int | None:
    return given if 0 <= given <= V6_BITS else None


@scalar(
    "parse_ipv6(ip: string): string", page="parse-ipv6-function", kind="row",
    about="An IPv6 or IPv4 address as eight groups of four digits, after its prefix is applied.",
)  # fmt: skip
def parse_ipv6(ip: str) -> object:
    found = parse_v6(ip)
    return None if found is None else format_v6(masked(*found, V6_BITS))


@scalar(
    "parse_ipv6_mask(ip: string, prefix: long): string", page="parse-ipv6-mask-function", kind="row",
    about="An IPv6 or IPv4 address as text, after the shorter of its own and the given prefix is applied.",
)  # fmt: skip
def parse_ipv6_mask(ip: str, prefix: int) -> object:
    found, given = parse_v6(ip), _prefix(prefix)
    return None if found is None or given is None else format_v6(masked(found[0], min(found[1], given), V6_BITS))


def compare_v6(left: str, right: str, prefix: int = V6_BITS) -> int | None:
    """-1, 0 or 1: two addresses compared on the bits of the shortest prefix."""
    first, second, given = parse_v6(left, compatible=True), parse_v6(right, compatible=True), _prefix(prefix)
    if first is None or second is None or given is None:
        return None
    shortest = min(first[1], second[1], given)
    a, b = masked(first[0], shortest, V6_BITS), masked(second[0], shortest, V6_BITS)
    return (a > b) - (a < b)


@scalar(
    "ipv6_compare(ip1: string, ip2: string, prefix?: long): long", page="ipv6-compare-function", kind="row",
    about="0 where two addresses are equal on the bits of the shortest prefix, else 1 or -1.",
)  # fmt: skip
def ipv6_compare(left: str, right: str, prefix: int = V6_BITS) -> object:
    return compare_v6(left, right, prefix)


@scalar(
    "ipv6_is_match(ip1: string, ip2: string, prefix?: long): bool", page="ipv6-is-match-function", kind="row",
    about="Whether two addresses are equal on the bits of the shortest prefix.",
)  # fmt: skip
def ipv6_is_match(left: str, right: str, prefix: int = V6_BITS) -> object:
    order = compare_v6(left, right, prefix)
    return None if order is None else order == 0


def in_range(ip: str, network: str) -> bool | None:
    """Whether an address lies in a network."""
    address, wanted = parse_v6(ip, compatible=True), parse_v6(network, compatible=True)
    if address is None or wanted is None:
        return None
    return masked(masked(*address, V6_BITS), wanted[1], V6_BITS) == masked(*wanted, V6_BITS)


@scalar(
    "ipv6_is_in_range(ip: string, ip_range: string): bool", about="Whether an address lies in a network.",
    page="ipv6-is-in-range-function", kind="row",
)  # fmt: skip
def ipv6_is_in_range(ip: str, network: str) -> object:
    return in_range(ip, network)


@scalar(
    "ipv6_is_in_any_range(ip: text, ranges: string...): bool", "ipv6_is_in_any_range(ip: text, ranges: array): bool",
    about="Whether an address lies in one of several networks; what is no network is left out.",
    page="ipv6-is-in-any-range-function", kind="row",
)  # fmt: skip
def ipv6_is_in_any_range(ip: str, *ranges: object) -> object:
    if parse_v6(ip) is None:
        return None
    networks = ranges[0] if len(ranges) == 1 and isinstance(ranges[0], list) else ranges
    return any(isinstance(network, str) and in_range(ip, network) for network in networks)
