"""Bounds of shapes in degrees, by which a join leaves out what cannot match."""

from __future__ import annotations

from typing import Any

from vedette.engine.geo.shapes import polygon_shape, polylines
from vedette.engine.geo.sphere import EARTH_RADIUS

_SLACK = 1e-9
"""Radians by which bounds are widened, since their sides are rounded."""


def _degrees(rect: Any) -> list[float]:
    return [float(angle.degrees()) for angle in (rect.lng_lo(), rect.lat_lo(), rect.lng_hi(), rect.lat_hi())]


def _widened(rect: Any, radius: float) -> list[float]:
    import s2geometry as s2

    return _degrees(rect.ExpandedByDistance(s2.S1Angle.Radians(max(radius, 0.0) / EARTH_RADIUS + _SLACK)))


def polygon_bounds(value: object, radius: float) -> object:
    """West, south, east and north of a polygon and all that is so many metres from it; None where it is none."""
    shape = polygon_shape(value)
    return None if shape is None else _widened(shape.GetRectBound(), radius)


def line_bounds(value: object, radius: float) -> object:
    """West, south, east and north of lines and all that is so many metres from them; None where they are none."""
    shapes = polylines(value)
    if not shapes:
        return None
    rect = shapes[0].GetRectBound()
    for shape in shapes[1:]:
        rect = rect.Union(shape.GetRectBound())
    return _widened(rect, radius)
