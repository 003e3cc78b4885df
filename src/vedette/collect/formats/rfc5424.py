"""The syslog protocol (RFC 5424): header, structured data, message."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from vedette.collect.formats.timestamps import Moments

# Senders have longer names than the RFC allows; what tells the parts of a header apart is the spaces alone.
_HEADER: Final = re.compile(r"1 (\S+) (\S{1,255}) (\S{1,255}) (\S{1,255}) (\S{1,255})(?: (?:(-)(?: |$))?|$)")
_TIME: Final = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)([.,]\d{1,9})?(Z|[+-]\d\d(?::?\d\d)?)?")
# Check Point's `[action:"Accept"; …]` has no name that a space or the bracket ends: it is no structured data, but the message.
_BEGINS: Final = re.compile(r'\[[^\s\]="\[]{1,255}[\s\]]')
_ID: Final = re.compile(r'\[([^\s\]="\[]{1,255})')
# Senders put spaces around the sign that the RFC does not have, and VMware writes values without quotation marks.
_PARAMETER: Final = re.compile(
    r'\s*+([^\s=\]"]{1,255})\s*+=(?:\s*+"([^"\\]*+(?:\\.[^"\\]*+)*+)"|([^\s"\]]++)(?=[\s\]]))\s*+', re.DOTALL
)
_ESCAPE: Final = re.compile(r'\\(["\\\]])')

StructuredData = dict[str, dict[str, str | list[str]]]
"""By element and parameter; the values of a parameter that is there several times, which the RFC allows, are a list."""


class Header(NamedTuple):
    """A message of RFC 5424; None is the nil value. `time` is ISO 8601 text in UTC, `problem` what could not be read, in words."""

    time: str | None
    host: str | None
    app: str | None
    pid: str | None
    message_id: str | None
    data: StructuredData | None
    message: str
    problem: str | None = None


def parse(text: str, moments: Moments) -> Header | str:
    """Reads what follows `<priority>`, from the version on; the reason in words if it has no header of RFC 5424.

    A time and structured data that are not as the RFC says leave the other parts as they are, and the reason in `problem`.
    """
    found = _HEADER.match(text)
    if found is None:
        return "the header of RFC 5424 is not complete"
    stamp, host, app, pid, message_id, no_data = found.groups()
    time = data = problem = None
    if stamp != "-":
        moment = _TIME.fullmatch(stamp)
        time = None if moment is None else moments.iso(*moment.groups())
        if time is None:
            problem = f"'{stamp[:40]}' is not a time of RFC 5424"
    position = found.end()
    if no_data is None and _BEGINS.match(text, position) is not None:
        read = structured_data(text, position)
        if isinstance(read, str):
            problem = f"{problem}; {read}" if problem else read
        else:
            data, position = read
            position += text.startswith(" ", position)
    position += text.startswith(" ", position)  # rsyslog forwards the space that RFC 3164's form has before a message
    message = text[position:]
    return Header(
        time,
        None if host == "-" else host,
        None if app == "-" else app,
        None if pid == "-" else pid,
        None if message_id == "-" else message_id,
        data,
        message[1:] if message.startswith("\ufeff") else message,
        problem,
    )


def structured_data(text: str, position: int) -> tuple[StructuredData, int] | str:
    """Reads the elements that begin there, and where they end; the reason in words if they are not as the RFC says."""
    data: StructuredData = {}
    while found := _ID.match(text, position):
        values = data.setdefault(found[1], {})
        position = found.end()
        while parameter := _PARAMETER.match(text, position):
            name, value, bare = parameter.groups()
            if value is None:
                value = bare
            elif "\\" in value:
                value = _ESCAPE.sub(r"\1", value)
            before = values.get(name)
            if before is None:
                values[name] = value
            else:
                values[name] = [*before, value] if isinstance(before, list) else [before, value]
            position = parameter.end()
        if not text.startswith("]", position):
            return f"the structured data element '{found[1][:40]}' is not closed"
        position += 1
    return (data, position) if data else "the structured data has no name"
