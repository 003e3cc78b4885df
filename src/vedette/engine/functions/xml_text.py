"""XML read as a dynamic value, by the conversion that Json.NET made common."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vedette.core.deferred import deferred
from vedette.engine.catalog import scalar

if TYPE_CHECKING:
    from xml.parsers import expat
else:
    expat = deferred("xml.parsers.expat")

_MOST_BYTES = 1024 * 1024
_MOST_DEPTH = 200


class _RefusedError(Exception):
    """A text that is not read: it declares entities, or nests too deep."""


@dataclass(slots=True)
class _Element:
    name: str
    attributes: dict[str, str]
    children: dict[str, list[object]] = field(default_factory=dict)
    """Values by name, `#text` among them, in the order of their first appearance."""
    elements: bool = False
    text: list[str] = field(default_factory=list)


class _Reader:
    """Builds the value while the parser calls."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        # the bytes are UTF-8, whatever the declaration says
        self.parser = expat.ParserCreate("utf-8")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters
        self.parser.EntityDeclHandler = self._refuse
        self.open: list[_Element] = []
        self.result: dict[str, object] | None = None

    def _refuse(self, *_: object) -> None:
        # an entity may stand for a text of any size, or for a file
        raise _RefusedError

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self.open) >= _MOST_DEPTH:
            raise _RefusedError
        if self.open:
            self._close_text(self.open[-1])
            self.open[-1].elements = True
        self.open.append(_Element(name, attributes))

    def _characters(self, text: str) -> None:
        if self.open:
            self.open[-1].text.append(text)

    def _close_text(self, element: _Element) -> None:
        text = "".join(element.text)
        element.text.clear()
        if text.strip():
            element.children.setdefault("#text", []).append(text)

    def _end(self, name: str) -> None:
        element = self.open.pop()
        self._close_text(element)
        value = self._value(element)
        if self.open:
            self.open[-1].children.setdefault(name, []).append(value)
        else:
            self.result = {name: value}

    def _value(self, element: _Element) -> object:
        texts = element.children.get("#text")
        if not element.attributes and not element.elements:
            if texts:
                return texts[0]
            # `<e/>` has no value; `<e></e>` holds an empty text
            end = self.parser.CurrentByteIndex
            return None if self.data[end - 2 : end] == b"/>" else ""
        value: dict[str, object] = {f"@{name}": text for name, text in element.attributes.items()}
        for name, values in element.children.items():
            if name == "#text" and element.elements:
                values = [text.strip() if isinstance(text, str) else text for text in values]
            value[name] = values[0] if len(values) == 1 else values
        return value


def parsed_xml(text: str) -> dict[str, object] | None:
    """The value of an XML text; None where it is none, is over 1 MB, nests deeper than 200, or declares entities."""
    data = text.encode("utf-8", "surrogatepass")
    if len(data) > _MOST_BYTES:
        return None
    reader = _Reader(data)
    try:
        reader.parser.Parse(data, True)
    except (expat.ExpatError, _RefusedError, ValueError):
        return None
    return reader.result


scalar(
    "parse_xml(xml_text: text): dynamic",
    about="An XML text as a property bag: @ for attributes, #text for text beside them; null where it is no XML.",
    page="parse-xml-function",
    names="first",
    kind="row",
)(parsed_xml)
