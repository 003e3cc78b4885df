"""Lines and polygons on the sphere, their edges great circles (the S2 library)."""

from __future__ import annotations

from typing import Any

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


def polylines(value: object) -> list[Any] | None:
    """The lines of a GeoJSON value; None where it is not a valid one."""
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
    """The area of a Polygon, or of all parts of a MultiPolygon together; None where it is not a valid one."""
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
    found: list[tuple[float, int, int, Any]] = []
    for index, shape in enumerate(shapes):
        point, following = shape.Project(target)
        found.append((s2.S1Angle(point, target).radians(), index, following, point))
    _, index, following, point = min(found, key=lambda item: item[:2])
    return shapes[index], following, point
