"""What geo_polygon_lookup and geo_line_lookup share: places matched to shapes of a lookup table."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

from vedette.engine.addresses_lookup import lookup_column
from vedette.engine.compiler import Compiler
from vedette.engine.fragment import Fragment
from vedette.engine.lookups import flag, lookup
from vedette.engine.plugged import Arguments
from vedette.kql.binder.core import Binder
from vedette.kql.binder.scope import Scope
from vedette.kql.bound import Expr, Relation
from vedette.kql.operators.evaluate import EvaluateOperator
from vedette.kql.types import NUMBERS, Type


def geo_lookup(
    binder: Binder, node: EvaluateOperator, input_: Relation | None, scope: Scope, key: str, least: int,
    bounds: Callable[[object, float], object], distance: str, inside: str | None,
) -> Relation:  # fmt: skip
    """Rows whose place is within the radius of a shape, or (`inside`, without a radius) in it."""
    parameters = (
        f"LookupTable {key} SourceLongitude SourceLatitude radius return_unmatched lookup_area_radius return_lookup_key"
    )
    args = Arguments(binder, node, input_, scope, parameters, least=least)
    if importlib.util.find_spec("s2geometry") is None:
        raise binder.refuse(f"the plugin '{args.plugin}' without the extra vedette[geo]", node.call)
    table = args.table("LookupTable")
    shape = lookup_column(args, table, args.given[key])
    if shape.type not in (Type.DYNAMIC, Type.UNKNOWN):
        raise binder.stop("KS107", f"A shape is dynamic GeoJSON, not {shape.type}; use parse_json()", args.given[key])
    place: list[Expr] = []
    for name in ("SourceLongitude", "SourceLatitude"):
        value = args.expression(name)
        if value.type not in NUMBERS | {Type.UNKNOWN}:
            raise binder.stop("KS127", f"Degrees are a number, not {value.type}", args.given[name])
        place.append(value)
    radius: float | None = None
    if args.has("radius"):
        kind, given = args.fixed(args.given["radius"])
        if kind not in NUMBERS:
            raise binder.stop("KS127", "The radius is a number of metres", args.given["radius"])
        radius = None if given is None else float(str(given))
    unmatched, keeps = flag(args, "return_unmatched"), flag(args, "return_lookup_key")

    def matching(compiler: Compiler) -> tuple[list[str], list[str], str]:
        sql = compiler.sql
        degrees = [sql.cast(compiler.emitter.emit(value), Type.REAL) for value in place]
        own = [f"{value} AS {name}" for value, name in zip(degrees, ("lx", "ly"), strict=True)]
        value = Fragment(f"c{shape.id}", Type.DYNAMIC)
        around = sql.literal(radius if radius is not None else 0.0, Type.REAL)
        box = sql.row(f"bounds_{args.plugin}", bounds, Type.DYNAMIC, value, around)
        other = [f"CAST(CAST({box} AS JSON) AS DOUBLE[]) AS rb", f"{value} AS rs"]
        # most pairs are told apart by the bounds, whose longitudes may go round the date line
        near = (
            "l.ly BETWEEN r.rb[2] AND r.rb[4] AND CASE WHEN r.rb[1] <= r.rb[3] "
            "THEN l.lx BETWEEN r.rb[1] AND r.rb[3] ELSE l.lx >= r.rb[1] OR l.lx <= r.rb[3] END"
        )
        at = (Fragment("l.lx", Type.REAL), Fragment("l.ly", Type.REAL), Fragment("r.rs", Type.DYNAMIC))
        if radius is None and inside is not None:
            exact = sql.row(inside, binder.catalog.scalars[inside].emit, Type.BOOL, *at)
        else:
            exact = f"{sql.row(distance, binder.catalog.scalars[distance].emit, Type.REAL, *at)} <= {around}"
        return own, other, f"(CASE WHEN {near} THEN {exact} ELSE false END)"

    return lookup(args, table, matching, unmatched=unmatched, drop=[] if keeps else [shape])
