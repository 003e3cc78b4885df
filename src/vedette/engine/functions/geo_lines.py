"""Lines on Earth."""

from __future__ import annotations

import math

from vedette.engine.geo.geojson import point, valid
from vedette.engine.geo.line_distances import line_distances
from vedette.engine.geo.needs import geo_scalar
from vedette.engine.geo.shapes import closest, metres, place, polylines

_S2 = "s2geometry"


@geo_scalar(
    _S2, "geo_line_length(lineString: bag): real", about="The length of a line in metres.",
    page="geo-line-length-function",
)  # fmt: skip
def geo_line_length(value: object) -> object:
    shapes = polylines(value)
    return None if shapes is None else math.fsum(metres(shape.GetLength()) for shape in shapes)


@geo_scalar(
    _S2, "geo_line_centroid(lineString: bag): dynamic", about="The middle of a line's mass.",
    page="geo-line-centroid-function",
)  # fmt: skip
def geo_line_centroid(value: object) -> object:
    import s2geometry as s2

    shapes = polylines(value)
    if shapes is None:
        return None
    # a line's centroid is as long as the line, so that they add up
    parts = [s2.S2Point_ToRaw(shape.GetCentroid()) for shape in shapes]
    return point(place(s2.S2Point_FromRaw(*(sum(axis) for axis in zip(*parts, strict=True)))))


@geo_scalar(
    _S2, "geo_distance_point_to_line(longitude: real, latitude: real, lineString: bag): real",
    about="The shortest way from a place to a line in metres.", page="geo-distance-point-to-line-function",
    together=line_distances,
)  # fmt: skip
def geo_distance_point_to_line(longitude: float, latitude: float, value: object) -> object:
    return line_distances([(longitude, latitude, value)])[0]


@geo_scalar(
    _S2, "geo_closest_point_on_line(longitude: real, latitude: real, lineString: bag): dynamic",
    about="The point of a line that is nearest to a place.", page="geo-closest-point-on-line-function",
)  # fmt: skip
def geo_closest_point_on_line(longitude: float, latitude: float, value: object) -> object:
    shapes = polylines(value)
    if shapes is None or not valid(longitude, latitude):
        return None
    return point(place(closest(shapes, (longitude, latitude))[2]))


@geo_scalar(
    _S2, "geo_line_interpolate_point(lineString: bag, fraction: real): dynamic",
    about="The point of a line after a share, 0 to 1, of its length.", page="geo-line-interpolate-point-function",
)  # fmt: skip
def geo_line_interpolate_point(value: object, fraction: float) -> object:
    shapes = polylines(value)
    if shapes is None or len(shapes) != 1 or not 0 <= fraction <= 1:
        return None
    return point(place(shapes[0].Interpolate(fraction)))


@geo_scalar(
    _S2, "geo_line_locate_point(lineString: bag, longitude: real, latitude: real): real",
    about="The share of a line's length at which it is nearest to a place.",
    page="geo-line-locate-point-function",
)  # fmt: skip
def geo_line_locate_point(value: object, longitude: float, latitude: float) -> object:
    shapes = polylines(value)
    if shapes is None or len(shapes) != 1 or not valid(longitude, latitude):
        return None
    line, following, nearest = closest(shapes, (longitude, latitude))
    return float(line.UnInterpolate(nearest, following))


@geo_scalar(
    _S2, "geo_intersects_2lines(lineString1: bag, lineString2: bag): bool", about="Whether two lines meet.",
    page="geo-intersects-2lines-function",
)  # fmt: skip
def geo_intersects_2lines(left: object, right: object) -> object:
    first, second = polylines(left), polylines(right)
    if first is None or second is None:
        return None
    return any(a.Intersects(b) for a in first for b in second)
