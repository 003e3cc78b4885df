"""How far many places are from a line: the arithmetic of great circles over whole columns instead of a call for each place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from vedette.core.deferred import deferred
from vedette.engine.geo.geojson import Line, valid
from vedette.engine.geo.shapes import line_parts
from vedette.engine.geo.sphere import EARTH_RADIUS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float64]
else:
    np = deferred("numpy")
    Vectors = object


def line_distances(rows: Sequence[tuple[float, float, object]]) -> list[object]:
    """The metres from each place (longitude, latitude) to its line; None where one of them is not valid."""
    answers: list[object] = [None] * len(rows)
    groups: dict[int, tuple[object, list[int]]] = {}
    for place, (longitude, latitude, value) in enumerate(rows):
        if valid(longitude, latitude):
            # rows that share a line share its value
            groups.setdefault(id(value), (value, []))[1].append(place)
    for value, places in groups.values():
        parts = line_parts(value)
        if parts is None:
            continue
        points = _vectors((rows[place][0], rows[place][1]) for place in places)
        nearest = np.full(len(points), np.inf)
        for part in parts:
            nearest = np.minimum(nearest, _angles(points, _vectors(part)))
        for place, angle in zip(places, nearest.tolist(), strict=True):
            answers[place] = angle * EARTH_RADIUS
    return answers


def _vectors(places: Iterable[tuple[float, float]] | Line) -> Vectors:
    """Places as unit vectors, one a row."""
    degrees = np.array(list(places), dtype=np.float64).reshape(-1, 2)
    longitude, latitude = np.radians(degrees[:, 0]), np.radians(degrees[:, 1])
    return np.stack([np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)], 1)


def _angles(points: Vectors, line: Vectors) -> Vectors:
    """The least angle between each point and the edges of a line."""
    least = _between(points, line[0])
    for start, end in pairwise(line):
        least = np.minimum(least, _between(points, end))
        # the sum of the two is exactly at right angles to the difference, which keeps short edges exact
        normal = np.cross(end - start, end + start)
        size = np.linalg.norm(normal)
        if size == 0:
            continue
        normal = normal / size
        beside = (points @ np.cross(start, normal) >= 0) & (points @ np.cross(normal, end) >= 0)
        height = points @ normal
        across = np.arctan2(np.abs(height), np.linalg.norm(np.cross(points, normal), axis=1))
        least = np.where(beside, np.minimum(least, across), least)
    return least


def _between(points: Vectors, point: Vectors) -> Vectors:
    angles: Vectors = np.arctan2(np.linalg.norm(np.cross(points, point), axis=1), points @ point)
    return angles
