"""geo_polygon_lookup: rows with the polygons that their place lies in."""

from __future__ import annotations

from vedette.engine.catalog import plugin
from vedette.engine.geo.bounds import polygon_bounds
from vedette.engine.geo.lookup import geo_lookup
from vedette.kql.binder.core import Binder
from vedette.kql.binder.scope import Scope
from vedette.kql.bound import Relation
from vedette.kql.operators.evaluate import EvaluateOperator


@plugin(
    "geo_polygon_lookup", page="geo-polygon-lookup-plugin",
    about="Rows with those of a lookup table whose polygon holds their place, or is within a radius of it.",
)  # fmt: skip
def geo_polygon_lookup(binder: Binder, node: EvaluateOperator, input_: Relation | None, scope: Scope) -> Relation:
    """`geo_polygon_lookup(Table, Polygon, Longitude, Latitude [, radius, return_unmatched, ..., return_lookup_key])`."""
    return geo_lookup(
        binder, node, input_, scope, "LookupPolygonKey", 4, polygon_bounds, "geo_distance_point_to_polygon",
        "geo_point_in_polygon",
    )  # fmt: skip
