"""Shapes of fewer corners: nearly straight chains of short edges become long edges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from vedette.engine.geo.buffers import TOLERANCE
from vedette.engine.geo.geojson import Line, Position, line_string, lines, polygon, polygons
from vedette.engine.geo.needs import geo_scalar
from vedette.engine.geo.pieces import Edge, chains, closed, edges_of, polygon_rings, split_edges
from vedette.engine.geo.shapes import place, polygon_shape, polylines, s2_point
from vedette.engine.geo.simplify import Simplifier
from vedette.engine.geo.sphere import EARTH_RADIUS

_S2 = "s2geometry"
_MOST_TOLERANCE = 7_800_000.0
"""Metres: S2 snaps within 70 degrees at most."""


def _simplifier(tolerance: float) -> Simplifier | None:
    return Simplifier(tolerance / EARTH_RADIUS) if 0 <= tolerance <= _MOST_TOLERANCE else None


@geo_scalar(
    _S2, "geo_line_simplify(lineString: bag, tolerance?: real): dynamic",
    about="A line with nearly straight chains of short edges replaced; no two corners are nearer than the tolerance.",
    page="geo-line-simplify-function",
)  # fmt: skip
def geo_line_simplify(value: object, tolerance: float = TOLERANCE) -> object:
    parts, simplifier = polylines(value), _simplifier(tolerance)
    if parts is None or simplifier is None:
        return None
    given = _given(at for line in lines(value) or () for at in line)
    edges = [
        (given.get(a, a), given.get(b, b)) for a, b in (edges_of(parts) if len(parts) == 1 else split_edges(parts))
    ]
    return line_string(chains(simplifier.simplify([edges])[0]))


@geo_scalar(
    _S2, "geo_polygon_simplify(polygon: bag, tolerance?: real): dynamic",
    about="A polygon with nearly straight chains of short edges replaced; no two corners are nearer than the tolerance.",
    page="geo-polygon-simplify-function",
)  # fmt: skip
def geo_polygon_simplify(value: object, tolerance: float = TOLERANCE) -> object:
    return _simplified([value], tolerance)


@geo_scalar(
    _S2, "geo_simplify_polygons_array(polygons: array, tolerance?: real): dynamic",
    about="Several polygons simplified together, so that common borders stay common.",
    page="geo-simplify-polygons-array-function",
)  # fmt: skip
def geo_simplify_polygons_array(values: object, tolerance: float = TOLERANCE) -> object:
    return _simplified(values, tolerance) if isinstance(values, list) and values else None


def _simplified(values: list[Any], tolerance: float) -> object:
    shapes, simplifier = [polygon_shape(value) for value in values], _simplifier(tolerance)
    if simplifier is None or any(shape is None for shape in shapes):
        return None
    given = _given(at for value in values for rings in polygons(value) or () for ring in rings for at in ring)
    layers = [
        [
            (given.get(a, a), given.get(b, b))
            for rings in polygon_rings(shape)
            for ring in rings
            for a, b in pairwise(ring)
        ]
        for shape in shapes
    ]
    made = [_area(edges) for edges in simplifier.simplify(layers)]
    return None if any(rings is None for rings in made) else polygon([part for rings in made for part in rings or ()])


def _given(corners: Iterable[Position]) -> dict[Position, Position]:
    """Corners by what they are when they come back from the library, which may differ in the last digit."""
    return {place(s2_point(at)): at for at in corners}


def _area(edges: list[Edge]) -> list[list[Line]] | None:
    """The rings that edges make, in their order; None where they make no valid area."""
    import s2geometry as s2

    # an edge there and back has no inside
    counts = Counter(edges)
    left = [edge for edge, count in counts.items() for _ in range(count - counts.get(edge[::-1], 0))]
    rings = closed(left)
    loops = []
    for ring in rings:
        loop = s2.S2Loop()
        loop.Init([s2_point(at) for at in ring])
        if not loop.IsValid():
            return None
        loop.Normalize()
        loops.append(loop)
    area = s2.S2Polygon()
    area.InitNested(loops)
    if not area.IsValid():
        return None
    known = _given(at for ring in rings for at in ring)
    return [[[known.get(at, at) for at in ring] for ring in part] for part in polygon_rings(area)]
