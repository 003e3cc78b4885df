"""Lines and polygons on the sphere, their edges great circles (the S2 library)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from vedette.engine.geo.geojson import Line, Position, Rings, lines, polygons
from vedette.engine.geo.sphere import EARTH_RADIUS


def s2_point(at: Position) -> Any:
    """A place as a point of S2."""
    import s2geometry as s2

    return s2.S2LatLng.FromDegrees(at[1], at[0]).ToPoint()


def place(point: Any) -> Position:
    """A point of S2 as a place."""
    import s2geometry as s2

    found = s2.S2LatLng(point)
    return float(found.lng().degrees()), float(found.lat().degrees())


def metres(angle: Any) -> float:
    """An angle as a distance on the ground."""
    return float(angle.radians()) * EARTH_RADIUS


_KEPT: Final[dict[tuple[str, int], tuple[object, Any]]] = {}
"""Shapes made last, by kind and value; the value is kept so that no other takes its identity."""


def _once(kind: str, value: object, make: Callable[[object], Any]) -> Any:
    """The shape of a value that may come with every row: made once, since making it costs more than asking it."""
    key = kind, id(value)
    found = _KEPT.get(key)
    if found is None:
        if len(_KEPT) >= 64:
            _KEPT.clear()
        found = _KEPT[key] = value, make(value)
    return found[1]


def polylines(value: object) -> list[Any] | None:
    """The lines of a GeoJSON value, not to be changed; None where it is not a valid one."""
    made: list[Any] | None = _once("lines", value, _polylines)
    return made


def _polylines(value: object) -> list[Any] | None:
    import s2geometry as s2

    parts = lines(value)
    if parts is None:
        return None
    made = []
    for part in parts:
        line = s2.S2Polyline()
        line.InitFromS2LatLngs([s2.S2LatLng.FromDegrees(at[1], at[0]) for at in _without_repeats(part)])
        if not line.IsValid():
            return None
        made.append(line)
    return made


def line_parts(value: object) -> list[Line] | None:
    """The positions of the lines of a GeoJSON value, none twice in a row; None where `polylines` has none."""
    parts = None if polylines(value) is None else lines(value)
    return None if parts is None else [_without_repeats(part) for part in parts]


def _without_repeats(part: Line) -> Line:
    return [at for index, at in enumerate(part) if index == 0 or at != part[index - 1]]


def _shape(rings: Rings) -> Any:
    import s2geometry as s2

    loops = []
    for ring in rings:
        loop = s2.S2Loop()
        loop.Init([s2_point(at) for at in _without_repeats(ring)[:-1]])
        if not loop.IsValid():
            return None
        # a ring means the smaller of its two sides
        loop.Normalize()
        loops.append(loop)
    shape = s2.S2Polygon()
    shape.InitNested(loops)
    return shape if shape.IsValid() else None


def polygon_shape(value: object) -> Any:
    """The area of a Polygon, or of all parts of a MultiPolygon together, not to be changed; None where it is not a valid one."""
    return _once("area", value, _polygon_shape)


def _polygon_shape(value: object) -> Any:
    import s2geometry as s2

    parts = polygons(value)
    if parts is None:
        return None
    whole: Any = None
    for rings in parts:
        shape = _shape(rings)
        if shape is None:
            return None
        if whole is None:
            whole = shape
        else:
            both = s2.S2Polygon()
            both.InitToUnion(whole, shape)
            whole = both
    return whole


def closest(shapes: list[Any], at: Position) -> tuple[Any, int, Any]:
    """The line nearest to a place, the number of the vertex after the nearest point, and that point."""
    import s2geometry as s2

    target = s2_point(at)
    if len(shapes) == 1:
        point, following = shapes[0].Project(target)
        return shapes[0], following, point
    found: list[tuple[float, int, int, Any]] = []
    for index, shape in enumerate(shapes):
        point, following = shape.Project(target)
        found.append((s2.S1Angle(point, target).radians(), index, following, point))
    _, index, following, point = min(found, key=lambda item: item[:2])
    return shapes[index], following, point
