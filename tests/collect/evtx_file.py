"""Writes small EVTX files: one chunk, records as binary XML without templates.

Source: the format's public description (libevtx): file header, chunk header, records, tokens of binary XML.
"""

from __future__ import annotations

import struct
import xml.etree.ElementTree as ElementTree
import zlib
from collections.abc import Sequence


class _Chunk:
    def __init__(self) -> None:
        self.content = bytearray(512)
        self.names: dict[str, int] = {}

    def name(self, name: str, into: bytearray, start: int) -> None:
        """A name: where it stands, and the name itself where it has not stood before."""
        if name in self.names:
            into += struct.pack("<I", self.names[name])
            return
        position = start + len(into) + 4
        self.names[name] = position
        value = 0
        for letter in name:
            value = (value * 65599 + ord(letter)) & 0xFFFFFFFF
        into += struct.pack("<IIHH", position, 0, value & 0xFFFF, len(name)) + name.encode("utf-16-le") + b"\0\0"

    def element(self, element: ElementTree.Element, into: bytearray, start: int) -> None:
        into += struct.pack("<BI", 0x41 if element.attrib else 0x01, 0)
        self.name(element.tag, into, start)
        if element.attrib:
            size_at = len(into)
            into += struct.pack("<I", 0)
            for number, (name, value) in enumerate(element.attrib.items(), 1):
                into += b"\x06" if number == len(element.attrib) else b"\x46"
                self.name(name, into, start)
                into += struct.pack("<BBH", 0x05, 0x01, len(value)) + value.encode("utf-16-le")
            into[size_at : size_at + 4] = struct.pack("<I", len(into) - size_at - 4)
        into += b"\x02"
        if element.text:
            into += struct.pack("<BBH", 0x05, 0x01, len(element.text)) + element.text.encode("utf-16-le")
        for child in element:
            self.element(child, into, start)
        into += b"\x04"

    def record(self, number: int, xml: str) -> None:
        start = len(self.content) + 24
        body = bytearray(b"\x0f\x01\x01\x00")
        self.element(ElementTree.fromstring(xml), body, start)
        body += b"\0"
        size = 24 + len(body) + 4
        self.content += (
            struct.pack("<IIQQ", 0x00002A2A, size, number, 133_000_000_000_000_000) + body + struct.pack("<I", size)
        )


def evtx(events: Sequence[str]) -> bytes:
    """An EVTX file with these events, each an XML text without namespaces."""
    chunk = _Chunk()
    last = 512
    for number, xml in enumerate(events, 1):
        last = len(chunk.content)
        chunk.record(number, xml)
    free, count = len(chunk.content), len(events)
    content = chunk.content + bytes(65_536 - free)
    content[:128] = struct.pack(
        "<8sQQQQIIII64xII", b"ElfChnk\0", 1, count, 1, count, 128, last, free, zlib.crc32(content[512:free]), 0, 0
    )
    checked = bytes(content[:120]) + bytes(content[128:512])
    content[124:128] = struct.pack("<I", zlib.crc32(checked))
    header = struct.pack("<8sQQQIHHHH76xII", b"ElfFile\0", 0, 0, count + 1, 128, 1, 3, 4096, 1, 0, 0)
    header = header[:124] + struct.pack("<I", zlib.crc32(header[:120]))
    return header + bytes(4096 - len(header)) + bytes(content)
