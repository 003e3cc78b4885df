"""Distances and directions between places."""

from __future__ import annotations

import math

from vedette.engine.catalog import scalar
from vedette.engine.geo.geojson import valid
from vedette.engine.geo.sphere import azimuth, distance


def _sphere_only(value: object) -> str | None:
    return "The distance on a spheroid is not supported here, only on a sphere" if value else None


@scalar(
    "geo_distance_2points(p1_longitude: real, p1_latitude: real, p2_longitude: real, p2_latitude: real, "
    "use_spheroid?: const bool): real",
    about="The shortest way between two places in metres, on a sphere.",
    page="geo-distance-2points-function",
    kind="row",
    checks={"use_spheroid": _sphere_only},
)
def geo_distance_2points(lon1: float, lat1: float, lon2: float, lat2: float, spheroid: bool = False) -> object:
    return distance((lon1, lat1), (lon2, lat2)) if valid(lon1, lat1) and valid(lon2, lat2) else None


@scalar(
    "geo_azimuth(p1_longitude: real, p1_latitude: real, p2_longitude: real, p2_latitude: real): real",
    about="The direction from one place to another in radians, clockwise from north.",
    page="geo-azimuth-function",
    kind="row",
)
def geo_azimuth(lon1: float, lat1: float, lon2: float, lat2: float) -> object:
    return azimuth((lon1, lat1), (lon2, lat2)) if valid(lon1, lat1) and valid(lon2, lat2) else None


@scalar(
    "geo_angle(p1_longitude: real, p1_latitude: real, p2_longitude: real, p2_latitude: real, p3_longitude: real, "
    "p3_latitude: real): real",
    about="The angle at the second of three places in radians, clockwise from the first to the third.",
    page="geo-angle-function",
    kind="row",
)
def geo_angle(lon1: float, lat1: float, lon2: float, lat2: float, lon3: float, lat3: float) -> object:
    if not (valid(lon1, lat1) and valid(lon2, lat2) and valid(lon3, lat3)):
        return None
    first, second = azimuth((lon2, lat2), (lon1, lat1)), azimuth((lon2, lat2), (lon3, lat3))
    return None if first is None or second is None else (second - first) % (2 * math.pi)


@scalar(
    "geo_point_in_circle(p_longitude: real, p_latitude: real, pc_longitude: real, pc_latitude: real, c_radius: real): "
    "bool",
    about="Whether a place lies within a distance, in metres, of another.",
    page="geo-point-in-circle-function",
    kind="row",
)
def geo_point_in_circle(lon: float, lat: float, center_lon: float, center_lat: float, radius: float) -> object:
    if not (valid(lon, lat) and valid(center_lon, center_lat) and radius >= 0 and math.isfinite(radius)):
        return None
    return distance((lon, lat), (center_lon, center_lat)) <= radius
