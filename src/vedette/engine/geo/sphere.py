"""Angles and distances on a sphere of Earth's mean radius, with great circles for straight lines."""

from __future__ import annotations

import math

from vedette.engine.geo.geojson import Position

EARTH_RADIUS = 6_371_010.0
"""Metres."""

Vector = tuple[float, float, float]


def vector(at: Position) -> Vector:
    """A place as a unit vector."""
    longitude, latitude = math.radians(at[0]), math.radians(at[1])
    return (math.cos(latitude) * math.cos(longitude), math.cos(latitude) * math.sin(longitude), math.sin(latitude))


def angle(a: Vector, b: Vector) -> float:
    """The angle between two vectors in radians."""
    cross = (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])
    return math.atan2(math.hypot(*cross), a[0] * b[0] + a[1] * b[1] + a[2] * b[2])


def distance(a: Position, b: Position) -> float:
    """The shortest way between two places in metres."""
    return angle(vector(a), vector(b)) * EARTH_RADIUS


def azimuth(a: Position, b: Position) -> float | None:
    """The direction from one place to another in radians, clockwise from north; None where there is no one direction."""
    first, second = vector(a), vector(b)
    apart = angle(first, second)
    if apart < 1e-15 or math.pi - apart < 1e-15:
        return None
    step = math.radians(b[0] - a[0])
    start, end = math.radians(a[1]), math.radians(b[1])
    east = math.sin(step) * math.cos(end)
    north = math.cos(start) * math.sin(end) - math.sin(start) * math.cos(end) * math.cos(step)
    return math.atan2(east, north)
