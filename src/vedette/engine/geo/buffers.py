"""Areas within a distance of places, lines and polygons."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vedette.engine.geo.sphere import EARTH_RADIUS

TOLERANCE = 10.0
"""Metres that a buffer's edge may be nearer than its radius."""
_LEAST_ERROR = 1e-6


def buffer(radius: float, tolerance: float, add: Callable[[Any], object]) -> Any:
    """The area within a radius of what is added; None where radius or tolerance is not positive."""
    import s2geometry as s2

    if not radius > 0 or not tolerance > 0 or radius > EARTH_RADIUS:
        return None
    options = s2.S2BufferOperationOptions()
    options.set_buffer_radius(s2.S1Angle.Radians(radius / EARTH_RADIUS))
    options.set_error_fraction(min(1.0, max(_LEAST_ERROR, tolerance / radius)))
    area = s2.S2Polygon()
    operation = s2.S2BufferOperation(s2.S2PolygonLayer(area), options)
    add(operation)
    return area if operation.Build() else None


def polygon_buffer(shape: Any, radius: float, tolerance: float = TOLERANCE) -> Any:
    """A polygon and all within a radius of it."""
    # the operation frees what it is given
    return buffer(radius, tolerance, lambda operation: operation.AddPolygon(shape.Clone()))


def edge_buffers(line: Any, radius: float, tolerance: float = TOLERANCE) -> list[Any]:
    """The areas within a radius of each edge of a line."""
    import s2geometry as s2

    found = []
    for index in range(line.num_vertices() - 1):
        # an edge there and back is a loop without an inside
        edge = s2.S2Loop()
        edge.Init([line.vertex(index), line.vertex(index + 1)])
        found.append(polygon_buffer(s2.S2Polygon(edge), radius, tolerance))
    return found
