"""New shapes out of others: unions, intersections, buffers, and more corners (densify)."""

from __future__ import annotations

from typing import Any

from vedette.engine.geo.buffers import TOLERANCE, buffer, edge_buffers, polygon_buffer
from vedette.engine.geo.geojson import line_string, lines, polygon, polygons, valid
from vedette.engine.geo.needs import geo_scalar
from vedette.engine.geo.pieces import (
    collected,
    common_to_lines,
    common_to_polygons,
    line_union,
    polygon_json,
    polygon_union,
)
from vedette.engine.geo.shapes import place, polygon_shape, polylines, s2_point
from vedette.engine.geo.tessellate import densified

_S2 = "s2geometry"
_LEAST_TOLERANCE, _MOST_TOLERANCE = 0.1, 10_000.0


@geo_scalar(
    _S2, "geo_union_polygons_array(polygons: array): dynamic", about="The area of several polygons together.",
    page="geo-union-polygons-array-function",
)  # fmt: skip
def geo_union_polygons_array(values: object) -> object:
    if not isinstance(values, list) or not values:
        return None
    shapes = [polygon_shape(value) for value in values]
    return None if any(shape is None for shape in shapes) else polygon_json(polygon_union(shapes))


@geo_scalar(
    _S2, "geo_union_lines_array(lineStrings: array): dynamic", about="The lines of several together, each edge once.",
    page="geo-union-lines-array-function",
)  # fmt: skip
def geo_union_lines_array(values: object) -> object:
    if not isinstance(values, list) or not values:
        return None
    parts: list[Any] = []
    for value in values:
        shapes = polylines(value)
        if shapes is None:
            return None
        parts += shapes
    return line_union(parts)


@geo_scalar(
    _S2, "geo_intersection_2lines(lineString1: bag, lineString2: bag): dynamic",
    about="Where two lines meet: points and lines; an empty GeometryCollection where they do not.",
    page="geo-intersection-2lines-function",
)  # fmt: skip
def geo_intersection_2lines(left: object, right: object) -> object:
    first, second = polylines(left), polylines(right)
    return None if first is None or second is None else common_to_lines(first, second)


@geo_scalar(
    _S2, "geo_intersection_line_with_polygon(lineString: bag, polygon: bag): dynamic",
    about="The parts of a line that lie in a polygon; an empty GeometryCollection where there are none.",
    page="geo-intersection-line-with-polygon-function",
)  # fmt: skip
def geo_intersection_line_with_polygon(line: object, area: object) -> object:
    parts, shape = polylines(line), polygon_shape(area)
    if parts is None or shape is None:
        return None
    found = [piece for part in parts for piece in shape.IntersectWithPolyline(part)]
    return collected([], [[place(piece.vertex(k)) for k in range(piece.num_vertices())] for piece in found])


@geo_scalar(
    _S2, "geo_intersection_2polygons(polygon1: bag, polygon2: bag): dynamic",
    about="What two polygons have in common; an empty GeometryCollection where that is nothing.",
    page="geo-intersection-2polygons-function",
)  # fmt: skip
def geo_intersection_2polygons(left: object, right: object) -> object:
    first, second = polygon_shape(left), polygon_shape(right)
    return None if first is None or second is None else common_to_polygons(first, second)


# -- buffers


@geo_scalar(
    _S2, "geo_point_buffer(longitude: real, latitude: real, radius: real, tolerance?: real): dynamic",
    about="The area within so many metres of a place.", page="geo-point-buffer-function",
)  # fmt: skip
def geo_point_buffer(longitude: float, latitude: float, radius: float, tolerance: float = TOLERANCE) -> object:
    if not valid(longitude, latitude):
        return None
    area = buffer(radius, tolerance, lambda operation: operation.AddPoint(s2_point((longitude, latitude))))
    return None if area is None else polygon_json(area)


@geo_scalar(
    _S2, "geo_polygon_buffer(polygon: bag, radius: real, tolerance?: real): dynamic",
    about="A polygon and all that is within so many metres of it.", page="geo-polygon-buffer-function",
)  # fmt: skip
def geo_polygon_buffer(value: object, radius: float, tolerance: float = TOLERANCE) -> object:
    shape = polygon_shape(value)
    if shape is None:
        return None
    area = polygon_buffer(shape, radius, tolerance)
    return None if area is None else polygon_json(area)


@geo_scalar(
    _S2, "geo_line_buffer(lineString: bag, radius: real, tolerance?: real): dynamic",
    about="The area within so many metres of a line.", page="geo-line-buffer-function",
)  # fmt: skip
def geo_line_buffer(value: object, radius: float, tolerance: float = TOLERANCE) -> object:
    parts = polylines(value)
    if parts is None or not radius > 0 or not tolerance > 0:
        return None
    areas = [area for part in parts for area in edge_buffers(part, radius, tolerance)]
    return None if any(area is None for area in areas) else polygon_json(polygon_union(areas))


# -- densify


@geo_scalar(
    _S2, "geo_line_densify(lineString: bag, tolerance?: real, preserve_crossing?: bool): dynamic",
    about="A line with points enough that geodesics between them stay near its straight edges on the map.",
    page="geo-line-densify-function",
)  # fmt: skip
def geo_line_densify(value: object, tolerance: float = TOLERANCE, crossing: bool = False) -> object:
    parts = lines(value)
    if parts is None or not _LEAST_TOLERANCE <= tolerance <= _MOST_TOLERANCE or polylines(value) is None:
        return None
    made = [densified(part, tolerance, crossing=crossing) for part in parts]
    known = [part for part in made if part is not None]
    return line_string([[place(at) for at in part] for part in known]) if len(known) == len(made) else None


@geo_scalar(
    _S2, "geo_polygon_densify(polygon: bag, tolerance?: real, preserve_crossing?: bool): dynamic",
    about="A polygon with corners enough that geodesics between them stay near its straight edges on the map.",
    page="geo-polygon-densify-function",
)  # fmt: skip
def geo_polygon_densify(value: object, tolerance: float = TOLERANCE, crossing: bool = False) -> object:
    import s2geometry as s2

    parts = polygons(value)
    if parts is None or not _LEAST_TOLERANCE <= tolerance <= _MOST_TOLERANCE or polygon_shape(value) is None:
        return None
    made = []
    for rings in parts:
        shown = []
        for number, ring in enumerate(rings):
            points = densified(ring, tolerance, crossing=crossing)
            if points is None:
                return None
            loop = s2.S2Loop()
            loop.Init(points[:-1])
            if not loop.IsValid():
                return None
            loop.Normalize()
            corners = [place(loop.vertex(k)) for k in range(loop.num_vertices())]
            if number:
                # holes go clockwise
                corners.reverse()
            shown.append([*corners, corners[0]])
        made.append(shown)
    return polygon(made)
