"""Geohashes."""

from __future__ import annotations

from vedette.engine.catalog import scalar
from vedette.engine.geo.geohash import LONGEST, decode, encode, neighbours
from vedette.engine.geo.geojson import box, point, valid


@scalar(
    "geo_point_to_geohash(longitude: real, latitude: real, accuracy?: long): string", kind="row",
    about="The geohash of a place, of 1 to 18 characters (5 unless told otherwise).",
    page="geo-point-to-geohash-function",
)  # fmt: skip
def geo_point_to_geohash(longitude: float, latitude: float, accuracy: int = 5) -> object:
    if not valid(longitude, latitude) or not 1 <= accuracy <= LONGEST:
        return None
    return encode(longitude, latitude, accuracy)


@scalar(
    "geo_geohash_to_central_point(geohash: string): dynamic", about="The middle of a geohash's cell.",
    page="geo-geohash-to-central-point-function", kind="row",
)  # fmt: skip
def geo_geohash_to_central_point(geohash: str) -> object:
    cell = decode(geohash)
    return None if cell is None else point(((cell[0] + cell[2]) / 2, (cell[1] + cell[3]) / 2))


@scalar(
    "geo_geohash_to_polygon(geohash: string): dynamic", about="A geohash's cell as a polygon.",
    page="geo-geohash-to-polygon-function", kind="row",
)  # fmt: skip
def geo_geohash_to_polygon(geohash: str) -> object:
    cell = decode(geohash)
    return None if cell is None else box(*cell)


@scalar(
    "geo_geohash_neighbors(geohash: string): dynamic", about="The geohashes around one.",
    page="geo-geohash-neighbors-function", kind="row",
)  # fmt: skip
def geo_geohash_neighbors(geohash: str) -> object:
    return neighbours(geohash)
