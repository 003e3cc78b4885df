"""Polygons on Earth."""

from __future__ import annotations

from vedette.engine.catalog import scalar
from vedette.engine.geo.geojson import point, valid
from vedette.engine.geo.needs import geo_scalar
from vedette.engine.geo.shapes import metres, place, polygon_shape, polylines, s2_point
from vedette.engine.geo.sphere import EARTH_RADIUS, distance
from vedette.engine.geo.wkt import parse_wkt

_S2 = "s2geometry"


@geo_scalar(
    _S2, "geo_polygon_area(polygon: bag): real", about="The area of a polygon in square metres.",
    page="geo-polygon-area-function",
)  # fmt: skip
def geo_polygon_area(value: object) -> object:
    shape = polygon_shape(value)
    return None if shape is None else float(shape.GetArea()) * EARTH_RADIUS**2


@geo_scalar(
    _S2, "geo_polygon_perimeter(polygon: bag): real", about="The length of a polygon's boundary in metres.",
    page="geo-polygon-perimeter-function",
)  # fmt: skip
def geo_polygon_perimeter(value: object) -> object:
    shape = polygon_shape(value)
    if shape is None:
        return None
    total = 0.0
    for index in range(shape.num_loops()):
        loop = shape.loop(index)
        corners = [place(loop.vertex(corner)) for corner in range(loop.num_vertices())]
        total += sum(distance(a, b) for a, b in zip(corners, [*corners[1:], corners[0]], strict=True))
    return total


@geo_scalar(
    _S2, "geo_polygon_centroid(polygon: bag): dynamic", about="The middle of a polygon's mass.",
    page="geo-polygon-centroid-function",
)  # fmt: skip
def geo_polygon_centroid(value: object) -> object:
    shape = polygon_shape(value)
    return None if shape is None else point(place(shape.GetCentroid()))


@geo_scalar(
    _S2, "geo_point_in_polygon(longitude: real, latitude: real, polygon: bag): bool",
    about="Whether a place lies in a polygon.", page="geo-point-in-polygon-function",
)  # fmt: skip
def geo_point_in_polygon(longitude: float, latitude: float, value: object) -> object:
    shape = polygon_shape(value)
    if shape is None or not valid(longitude, latitude):
        return None
    return bool(shape.Contains(s2_point((longitude, latitude))))


@geo_scalar(
    _S2, "geo_distance_point_to_polygon(longitude: real, latitude: real, polygon: bag): real",
    about="The shortest way from a place to a polygon in metres; inside of it 0.",
    page="geo-distance-point-to-polygon-function",
)  # fmt: skip
def geo_distance_point_to_polygon(longitude: float, latitude: float, value: object) -> object:
    shape = polygon_shape(value)
    if shape is None or not valid(longitude, latitude):
        return None
    return metres(shape.GetDistance(s2_point((longitude, latitude))))


@geo_scalar(
    _S2, "geo_closest_point_on_polygon(longitude: real, latitude: real, polygon: bag): dynamic",
    about="The point of a polygon that is nearest to a place.", page="geo-closest-point-on-polygon-function",
)  # fmt: skip
def geo_closest_point_on_polygon(longitude: float, latitude: float, value: object) -> object:
    shape = polygon_shape(value)
    if shape is None or not valid(longitude, latitude):
        return None
    return point(place(shape.Project(s2_point((longitude, latitude)))))


@geo_scalar(
    _S2, "geo_intersects_2polygons(polygon1: bag, polygon2: bag): bool", about="Whether two polygons meet.",
    page="geo-intersects-2polygons-function",
)  # fmt: skip
def geo_intersects_2polygons(left: object, right: object) -> object:
    first, second = polygon_shape(left), polygon_shape(right)
    return None if first is None or second is None else bool(first.Intersects(second))


@geo_scalar(
    _S2, "geo_intersects_line_with_polygon(lineString: bag, polygon: bag): bool",
    about="Whether a line meets a polygon.", page="geo-intersects-line-with-polygon-function",
)  # fmt: skip
def geo_intersects_line_with_polygon(line: object, value: object) -> object:
    shapes, shape = polylines(line), polygon_shape(value)
    if shapes is None or shape is None:
        return None
    return any(shape.Contains(part.vertex(0)) or len(shape.IntersectWithPolyline(part)) > 0 for part in shapes)


def from_wkt(value: object) -> object:
    """A geometry of a text, or geometries of an array of texts."""
    if isinstance(value, list):
        return [parse_wkt(item) if isinstance(item, str) else None for item in value]
    return parse_wkt(value) if isinstance(value, str) else None


scalar(
    "geo_from_wkt(wkt: string): dynamic", "geo_from_wkt(wkt: array): dynamic",
    about="A geometry of well-known text as GeoJSON.", page="geo-from-wkt-function", kind="row",
)(from_wkt)  # fmt: skip
