"""GeoJSON (RFC 7946) as the geo_ functions take and give it: points, lines and polygons in degrees."""

from __future__ import annotations

import math
from collections.abc import Iterable

Position = tuple[float, float]
"""Longitude and latitude in degrees."""
Line = list[Position]
Rings = list[Line]
"""The rings of a polygon, each closed by its first position; the first is its shell, others are holes."""


def valid(longitude: float, latitude: float) -> bool:
    """Whether two numbers are a place on Earth."""
    return math.isfinite(longitude) and math.isfinite(latitude) and abs(longitude) <= 180 and abs(latitude) <= 90


def position(value: object) -> Position | None:
    """A position of GeoJSON; None where it is none."""
    if not isinstance(value, list) or len(value) < 2:
        return None
    longitude, latitude = value[0], value[1]
    if isinstance(longitude, bool) or isinstance(latitude, bool):
        return None
    if not isinstance(longitude, int | float) or not isinstance(latitude, int | float):
        return None
    return (float(longitude), float(latitude)) if valid(longitude, latitude) else None


def _positions(value: object) -> Line | None:
    if not isinstance(value, list):
        return None
    found = [position(item) for item in value]
    known = [item for item in found if item is not None]
    return known if len(known) == len(found) else None


def _line(value: object) -> Line | None:
    known = _positions(value)
    if known is None or len(known) < 2 or len(set(known)) < 2:
        return None
    return known


def _ring(value: object) -> Line | None:
    known = _positions(value)
    if known is None or len(known) < 4 or known[0] != known[-1] or len(set(known)) < 3:
        return None
    return known


def _rings(value: object) -> Rings | None:
    if not isinstance(value, list) or not value:
        return None
    found = [_ring(item) for item in value]
    known = [item for item in found if item is not None]
    return known if len(known) == len(found) else None


def _geometry(value: object) -> tuple[str, object]:
    """The type and coordinates of a geometry, which may stand inside a feature."""
    if isinstance(value, dict) and value.get("type") == "Feature":
        value = value.get("geometry")
    if not isinstance(value, dict):
        return "", None
    return str(value.get("type")), value.get("coordinates")


def lines(value: object) -> list[Line] | None:
    """The lines of a LineString or MultiLineString; None where it is not a valid one."""
    kind, coordinates = _geometry(value)
    parts = [coordinates] if kind == "LineString" else coordinates if kind == "MultiLineString" else None
    if not isinstance(parts, list) or not parts:
        return None
    found = [_line(part) for part in parts]
    known = [part for part in found if part is not None]
    return known if len(known) == len(found) else None


def polygons(value: object) -> list[Rings] | None:
    """The polygons of a Polygon or MultiPolygon; None where it is not a valid one."""
    kind, coordinates = _geometry(value)
    parts = [coordinates] if kind == "Polygon" else coordinates if kind == "MultiPolygon" else None
    if not isinstance(parts, list) or not parts:
        return None
    found = [_rings(part) for part in parts]
    known = [part for part in found if part is not None]
    return known if len(known) == len(found) else None


def point(at: Position) -> dict[str, object]:
    """A Point."""
    return {"type": "Point", "coordinates": list(at)}


def _listed(positions: Iterable[Position]) -> list[list[float]]:
    return [list(at) for at in positions]


def line_string(parts: list[Line]) -> object:
    """A LineString, or a MultiLineString of several lines; None of nothing."""
    if not parts:
        return None
    if len(parts) == 1:
        return {"type": "LineString", "coordinates": _listed(parts[0])}
    return {"type": "MultiLineString", "coordinates": [_listed(part) for part in parts]}


def polygon(parts: list[Rings]) -> object:
    """A Polygon, or a MultiPolygon of several; None of nothing."""
    if not parts:
        return None
    shapes = [[_listed(ring) for ring in rings] for rings in parts]
    if len(shapes) == 1:
        return {"type": "Polygon", "coordinates": shapes[0]}
    return {"type": "MultiPolygon", "coordinates": shapes}


def box(west: float, south: float, east: float, north: float) -> object:
    """A Polygon between two meridians and two parallels."""
    return polygon([[[(west, south), (east, south), (east, north), (west, north), (west, south)]]])
