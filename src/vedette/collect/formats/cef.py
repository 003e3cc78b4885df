"""ArcSight's Common Event Format over any syslog header as rows of the table CommonSecurityLog.

Header: `CEF:version|vendor|product|version|class|name|severity|`, where `\\|` and `\\\\` are escapes. Extension: `key=value` pairs; a
value runs until the last space before the next key with an unescaped `=`; spaces before that one belong to free text, and to nothing
else. `\\=`, `\\\\`, `\\n` and `\\r` are escapes, any other backslash stands for itself (senders do not escape Windows paths). The last of
several values of a key counts. An extension whose first key has spaces before its `=` is of a sender that puts spaces around the sign;
text before the first key belongs to no key, and is kept in the field `ParseProblem`. So is that a header ends early, where pairs follow
its last `|` (SentinelOne's activities).

Sources: the CEF implementation standard; the CommonSecurityLog table of Log Analytics.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from vedette.collect.formats.cef_fields import FIELDS, FREE_TEXT, TEXT_COLUMNS
from vedette.collect.formats.timestamps import Moments

TABLE: Final = "CommonSecurityLog"

_START: Final = re.compile(r"CEF: ?(\d{1,3}(?:\.\d{1,3})?)\|")
_HEADER_FIELD: Final = re.compile(r"([^|\\]*+(?:\\.[^|\\]*+)*+)\|", re.DOTALL)
_HEADER_ESCAPE: Final = re.compile(r"\\([|\\])")
KEY: Final = r"\w[\w.,\-\[\]]*+"
"""A key, as an expression: letters and digits, then also the signs that senders have in names of their own. What begins with such a
sign is no key: `[user=x`, `--user=x`."""
_KEY: Final = re.compile(KEY)
_BEGINS: Final = re.compile(rf" *{KEY}=")
_SPACED: Final = re.compile(rf" ({KEY}) *= *")
_ESCAPE: Final = re.compile(r"\\([=\\nr])")
_ESCAPED: Final = {"=": "=", "\\": "\\", "n": "\n", "r": "\r"}
NUMBER: Final = re.compile(r"-?\d{1,19}", re.ASCII)
_INT: Final = 2**31
HEADER: Final = ("DeviceVendor", "DeviceProduct", "DeviceVersion", "DeviceEventClassID", "Activity", "LogSeverity")
_ACTIONS: Final = {"denied": "Deny", "allowed": "Allow", "blocked": "Block", "dropped": "Drop", "accepted": "Accept"}


class Event(NamedTuple):
    """A CEF event: the version, the six header fields, the extension under the keys that were sent, what it has before them, and what is
    wrong with it in words."""

    version: str
    header: tuple[str, ...]
    extension: dict[str, str]
    loose: str = ""
    problem: str = ""


def find(line: str) -> int:
    """Where `CEF:` begins in a line, or -1: what stands before it is the syslog header."""
    if "CEF:" not in line:
        return -1
    found = _START.search(line)
    return -1 if found is None else found.start()


def parse(text: str, start: int = 0) -> Event | str:
    """Reads an event from its `CEF:` on; the reason in words if it is not one."""
    found = _START.match(text, start)
    if found is None:
        return "the text does not begin with CEF: and a version"
    position, problem = found.end(), ""
    header = text[position:].split("|", 6)
    if len(header) == 7 and "\\|" not in text:
        rest = header.pop()
    else:  # a pipe may be escaped, or there are not six
        header = []
        while len(header) < 6 and (field := _HEADER_FIELD.match(text, position)) is not None:
            header.append(field[1])
            position = field.end()
        if len(header) == 5 and _BEGINS.match(text, position) is None:  # no extension, and no sign at the end either
            header.append(text[position:].rstrip())
            position = len(text)
        if len(header) < 6:
            problem = f"the CEF header has {len(header)} of 6 fields"
            if len(header) < 2 or _BEGINS.match(text, position) is None:
                return problem
            header += [""] * (6 - len(header))
        rest = text[position:]
    if "\\" in text:
        header = [unescaped_header(field) for field in header]
    return Event(found[1], tuple(header), *extension(rest), problem)


def extension(text: str) -> tuple[dict[str, str], str]:
    """The `key=value` pairs of an extension, unescaped, and the text before the first key."""
    text = text.rstrip()
    *pieces, last = text.split("=")
    if pieces and pieces[0][-1:] == " " and _KEY.fullmatch(pieces[0].strip()):
        return _spaced(text), ""
    pairs: dict[str, str] = {}
    loose = "" if pieces else text.strip()
    key, value = None, ""
    for piece in pieces:  # the end of a value, a space, and the next key; or a sign within a value
        head, space, word = piece.rpartition(" ")
        if (space or key is None) and (word.isalnum() or _KEY.fullmatch(word)):
            if key is not None:
                pairs[key] = value + (head.rstrip(" ") if head[-1:] == " " and is_exact(key) else head)
            else:
                loose = (value + head).strip()
            key, value = word, ""
        else:
            value += piece + "="
    if key is not None:
        pairs[key] = value + last
    elif pieces:
        loose = (value + last).strip()
    if "\\" in text:
        pairs = {name: unescaped(value) if "\\" in value else value for name, value in pairs.items()}
    return pairs, loose


def _spaced(text: str) -> dict[str, str]:
    """The pairs of a sender that puts spaces around the sign."""
    _, *found = _SPACED.split(" " + text)
    return {key: unescaped(value.rstrip(" ")) for key, value in zip(found[::2], found[1::2])}


def is_exact(key: str) -> bool:
    """Whether the spaces that a sender has put behind a value of this key are no part of it: numbers, times, addresses, names, actions."""
    return key in FIELDS and key not in FREE_TEXT


def unescaped_header(field: str) -> str:
    """A field of the header without its escapes."""
    return _HEADER_ESCAPE.sub(r"\1", field)


def unescaped(value: str) -> str:
    """A value of the extension without its escapes."""
    return _ESCAPE.sub(_unescape, value)


def _unescape(found: re.Match[str]) -> str:
    return _ESCAPED[found[1]]


def row(
    event: Event, time: str | None, host: str | None, moments: Moments, source: str, collector: str
) -> dict[str, Any]:
    """The row of the table CommonSecurityLog; time (ISO 8601, UTC) and host are those of the syslog header."""
    made: dict[str, Any] = dict(zip(HEADER, event.header))
    made["OriginalLogSeverity"] = event.header[5]
    made["TimeGenerated"] = moments.generated(time)
    made["Computer"] = host or source
    made["CollectorHostName"] = collector
    others = None
    for key, value in event.extension.items():
        if (column := TEXT_COLUMNS.get(key)) is not None:
            made[column] = value
        elif (field := FIELDS.get(key)) is None:
            others = f"{key}={value}" if others is None else f"{others};{key}={value}"
        elif value:
            column, letter, also = field
            if letter in "il" and also is None and value.isdigit() and value.isascii() and len(value) < 19:
                made[column] = int(value)
            else:
                _convert(made, column, letter, also, value, moments)
    if others is not None:
        made["AdditionalExtensions"] = others
    if event.loose or event.problem:
        loose = f"the extension has text that is of no key: {event.loose}" if event.loose else ""
        made["ParseProblem"] = "; ".join(filter(None, (event.problem, loose)))
    if (external := made.get("ExtID")) is not None and NUMBER.fullmatch(external) and abs(int(external)) < _INT:
        made["ExternalID"] = int(external)
    _derive(made)
    return made


def _convert(made: dict[str, Any], column: str, letter: str, also: str | None, value: str, moments: Moments) -> None:
    """Puts a value into its column; one that is not of the column's type stays text, which the store keeps beside the columns."""
    if letter in "il":
        if NUMBER.fullmatch(value):
            number = int(value)
            made[column] = number
            if also is not None and abs(number) < _INT:
                made[also] = number
            return
    elif letter == "r":
        try:
            made[column] = float(value)
            return
        except ValueError:
            pass
    elif (moment := moments.read(value)) is not None:
        made[column] = moment
        return
    made[column] = value


def _derive(made: dict[str, Any]) -> None:
    """Columns that Microsoft's collection derives from others."""
    if (action := made.get("DeviceAction")) is not None:
        made["SimplifiedDeviceAction"] = simplified(action)
    made |= remote(made)


def simplified(action: str) -> str:
    """SimplifiedDeviceAction of a DeviceAction."""
    return _ACTIONS.get(action.lower(), action)


def remote(made: Mapping[str, Any]) -> dict[str, str]:
    """RemoteIP and RemotePort: those of the side that CommunicationDirection says."""
    side = {"0": "Source", "1": "Destination"}.get(made.get("CommunicationDirection", ""))
    found: dict[str, str] = {}
    if side is not None:
        if (address := made.get(f"{side}IP")) is not None:
            found["RemoteIP"] = address
        if (port := made.get(f"{side}Port")) is not None:
            found["RemotePort"] = str(port)
    return found
