"""Indicators that people write: a kind of observable and its value, in place of a pattern of STIX."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from vedette.core.errors import InvalidInput, nearest
from vedette.core.ids import derived_id
from vedette.intel.pattern import Observable, pattern_of
from vedette.intel.stix import INDICATOR, TLP, stix_time

KINDS: Final[Mapping[str, str]] = {
    "ip": "an address or a network", "domain": "a domain name", "url": "a URL", "email": "a mail address",
    "hash": "an MD5, SHA-1, SHA-256 or SHA-512", "file": "the name of a file", "account": "the name an account signs in with",
    "registry-key": "a key of the Windows registry", "mutex": "the name of a mutex",
}  # fmt: skip
"""The kinds that people name, each with what its value is."""
_STIX: Final[Mapping[str, str]] = {
    "ipv4-addr": "ip", "ipv6-addr": "ip", "domain-name": "domain", "email-addr": "email", "user-account": "account",
    "windows-registry-key": "registry-key",
}  # fmt: skip
_KEYS: Final[Mapping[str, str]] = {
    "domain": "domain-name:value", "url": "url:value", "email": "email-addr:value", "file": "file:name",
    "account": "user-account:account_login", "registry-key": "windows-registry-key:key", "mutex": "mutex:name",
}  # fmt: skip
_HASHES: Final[Mapping[int, str]] = {32: "MD5", 40: "'SHA-1'", 64: "'SHA-256'", 128: "'SHA-512'"}
_PATH: Final = re.compile(r"[a-z0-9-]+:[^\s=]+")
_DOMAIN: Final = re.compile(r"(?=.{1,253}$)(?:[^\s./@:]{1,63}\.)+[^\s./@:]{1,63}")
_MOST: Final = 8_000


def observable(kind: str, value: str) -> Observable:
    """The observable of a kind (one of `KINDS`, a type of STIX, or a property: `file:hashes.MD5`). Raises `InvalidInput`."""
    value = value.strip()
    named = kind.strip()
    if not value or len(value) > _MOST:
        raise InvalidInput("The value of an indicator has 1 to 8,000 characters.", code="VDT0903", target="value")
    if _PATH.fullmatch(named):
        return Observable(named, value)
    plain = _STIX.get(named.lower(), named.lower())
    if plain == "ip":
        return _address(value)
    if plain == "hash":
        algorithm = _HASHES.get(len(value))
        if algorithm is None or not re.fullmatch(r"[0-9a-fA-F]+", value):
            raise _not(value, plain)
        return Observable(f"file:hashes.{algorithm}", value.lower())
    if plain not in _KEYS:
        near = nearest(named, [*KINDS, *_STIX])
        raise InvalidInput(
            f"There is no kind of indicator '{named[:80]}'.", code="VDT0903", target="type",
            hint=f"Did you mean '{near}'?" if near else f"Kinds are {', '.join(KINDS)}, and properties of STIX (file:hashes.MD5).",
        )  # fmt: skip
    if plain == "domain":
        value = value.rstrip(".")
        if not _DOMAIN.fullmatch(value):
            raise _not(value, plain)
    elif (plain == "url" and not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", value)) or (
        plain == "email" and "@" not in value[1:-1]
    ):
        raise _not(value, plain)
    return Observable(_KEYS[plain], value)


def content(
    found: Observable, now: datetime, *, name: str = "", description: str = "", confidence: int | None = None,
    valid_from: datetime | None = None, valid_until: datetime | None = None, labels: Sequence[str] = (),
    types: Sequence[str] = (), tlp: str = "", revoked: bool = False, severity: int | None = None, origin: str = "",
) -> dict[str, Any]:  # fmt: skip
    """An indicator of STIX for an observable. Its id is made of what it looks for, so that the same one is the same indicator.

    `origin` tells indicators of one observable apart that are not the same. Raises `InvalidInput` for a level of the traffic light
    protocol that is none.
    """
    pattern = pattern_of(*found)
    made: dict[str, Any] = {
        "type": INDICATOR, "spec_version": "2.1", "id": f"{INDICATOR}--{derived_id(INDICATOR, origin or '-', pattern)}",
        "created": stix_time(now), "modified": stix_time(now), "name": name or found.value, "pattern": pattern,
        "pattern_type": "stix", "pattern_version": "2.1", "valid_from": stix_time(valid_from or now),
    }  # fmt: skip
    if valid_until is not None:
        made["valid_until"] = stix_time(valid_until)
    if description:
        made["description"] = description
    if confidence is not None:
        made["confidence"] = confidence
    if types:
        made["indicator_types"] = list(types)
    if labels:
        made["labels"] = list(labels)
    if tlp:
        marking = next(
            (mark for mark, level in TLP.items() if level.lower() == tlp.strip().lower().removeprefix("tlp:")), None
        )
        if marking is None:
            raise InvalidInput(
                f"'{tlp[:40]}' is none of {', '.join(TLP.values()).lower()}.", code="VDT0903", target="tlp"
            )
        made["object_marking_refs"] = [marking]
    if revoked:
        made["revoked"] = True
    if severity is not None:
        made["severity"] = severity
    return made


def _address(value: str) -> Observable:
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise _not(value, "ip") from None
    key = "ipv4-addr:value" if network.version == 4 else "ipv6-addr:value"
    return Observable(key, str(network.network_address) if network.num_addresses == 1 else str(network))


def _not(value: str, kind: str) -> InvalidInput:
    return InvalidInput(f"'{value[:200]}' is not {KINDS[kind]}.", code="VDT0903", target="value")
