"""Well-known text of geometries (OGC 06-103r4) as GeoJSON."""

from __future__ import annotations

import re

from vedette.engine.geo.geojson import valid

_TOKEN = re.compile(r"\s*([A-Za-z]+|[(),]|[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)")
_NAMES = {
    "POINT": "Point", "LINESTRING": "LineString", "POLYGON": "Polygon", "MULTIPOINT": "MultiPoint",
    "MULTILINESTRING": "MultiLineString", "MULTIPOLYGON": "MultiPolygon", "GEOMETRYCOLLECTION": "GeometryCollection",
}  # fmt: skip
_DEPTH = {"LineString": 0, "MultiPoint": 0, "Polygon": 1, "MultiLineString": 1, "MultiPolygon": 2}
"""How many lists stand around the list of positions."""


class _Reader:
    def __init__(self, text: str) -> None:
        self.tokens: list[str] = []
        at = 0
        while at < len(text.rstrip()):
            found = _TOKEN.match(text, at)
            if found is None:
                raise ValueError(text[at:])
            self.tokens.append(found[1])
            at = found.end()
        self.at = 0

    def next(self) -> str:
        if self.at >= len(self.tokens):
            raise ValueError("the text ends too soon")
        self.at += 1
        return self.tokens[self.at - 1]

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def expect(self, token: str) -> None:
        if self.next() != token:
            raise ValueError(f"{token} is missing")

    def listed(self, depth: int) -> list[object]:
        """`(item, item ...)`, whose items are lists themselves or, at depth 0, positions."""
        self.expect("(")
        items: list[object] = []
        while True:
            items.append(self.listed(depth - 1) if depth else self.position())
            if self.next() == ")":
                return items
            self.at -= 1
            self.expect(",")

    def position(self) -> list[float]:
        # a point of a MULTIPOINT may stand in parentheses of its own
        wrapped = self.peek() == "("
        if wrapped:
            self.next()
        longitude, latitude = float(self.next()), float(self.next())
        if wrapped:
            self.expect(")")
        if not valid(longitude, latitude):
            raise ValueError("no place on Earth")
        return [longitude, latitude]

    def geometry(self) -> dict[str, object]:
        kind = _NAMES.get(self.next().upper())
        if kind is None:
            raise ValueError("no geometry")
        if kind == "GeometryCollection":
            self.expect("(")
            parts: list[object] = [self.geometry()]
            while self.next() == ",":
                parts.append(self.geometry())
            return {"type": kind, "geometries": parts}
        if kind == "Point":
            self.expect("(")
            at = self.position()
            self.expect(")")
            return {"type": kind, "coordinates": at}
        return {"type": kind, "coordinates": self.listed(_DEPTH[kind])}


def parse_wkt(text: str) -> object:
    """The geometry of a text; None where it is none."""
    try:
        reader = _Reader(text)
        made = reader.geometry()
    except ValueError:
        return None
    return made if reader.at == len(reader.tokens) else None
