"""Straight edges of the map (plate carrée) as chains of geodesics, by the S2 library's rule for splitting."""

from __future__ import annotations

from typing import Any

from vedette.engine.geo.geojson import Line, Position
from vedette.engine.geo.shapes import s2_point
from vedette.engine.geo.sphere import EARTH_RADIUS

_FRACTION = 0.31215691082248312
"""Where along an edge the two forms of it are furthest apart, in the worst case."""
_SCALE = 0.83829992569888509
"""How much of the true error is seen at those two places at least."""
_LEAST = 1e-13
MOST_POINTS = 65_536


def _between(a: Position, b: Position, fraction: float) -> Position:
    # the S2 library computes it so, and the last digits count
    return (1 - fraction) * a[0] + fraction * b[0], (1 - fraction) * a[1] + fraction * b[1]


def _error(pa: Position, a: Any, pb: Position, b: Any) -> float:
    """The distance between both forms of an edge, in radians."""
    import s2geometry as s2

    if sum(x * y for x, y in zip(s2.S2Point_ToRaw(a), s2.S2Point_ToRaw(b), strict=True)) < -1e-14:
        return float("inf")
    worst = 0.0
    for fraction in (_FRACTION, 1 - _FRACTION):
        straight = s2_point(_between(pa, pb, fraction))
        worst = max(worst, float(s2.S1Angle(s2.Interpolate(a, b, fraction), straight).radians()))
    return worst


def densified(part: Line, tolerance: float, *, crossing: bool) -> list[Any] | None:
    """The points of a line so close that geodesics between them stay near its straight edges; None: too many.

    With `crossing` an edge takes the shorter way round, over the date line where that is shorter.
    """
    limit = max(tolerance / EARTH_RADIUS, _LEAST) * _SCALE
    points = [s2_point(part[0])]
    start = part[0]
    for end in part[1:]:
        x, y = end
        if crossing:
            while x - start[0] > 180:
                x -= 360
            while x - start[0] < -180:
                x += 360
        pending = [(start, points[-1], (x, y), s2_point((x, y)))]
        while pending:
            pa, a, pb, b = pending.pop()
            if _error(pa, a, pb, b) <= limit:
                points.append(b)
                if len(points) > MOST_POINTS:
                    return None
                continue
            middle = _between(pa, pb, 0.5)
            m = s2_point(middle)
            # the nearer half is taken up first
            pending.append((middle, m, pb, b))
            pending.append((pa, a, middle, m))
        start = (x, y)
    return points
