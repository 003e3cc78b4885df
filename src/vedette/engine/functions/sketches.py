"""What sketches say, and their merging: dcount_hll, percentile_tdigest, rank_tdigest and relatives."""

from __future__ import annotations

from vedette.engine.catalog import scalar
from vedette.engine.dialect import DuckDbSql
from vedette.engine.fragment import Fragment
from vedette.engine.sketches import (
    count_hashes,
    is_hashes,
    merge_digests,
    merge_hashes,
    percentile,
    rank,
    read_digest,
)
from vedette.kql import ticks
from vedette.kql.types import Type


@scalar(
    "hll_merge(hll: array, hlls: array...): dynamic", names="only:hll_merged_result", page="hll-merge-function",
    about="One sketch of distinct values out of several.", kind="row",
)  # fmt: skip
def hll_merge(*sketches: object) -> object:
    return merge_hashes(sketches)


@scalar(
    "dcount_hll(hll: array): long", about="How many distinct values a sketch has seen.", names="prefix:",
    page="dcount-hll-function", kind="row",
)  # fmt: skip
def dcount_hll(sketch: object) -> object:
    return count_hashes(sketch)


@scalar("hll_isvalid(hll: array): bool", about="Whether a value is a sketch that hll() makes.", kind="row")
def hll_isvalid(sketch: object) -> object:
    return is_hashes(sketch)


@scalar(
    "merge_tdigest(tdigest: array, tdigests: array...): dynamic", names="only:tdigests_merge_result",
    about="One sketch of a distribution out of several.", page="merge-tdigest-function",
    aliases=("tdigest_merge",), kind="row",
)  # fmt: skip
def merge_tdigest(*sketches: object) -> object:
    return merge_digests(sketches)


@scalar("tdigest_isvalid(digest: array): bool", about="Whether a value is a sketch that tdigest() makes.", kind="row")
def tdigest_isvalid(sketch: object) -> object:
    return read_digest(sketch) is not None


def _shown(kind: str, value: float | None) -> object:
    """A percentile as a dynamic value of the type that the digest was made of."""
    if value is None:
        return None
    if kind == "datetime":
        return ticks.format_datetime(round(value))
    if kind == "timespan":
        return ticks.format_timespan(round(value))
    return round(value) if kind in ("int", "long") else float(value)


def percentile_of(sketch: object, percent: float) -> object:
    """A percentile of a digest, as its type is written."""
    known = read_digest(sketch)
    return None if known is None else _shown(known[0], percentile(known[1], percent))


@scalar(
    "percentile_tdigest(tdigest: array, percentile1: real): dynamic",
    "percentile_tdigest(tdigest: array, percentile1: real, type: type): typeof(type)",
    about="A percentile out of a sketch, as a dynamic value or as a given type.", names="prefix:",
    page="percentile-tdigest-function", nulls="own",
)  # fmt: skip
def percentile_tdigest(
    sql: DuckDbSql, sketch: Fragment, percent: Fragment, kind: Fragment | None = None
) -> str | Fragment:
    found = Fragment(sql.row("percentile_tdigest", percentile_of, Type.DYNAMIC, sketch, percent), Type.DYNAMIC)
    return found if kind is None else sql.cast(found, kind.type)


def percentiles_of(sketch: object, *percents: object) -> object:
    """Percentiles of a digest as an array."""
    wanted = percents[0] if len(percents) == 1 and isinstance(percents[0], list) else percents
    if read_digest(sketch) is None:
        return None
    return [percentile_of(sketch, percent) if isinstance(percent, int | float) else None for percent in wanted]


@scalar(
    "percentiles_array_tdigest(tdigest: array, percentile: number, typeLiteral: type): typeof(typeLiteral)",
    "percentiles_array_tdigest(tdigest: array, percentiles: array, typeLiteral: type): dynamic",
    "percentiles_array_tdigest(tdigest: array, percentile: real...): dynamic",
    "percentiles_array_tdigest(tdigest: array, percentiles: array): dynamic",
    about="Percentiles out of a sketch as an array; one percentile and a type give a value of that type.",
    names="prefix:percentile_tdigest", page="percentile-array-tdigest-function",
    aliases=("percentile_array_tdigest",), nulls="own",
)  # fmt: skip
def percentiles_array_tdigest(sql: DuckDbSql, sketch: Fragment, *percents: Fragment) -> str | Fragment:
    if len(percents) == 2 and percents[1].constant and percents[1].value is None:
        # what is no value is the name of a type
        if percents[0].type is not Type.DYNAMIC:
            one: str | Fragment = percentile_tdigest(sql, sketch, *percents)
            return one
        percents = percents[:1]
    return sql.row(f"percentiles_tdigest{len(percents)}", percentiles_of, Type.DYNAMIC, sketch, *percents)


def rank_of(sketch: object, value: float, percent: bool) -> object:
    """How many values of a digest do not exceed one, or their share in percent."""
    known = read_digest(sketch)
    if known is None:
        return None
    total = sum(weight for _, weight in known[1])
    below = rank(known[1], value)
    if not percent:
        return float(below)
    return 100.0 * below / total if total else None


def _rank(sql: DuckDbSql, sketch: Fragment, value: Fragment, percent: bool) -> str:
    # times are ticks in a digest as well
    number = Fragment(f"CAST({value} AS DOUBLE)", Type.REAL, value.nullable)
    return sql.row("rank_tdigest", rank_of, Type.REAL, sketch, number, sql.literal(percent, Type.BOOL))


@scalar(
    "rank_tdigest(digest: array, value: summable): real", page="rank-tdigest-function", nulls="own",
    about="How many values of a sketch do not exceed a value.",
)  # fmt: skip
def rank_tdigest(sql: DuckDbSql, sketch: Fragment, value: Fragment) -> str:
    return _rank(sql, sketch, value, False)


@scalar(
    "percentrank_tdigest(digest: array, value: summable): real", page="percentrank-tdigest-function", nulls="own",
    about="The percentage of a sketch's values that do not exceed a value.",
)  # fmt: skip
def percentrank_tdigest(sql: DuckDbSql, sketch: Fragment, value: Fragment) -> str:
    return _rank(sql, sketch, value, True)
