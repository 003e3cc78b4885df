"""Windows events as XML (the event viewer's export, `wevtutil qe`, `Get-WinEvent | ForEach-Object ToXml`, `evtx_dump`), as the JSON
that `windows_events.read` takes.

An event is cut out of its file by its own element, whatever stands around it: a root element or none, declarations, `Record 7`. A
document type, which could define entities, is therefore never seen by the parser.

Source: the event schema of Windows (http://schemas.microsoft.com/win/2004/08/events/event).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple
from xml.etree import ElementTree

from vedette.collect.formats.columns import Unreadable
from vedette.collect.formats.lines import decode

MOST: Final = 16 * 1024 * 1024
"""Bytes that an event may have."""
_TAG: Final = re.compile(rb"<(/?)(?:[\w.-]{1,64}:)?Event(?:\s[^<>]*)?(/?)>")
_NOT_IN_XML: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|&#(?:x0*(?:[0-8bcef]|1[0-9a-f]|fff[ef])|0*(?:[0-8]|1[124-9]|2[0-9]|3[01]));",
    re.IGNORECASE,
)


class XmlEvent(NamedTuple):
    """An event: the line that it begins on, its size, and what it is, or why it cannot be read."""

    line: int
    size: int
    event: dict[str, Any] | Unreadable


def events_in(blocks: Iterable[bytes]) -> Iterator[XmlEvent]:
    """The events of a text. One that is not well-formed, or never ends, is told with the reason."""
    held = b""
    line, begun, depth, scanned = 1, 0, 0, 0
    for block in blocks:
        held += block
        while (tag := _TAG.search(held, scanned)) is not None:
            scanned = tag.end()
            if tag[2]:
                continue
            if not tag[1]:
                if depth == 0:
                    line += held.count(b"\n", begun, tag.start())
                    begun = tag.start()
                depth += 1
            elif depth:
                depth -= 1
                if depth == 0:
                    whole = held[begun : tag.end()]
                    yield XmlEvent(line, len(whole), _event(whole))
                    line += whole.count(b"\n")
                    begun = tag.end()
        if len(held) - begun > MOST:
            if depth:
                yield XmlEvent(line, len(held) - begun, Unreadable(_start(held[begun:]), "the event is too long"))
            line += held.count(b"\n", begun)
            held, begun, depth, scanned = b"", 0, 0, 0
        elif begun:
            held, scanned, begun = held[begun:], max(0, scanned - begun), 0
        last = held.rfind(b"<", scanned)  # its tag may end in the next block
        scanned = len(held) if last < 0 else last
    if depth:
        yield XmlEvent(line, len(held), Unreadable(_start(held), "the file ends within the event"))


def _event(whole: bytes) -> dict[str, Any] | Unreadable:
    text = decode(whole)
    for attempt in (
        text,
        _NOT_IN_XML.sub("\ufffd", text),
    ):  # some programs log control characters, which XML cannot have
        try:
            element = ElementTree.fromstring(attempt)  # noqa: S314  # no document type, so no entities
        except ElementTree.ParseError as error:
            problem = str(error)
            continue
        value = _value(element)
        return {"Event": value if isinstance(value, dict) else {}}
    return Unreadable(_start(whole), f"the event is not XML that can be read: {problem}")


def _start(text: bytes) -> str:
    return decode(text[:65536])


def _value(element: ElementTree.Element) -> Any:
    """An element as JSON: attributes with `@`, children by name (several as a list), text alone or as `#text`; None if it is empty."""
    made: dict[str, Any] = {f"@{_name(name)}": value for name, value in element.attrib.items()}
    for child in element:
        name, value = _name(child.tag), _value(child)
        if name not in made:
            made[name] = value
        elif isinstance(made[name], list):
            made[name].append(value)
        else:
            made[name] = [made[name], value]
    text = element.text or ""
    if len(element):
        return made
    if not made:
        return text or None
    return made | ({"#text": text} if text else {})


def _name(name: str) -> str:
    """A name without its namespace."""
    return name.rpartition("}")[2]
