"""IPv4 addresses inside texts: the address must stand apart from letters, digits and further octets."""

from __future__ import annotations

import re

from vedette.engine.addresses import parse_v4
from vedette.engine.catalog import scalar

_CANDIDATE = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?!\w|\.\d)", re.ASCII)
_PREFIX = re.compile(r"(?:\d{1,3}\.){1,3}", re.ASCII)


def _addresses(text: str) -> set[str]:
    return {found for found in _CANDIDATE.findall(text) if parse_v4(found) is not None}


def _flat(values: tuple[object, ...]) -> list[str]:
    given = values[0] if len(values) == 1 and isinstance(values[0], list) else values
    return [value for value in given if isinstance(value, str)]


def _has_any(text: str, wanted: list[str]) -> bool:
    known = {number for number in map(parse_v4, wanted) if number is not None and number[1] == 32}
    return bool(known) and any(parse_v4(found) in known for found in _addresses(text))


def _has_any_prefix(text: str, wanted: list[str]) -> bool:
    whole = [prefix for prefix in wanted if parse_v4(prefix) is not None]
    starts = tuple(prefix for prefix in wanted if _PREFIX.fullmatch(prefix))
    if whole and _has_any(text, whole):
        return True
    return bool(starts) and any(found.startswith(starts) for found in _addresses(text))


@scalar(
    "has_ipv4(source: text, ip: string): bool", about="Whether an IPv4 address stands in a text.",
    page="has-ipv4-function", kind="row",
)  # fmt: skip
def has_ipv4(source: str, ip: str) -> object:
    return _has_any(source, [ip])


@scalar(
    "has_any_ipv4(source: text, ips: string...): bool", "has_any_ipv4(source: text, ips: array): bool",
    about="Whether any of several IPv4 addresses stands in a text.", page="has-any-ipv4-function", kind="row",
)  # fmt: skip
def has_any_ipv4(source: str, *ips: object) -> object:
    return _has_any(source, _flat(ips))


@scalar(
    "has_ipv4_prefix(source: text, ip_prefix: string): bool", page="has-ipv4-prefix-function", kind="row",
    about="Whether an IPv4 address that starts with a prefix (octets up to a point, such as `10.1.`) stands in a text.",
)  # fmt: skip
def has_ipv4_prefix(source: str, prefix: str) -> object:
    return _has_any_prefix(source, [prefix])


@scalar(
    "has_any_ipv4_prefix(source: text, ip_prefixes: string...): bool",
    "has_any_ipv4_prefix(source: text, ip_prefixes: array): bool",
    about="Whether an IPv4 address that starts with any of several prefixes stands in a text.",
    page="has-any-ipv4-prefix-function",
    kind="row",
)
def has_any_ipv4_prefix(source: str, *prefixes: object) -> object:
    return _has_any_prefix(source, _flat(prefixes))
