"""The directions from a point in which one edge may stand for a chain of edges (S2's polyline simplifier)."""

from __future__ import annotations

import math
from collections.abc import Iterable

from vedette.engine.geo.sphere import Vector, angle

_TURN = 2 * math.pi


def triple(values: Iterable[float]) -> Vector:
    """Three numbers of an array as a vector."""
    x, y, z = (float(value) for value in values)
    return (x, y, z)


def cross(a: Vector, b: Vector) -> Vector:
    """The cross product."""
    return (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])


def dot(a: Vector, b: Vector) -> float:
    """The inner product."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


class ChainWindow:
    """Directions, counterclockwise in radians, that pass some discs and keep off others."""

    def __init__(self, start: Vector) -> None:
        self._start = start
        axis = min(range(3), key=lambda place: abs(start[place]))
        away: Vector = (float(axis == 0), float(axis == 1), float(axis == 2))
        x = cross(start, away)
        size = math.sqrt(dot(x, x))
        self._x: Vector = (x[0] / size, x[1] / size, x[2] / size)
        self._y = cross(start, self._x)
        self._window: tuple[float, float] | None = None
        self._later: list[tuple[float, float, bool]] = []
        self._empty = False

    def _direction(self, point: Vector) -> float:
        return math.atan2(dot(point, self._y), dot(point, self._x))

    def _half_width(self, point: Vector, radius: float) -> float | None:
        """Half of the angle that a disc takes, seen from the start; None where the start is inside."""
        far = angle(self._start, point)
        if far <= radius:
            return None
        return math.asin(min(1.0, math.sin(radius) / max(math.sin(far), 1e-300)))

    def _near_window(self, low: float, high: float) -> tuple[float, float]:
        """An interval turned by whole turns to lie nearest to the window."""
        assert self._window is not None
        turns = round(((self._window[0] + self._window[1]) - (low + high)) / 2 / _TURN) * _TURN
        return low + turns, high + turns

    def target(self, point: Vector, radius: float) -> bool:
        """Leaves the directions that pass a disc; whether there are any."""
        half = self._half_width(point, radius)
        if half is None:
            return not self._empty
        center = self._direction(point)
        if self._window is None:
            self._window = (center - half, center + half)
        else:
            low, high = self._near_window(center - half, center + half)
            self._set(max(low, self._window[0]), min(high, self._window[1]))
        later, self._later = self._later, []
        for low, high, left in later:
            self._cut(low, high, left)
        return not self._empty

    def avoid(self, point: Vector, radius: float, *, left: bool) -> bool:
        """Leaves the directions that have a disc on one side; whether there are any."""
        half = self._half_width(point, radius)
        if half is None:
            self._empty = True
            return False
        center = self._direction(point)
        low, high = (center - half, center + math.pi / 2) if left else (center - math.pi / 2, center + half)
        if self._window is None:
            self._later.append((low, high, left))
        else:
            self._cut(low, high, left)
        return not self._empty

    def allows(self, point: Vector) -> bool:
        """Whether an edge to a point is among them; one of more than a quarter of the sphere never is."""
        if self._empty or angle(self._start, point) > math.pi / 2:
            return False
        direction = self._direction(point)
        if any((direction - low) % _TURN <= high - low for low, high, _ in self._later):
            return False
        return self._window is None or (direction - self._window[0]) % _TURN <= self._window[1] - self._window[0]

    def _cut(self, low: float, high: float, left: bool) -> None:
        if self._window is None or self._empty:
            return
        low, high = self._near_window(low, high)
        first, last = self._window
        if high < first or low > last:
            return
        if low >= first and high <= last:
            # away from the disc on its other side lies nothing that a chain could lead to
            self._set(*((first, low) if left else (high, last)))
        elif low <= first and high >= last:
            self._empty = True
        else:
            self._set(*((high, last) if low <= first else (first, low)))

    def _set(self, low: float, high: float) -> None:
        self._window = (low, high)
        self._empty = self._empty or low > high
