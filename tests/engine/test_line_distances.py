"""The distances of many places from a line against those that the S2 library finds, one by one."""

from __future__ import annotations

import random

import pytest

from vedette.engine.geo.geojson import valid
from vedette.engine.geo.line_distances import line_distances

s2 = pytest.importorskip("s2geometry", reason="the extra for geography is not installed")

from vedette.engine.geo.shapes import closest, metres, polylines, s2_point  # noqa: E402


def by_s2(longitude: float, latitude: float, value: object) -> float | None:
    shapes = polylines(value)
    if shapes is None or not valid(longitude, latitude):
        return None
    _, _, nearest = closest(shapes, (longitude, latitude))
    return metres(s2.S1Angle(nearest, s2_point((longitude, latitude))))


@pytest.mark.parametrize("span", [0.0001, 0.1, 5.0, 90.0])
def test_the_distances_are_those_of_s2(span: float) -> None:
    choice = random.Random(span)
    for _ in range(10):
        west, south = choice.uniform(-179, 80), choice.uniform(-80, 60)
        corners = [
            [west + choice.uniform(0, span), max(-90.0, min(90.0, south + choice.uniform(0, span)))]
            for _ in range(choice.choice([2, 3, 9]))
        ]
        line = {"type": "MultiLineString", "coordinates": [corners, [[0, 0], [0, 0], [10, 10]]]}
        near = [(x - choice.uniform(0, 1), max(-90.0, min(90.0, y + span / 7)), line) for x, y in corners]
        far = [(choice.uniform(-180, 180), choice.uniform(-90, 90), line) for _ in range(20)]
        places = [*near, *far, (corners[0][0], corners[0][1], line)]
        for place, found in zip(places, line_distances(places), strict=True):
            assert found == pytest.approx(by_s2(*place), rel=1e-7, abs=1e-6)


def test_what_is_no_place_or_no_line_has_no_distance() -> None:
    line = {"type": "LineString", "coordinates": [[0, 0], [1, 1]]}
    places = [(200.0, 0.0, line), (0.0, float("nan"), line), (0.0, 0.0, {"type": "Point"}), (0.0, 0.0, None)]
    assert line_distances([*places, (0.0, 0.0, line)]) == [None, None, None, None, 0.0]
