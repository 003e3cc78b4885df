"""geo_line_lookup: rows with the lines that their place is near to."""

from __future__ import annotations

from vedette.engine.catalog import plugin
from vedette.engine.geo.bounds import line_bounds
from vedette.engine.geo.lookup import geo_lookup
from vedette.kql.binder.core import Binder
from vedette.kql.binder.scope import Scope
from vedette.kql.bound import Relation
from vedette.kql.operators.evaluate import EvaluateOperator


@plugin(
    "geo_line_lookup", page="geo-line-lookup-plugin",
    about="Rows with those of a lookup table whose line is within a radius of their place.",
)  # fmt: skip
def geo_line_lookup(binder: Binder, node: EvaluateOperator, input_: Relation | None, scope: Scope) -> Relation:
    """`geo_line_lookup(Table, Line, Longitude, Latitude, radius [, return_unmatched, ..., return_lookup_key])`."""
    return geo_lookup(binder, node, input_, scope, "LookupLineKey", 5, line_bounds, "geo_distance_point_to_line", None)
