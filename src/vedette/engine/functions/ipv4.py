"""Functions of IPv4 addresses; a text that is no address gives null (a string result "")."""

from __future__ import annotations

from vedette.engine.addresses import V4_BITS, format_v4, masked, parse_v4
from vedette.engine.catalog import scalar
from vedette.engine.dialect import DuckDbSql
from vedette.engine.fragment import Fragment
from vedette.kql.types import Type

_PRIVATE = tuple(
    (network[0], network[1])
    for network in map(parse_v4, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))
    if network is not None
)  # RFC 1918


def _prefix(given: int | None) -> int | None:
    return given if given is not None and 0 <= given <= V4_BITS else None


@scalar(
    "parse_ipv4(ip: string): long", about="An IPv4 address as a number, after its prefix is applied.",
    page="parse-ipv4-function", kind="row",
)  # fmt: skip
def parse_ipv4(ip: str) -> object:
    found = parse_v4(ip)
    return None if found is None else masked(*found, V4_BITS)


@scalar(
    "parse_ipv4_mask(ip: string, prefix: long): long", page="parse-ipv4-mask-function", kind="row",
    about="An IPv4 address as a number, after the shorter of its own and the given prefix is applied.",
)  # fmt: skip
def parse_ipv4_mask(ip: str, prefix: int) -> object:
    found, given = parse_v4(ip), _prefix(prefix)
    return None if found is None or given is None else masked(found[0], min(found[1], given), V4_BITS)


def compare_v4(left: str, right: str, prefix: int = V4_BITS) -> int | None:
    """-1, 0 or 1: two addresses compared on the bits of the shortest prefix."""
    first, second, given = parse_v4(left), parse_v4(right), _prefix(prefix)
    if first is None or second is None or given is None:
        return None
    shortest = min(first[1], second[1], given)
    a, b = masked(first[0], shortest, V4_BITS), masked(second[0], shortest, V4_BITS)
    return (a > b) - (a < b)


@scalar(
    "ipv4_compare(ip1: string, ip2: string, prefix?: long): long", page="ipv4-compare-function", kind="row",
    about="0 where two IPv4 addresses are equal on the bits of the shortest prefix, else 1 or -1.",
)  # fmt: skip
def ipv4_compare(left: str, right: str, prefix: int = V4_BITS) -> object:
    return compare_v4(left, right, prefix)


@scalar(
    "ipv4_is_match(ip1: string, ip2: string, prefix?: long): bool", page="ipv4-is-match-function", kind="row",
    about="Whether two IPv4 addresses are equal on the bits of the shortest prefix.",
)  # fmt: skip
def ipv4_is_match(left: str, right: str, prefix: int = V4_BITS) -> object:
    order = compare_v4(left, right, prefix)
    return None if order is None else order == 0


def in_range(ip: str, network: str) -> bool | None:
    """Whether an address lies in a network."""
    address, wanted = parse_v4(ip), parse_v4(network)
    if address is None or wanted is None:
        return None
    return masked(masked(*address, V4_BITS), wanted[1], V4_BITS) == masked(*wanted, V4_BITS)


@scalar(
    "ipv4_is_in_range(ip: string, ip_range: string): bool", about="Whether an IPv4 address lies in a network.",
    page="ipv4-is-in-range-function", kind="row",
)  # fmt: skip
def ipv4_is_in_range(ip: str, network: str) -> object:
    return in_range(ip, network)


@scalar(
    "ipv4_is_in_any_range(ip: text, ranges: string...): bool", "ipv4_is_in_any_range(ip: text, ranges: array): bool",
    about="Whether an IPv4 address lies in one of several networks; what is no network is left out.",
    page="ipv4-is-in-any-range-function", kind="row",
)  # fmt: skip
def ipv4_is_in_any_range(ip: str, *ranges: object) -> object:
    if parse_v4(ip) is None:
        return None
    networks = ranges[0] if len(ranges) == 1 and isinstance(ranges[0], list) else ranges
    return any(isinstance(network, str) and in_range(ip, network) for network in networks)


@scalar(
    "ipv4_is_private(ip: string): bool", page="ipv4-is-private-function", kind="row",
    about="Whether an IPv4 address belongs to a private network (RFC 1918).",
)  # fmt: skip
def ipv4_is_private(ip: str) -> object:
    found = parse_v4(ip)
    if found is None:
        return None
    number, prefix = found
    return any(prefix >= bits and masked(number, bits, V4_BITS) == start for start, bits in _PRIVATE)


@scalar(
    "ipv4_netmask_suffix(ip: string): long", about="The prefix length of an IPv4 address; 32 where it has none.",
    page="ipv4-netmask-suffix-function", kind="row",
)  # fmt: skip
def ipv4_netmask_suffix(ip: str) -> object:
    found = parse_v4(ip)
    return None if found is None else found[1]


@scalar(
    "ipv4_range_to_cidr_list(start_ip: string, end_ip: string): dynamic", kind="row",
    about="The networks that together are all addresses from one to another.",
    page="ipv4-range-to-cidr-list-function",
)  # fmt: skip
def ipv4_range_to_cidr_list(start: str, end: str) -> object:
    first, last = parse_v4(start), parse_v4(end)
    if first is None or last is None:
        return None
    at, stop = first[0], last[0]
    networks = []
    while at <= stop:
        # the widest network that starts here and does not reach too far
        free = (at & -at).bit_length() - 1 if at else V4_BITS
        size = min(free, (stop - at + 1).bit_length() - 1)
        networks.append(f"{format_v4(at)}/{V4_BITS - size}")
        at += 1 << size
    return networks


def formatted(ip: object, prefix: int, with_prefix: bool) -> str:
    """An address, a text or a number, with its prefix applied; "" where it is none."""
    if isinstance(ip, str):
        found = parse_v4(ip)
    else:
        found = (ip, V4_BITS) if isinstance(ip, int) and 0 <= ip < 1 << V4_BITS else None
    given = _prefix(prefix)
    if found is None or given is None:
        return ""
    shortest = min(found[1], given)
    return format_v4(masked(found[0], shortest, V4_BITS)) + (f"/{shortest}" if with_prefix else "")


def _format(sql: DuckDbSql, ip: Fragment, prefix: Fragment | None, with_prefix: bool) -> str:
    bits = sql.literal(V4_BITS, Type.LONG) if prefix is None else prefix
    text = sql.row("format_ipv4", formatted, Type.STRING, ip, bits, sql.literal(with_prefix, Type.BOOL))
    return f"coalesce({text}, '')"


@scalar(
    "format_ipv4(ip: string, prefix?: long): string", "format_ipv4(ip: long, prefix?: long): string",
    about="An IPv4 address, a text or a number, as text, after a prefix is applied.", page="format-ipv4-function",
    nulls="total",
)  # fmt: skip
def format_ipv4(sql: DuckDbSql, ip: Fragment, prefix: Fragment | None = None) -> str:
    return _format(sql, ip, prefix, False)


@scalar(
    "format_ipv4_mask(ip: string, prefix?: long): string", "format_ipv4_mask(ip: long, prefix?: long): string",
    about="An IPv4 address with its prefix length, after the prefix is applied.", page="format-ipv4-mask-function",
    nulls="total",
)  # fmt: skip
def format_ipv4_mask(sql: DuckDbSql, ip: Fragment, prefix: Fragment | None = None) -> str:
    return _format(sql, ip, prefix, True)
