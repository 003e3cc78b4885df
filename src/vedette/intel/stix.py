"""STIX 2.x objects as they arrive: what every one of them must have, and what is read of an indicator.

https://docs.oasis-open.org/cti/stix/v2.1/: 3.2 common properties, 4.7 indicator, 7.2.1.4 the markings of TLP.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson

from vedette.core.errors import VedetteError
from vedette.intel.pattern import Pattern, read_pattern

INDICATOR: Final = "indicator"
MOST_BYTES: Final = 256 * 1024
"""Bytes of one object as JSON."""
TLP: Final[Mapping[str, str]] = {
    "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9": "White",
    "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da": "Green",
    "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82": "Amber",
    "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed": "Red",
}
_ID: Final = re.compile(r"[a-z0-9][a-z0-9-]{1,249}--[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9-]{1,249}")
_MOMENT: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,12}))?(?:([Zz])|([+-])(\d\d):(\d\d))"
)  # RFC 3339, which STIX 2.11 asks for; other zones than Z come, too


@dataclass(frozen=True, slots=True)
class StixObject:
    """An object that may be kept. `content` is the whole of it; `version` is when it was last modified, None if it does not say."""

    id: str
    type: str
    content: dict[str, Any]
    created: datetime | None
    version: datetime | None
    revoked: bool
    name: str
    pattern: str | None = None
    """Of an indicator: what it is looked for by."""
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    confidence: int | None = None

    @property
    def is_indicator(self) -> bool:
        """Whether it can be found in logs."""
        return self.type == INDICATOR


class InvalidObject(VedetteError):
    """What is wrong with an object: a sentence for each property, as Microsoft's upload API has them."""

    def __init__(self, messages: Iterable[str], target: str | None = None) -> None:
        self.messages = list(messages)
        super().__init__(" ".join(self.messages), code="VDT0902", target=target)


def read_object(given: object, *, need_modified: bool = False) -> StixObject:
    """An object, checked. Raises `InvalidObject`.

    `need_modified`: `created` and `modified` have to be there, as the upload API asks; objects that STIX knows without them
    (markings, observables) are kept where a feed has them.
    """
    if not isinstance(given, Mapping):
        raise InvalidObject(["The object is not a JSON object."])
    read = _Reader(given)
    kind = read.text("type", required=True)
    if kind and not _TYPE.fullmatch(kind):
        read.wrong("type", "It is no type of STIX.", kind)
    identity = read.text("id", required=True)
    if identity and not _ID.fullmatch(identity):
        read.wrong("id", "It is no id of STIX (type--UUID).", identity)
    elif identity and kind and not identity.startswith(f"{kind}--"):
        read.wrong("id", f"It is not that of an object of the type {kind}.", identity)
    timed = need_modified or kind == INDICATOR
    created = read.moment("created", required=timed)
    modified = read.moment("modified", required=timed)
    revoked = read.truth("revoked")
    name = read.text("name")
    pattern, valid_from, valid_until, confidence = None, None, None, None
    if kind == INDICATOR:
        pattern = read.text("pattern", required=True)
        language = read.text("pattern_type", required=need_modified) or "stix"
        valid_from = read.moment("valid_from", required=True)
        valid_until = read.moment("valid_until")
        confidence = read.percent("confidence")
        if valid_from and valid_until and valid_until <= valid_from:
            read.wrong("valid_until", "It is not later than valid_from.", given.get("valid_until"))
        if pattern and language == "stix":
            try:
                read_pattern(pattern)
            except VedetteError as error:
                read.wrong("pattern", error.message, pattern)
    read.check_size()
    if read.messages:
        raise InvalidObject(read.messages, identity or None)
    return StixObject(
        identity,
        kind,
        dict(given),
        created,
        modified or created,
        revoked,
        name,
        pattern or None,
        valid_from,
        valid_until,
        confidence,
    )


def observables_of(content: Mapping[str, Any]) -> Pattern:
    """What an indicator that was read names; nothing where its pattern is in another language than STIX (Sigma, YARA, Snort)."""
    if (content.get("pattern_type") or "stix") != "stix":
        return Pattern((), ())
    return read_pattern(str(content.get("pattern") or ""))


def objects_in(document: object) -> Iterator[object]:
    """The objects of a bundle, of a list, of TAXII's envelope, or the one that it is."""
    if isinstance(document, list):
        for one in document:
            yield from objects_in(one)
    elif isinstance(document, Mapping) and isinstance(document.get("objects"), list):
        yield from document["objects"]
    else:
        yield document


def tlp(content: Mapping[str, Any]) -> str:
    """The level of the traffic light protocol that an object is marked with, or "": White, Green, Amber, Red."""
    marks = content.get("object_marking_refs")
    return next((TLP[one] for one in marks if one in TLP), "") if isinstance(marks, list) else ""


def texts(content: Mapping[str, Any], name: str) -> list[str]:
    """A property that is a list of texts; what is none is left out."""
    held = content.get(name)
    return [one for one in held if isinstance(one, str)] if isinstance(held, list) else []


def read_moment(text: str) -> datetime | None:
    """A timestamp, with microseconds; None if it is none (the 30th of February, for one)."""
    found = _MOMENT.fullmatch(text.strip())
    if found is None:
        return None
    day, time, fraction, _, sign, hours, minutes = found.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{time}").replace(
            tzinfo=UTC, microsecond=int(((fraction or "") + "000000")[:6])
        )
        if sign:
            ahead = timedelta(hours=int(hours), minutes=int(minutes))
            moment = moment - ahead if sign == "+" else moment + ahead
    except (ValueError, OverflowError):
        return None
    return moment


def stix_time(moment: datetime) -> str:
    """A moment as STIX writes it, with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class _Reader:
    """Reads properties and collects what is wrong with them."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._given = given
        self.messages: list[str] = []

    def wrong(self, name: str, why: str, value: object) -> None:
        shown = "NULL" if value is None else str(value)[:200]
        self.messages.append(f"Error for Property={name}: {why} Actual value: {shown}.")

    def text(self, name: str, *, required: bool = False) -> str:
        value = self._given.get(name)
        if value is None or value == "":
            if required:
                self.wrong(name, "Required property is missing.", None)
            return ""
        if not isinstance(value, str):
            self.wrong(name, "It is not a text.", value)
            return ""
        return value

    def moment(self, name: str, *, required: bool = False) -> datetime | None:
        text = self.text(name, required=required)
        found = read_moment(text) if text else None
        if text and found is None:
            self.wrong(name, "It is no timestamp of RFC 3339.", text)
        return found

    def truth(self, name: str) -> bool:
        value = self._given.get(name)
        if value is not None and not isinstance(value, bool):
            self.wrong(name, "It is neither true nor false.", value)
        return value is True

    def percent(self, name: str) -> int | None:
        value = self._given.get(name)
        if value is None:
            return None
        if isinstance(value, str) and value.isascii() and value.isdigit():
            value = int(value)  # Microsoft's template for files writes it so
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 100:
            self.wrong(name, "It is no whole number from 0 to 100.", value)
            return None
        return value

    def check_size(self) -> None:
        """Whether it can be kept and given on: as JSON in UTF-8, with numbers that fit, and not too large."""
        try:
            json.dumps(self._given, allow_nan=False)  # which the quicker one writes as null
            size = len(orjson.dumps(self._given))
        except (TypeError, ValueError, RecursionError):
            self.messages.append("The object cannot be written as JSON.")
            return
        if size > MOST_BYTES:
            self.messages.append(f"The object has {size:,} bytes, and {MOST_BYTES:,} are allowed.")
