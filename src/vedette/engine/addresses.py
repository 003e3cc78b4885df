"""IP addresses as KQL reads them: a text with or without a prefix length, as a number and the bits that count."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

from vedette.core.deferred import deferred

if TYPE_CHECKING:
    import ipaddress
else:
    ipaddress = deferred("ipaddress")

V4_BITS = 32
V6_BITS = 128
_V4 = re.compile(r"(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})", re.ASCII)
_MAPPED = 0xFFFF << 32


def masked(number: int, prefix: int, bits: int) -> int:
    """A number with all bits after the prefix cleared."""
    return number >> (bits - prefix) << (bits - prefix) if prefix else 0


def _split(text: str, bits: int) -> tuple[str, int] | None:
    address, slash, prefix = text.strip().partition("/")
    if not slash:
        return address, bits
    if not (prefix.isascii() and prefix.isdigit()) or int(prefix) > bits:
        return None
    return address, int(prefix)


def _dotted(text: str) -> int | None:
    found = _V4.fullmatch(text)
    if found is None:
        return None
    number = 0
    for octet in found.groups():
        if int(octet) > 255:
            return None
        number = number << 8 | int(octet)
    return number


@functools.lru_cache(maxsize=4096)
def parse_v4(text: str) -> tuple[int, int] | None:
    """An IPv4 address and its prefix length (32 where none is written); None where the text is no address."""
    parts = _split(text, V4_BITS)
    number = _dotted(parts[0]) if parts else None
    return None if parts is None or number is None else (number, parts[1])


@functools.lru_cache(maxsize=4096)
def parse_v6(text: str, *, compatible: bool = False) -> tuple[int, int] | None:
    """An IPv6 address and its prefix length; an IPv4 address is read as the one mapped to it (RFC 4291, 2.5.5.2).

    With `compatible`, `::1.2.3.4` counts as that IPv4 address as well. A prefix of an address written with dots is
    of IPv4.
    """
    plain = parse_v4(text)
    if plain is not None:
        return _MAPPED | plain[0], V6_BITS - V4_BITS + plain[1]
    has_dots = "." in text
    parts = _split(text, V4_BITS if has_dots else V6_BITS)
    if parts is None:
        return None
    address, prefix = parts[0].partition("%")[0], parts[1]
    if has_dots:
        head, _, tail = address.rpartition(":")
        low = _dotted(tail)
        if low is None or not head:
            return None
        address = f"{head}:{low >> 16:x}:{low & 0xFFFF:x}"
        prefix += V6_BITS - V4_BITS
    try:
        number = int(ipaddress.IPv6Address(address))
    except ValueError:
        return None
    if compatible and has_dots and number >> 32 == 0:
        number |= _MAPPED
    return number, prefix


def format_v4(number: int) -> str:
    """A number as four decimal octets."""
    return ".".join(str(number >> shift & 255) for shift in (24, 16, 8, 0))


def format_v6(number: int) -> str:
    """A number as eight groups of four hexadecimal digits."""
    digits = f"{number:032x}"
    return ":".join(digits[place : place + 4] for place in range(0, 32, 4))
