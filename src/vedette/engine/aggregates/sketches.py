"""hll and tdigest: sketches of a group, and their merging."""

from __future__ import annotations

from vedette.engine.aggregates.collections import all_of
from vedette.engine.catalog import aggregate
from vedette.engine.dialect import DuckDbSql
from vedette.engine.fragment import Fragment
from vedette.engine.sketches import SIZES, make_digest, merge_digests, merge_hashes
from vedette.kql.types import Type

_HASHED = "string | int | long | decimal | datetime | timespan | guid | dynamic"


def _hll(sql: DuckDbSql, value: Fragment, condition: str, accuracy: Fragment | None) -> Fragment:
    wanted = accuracy.value if accuracy is not None else 1
    size = SIZES.get(wanted, SIZES[1]) if isinstance(wanted, int) else SIZES[1]
    conditions = [condition] if condition else []
    if value.nullable:
        conditions.append(f"{value} IS NOT NULL")
    where = f" FILTER (WHERE {' AND '.join(conditions)})" if conditions else ""
    # half of MD5: hashes must stay the same when they are stored and merged later
    number = f"CAST(md5_number_lower({sql.tostring(value)}) >> 1 AS BIGINT)"
    hashes = f"min(DISTINCT {number}, {size}){where}"
    text = f"coalesce(',' || nullif(array_to_string({hashes}, ','), ''), '')"
    return Fragment(f"('[\"kmv\",{size}' || {text} || ']')", Type.DYNAMIC, False)


@aggregate(
    f"hll(expr: {_HASHED}, accuracy?: const integer): dynamic", names="prefix:hll", page="hll-aggregation-function",
    about="A sketch of the distinct values, for dcount_hll() and hll_merge().",
)  # fmt: skip
def hll(sql: DuckDbSql, value: Fragment, accuracy: Fragment | None = None) -> Fragment:
    return _hll(sql, value, "", accuracy)


@aggregate(
    f"hll_if(expr: {_HASHED}, predicate: bool, accuracy?: const integer): dynamic", names="prefix:hll_if",
    about="A sketch of the distinct values of the rows that meet a condition.", page="hll-if-aggregation-function",
)  # fmt: skip
def hll_if(sql: DuckDbSql, value: Fragment, predicate: Fragment, accuracy: Fragment | None = None) -> Fragment:
    return _hll(sql, value, predicate.sql, accuracy)


@aggregate(
    "hll_merge(hll: array): dynamic", names="prefix:hll_merge", page="hll-merge-aggregation-function",
    about="One sketch of distinct values out of many.",
)  # fmt: skip
def hll_merge(sql: DuckDbSql, sketch: Fragment) -> str:
    return sql.row("hll_merge_all", _merge_hashes, Type.DYNAMIC, all_of(sql, sketch))


def _merge_hashes(sketches: object) -> object:
    return merge_hashes(sketches if isinstance(sketches, list) else [])


def _digest(pairs: object, kind: str) -> object:
    return make_digest(kind, ((value, weight) for value, weight in pairs)) if isinstance(pairs, list) else None


@aggregate(
    "tdigest(expr: summable, weight?: integer): dynamic", names="prefix:tdigest", page="tdigest-aggregation-function",
    about="A sketch of the values' distribution, for percentile_tdigest() and merge_tdigest().",
)  # fmt: skip
def tdigest(sql: DuckDbSql, value: Fragment, weight: Fragment | None = None) -> str:
    # times travel as ticks; decimals as reals, which is what a digest's means are
    number = f"CAST({value} AS DOUBLE)" if value.type in (Type.REAL, Type.DECIMAL) else value.sql
    known = [f"{part} IS NOT NULL" for part in (value, weight) if part is not None]
    if value.type is Type.REAL:
        known.append(f"isfinite({value})")
    where = f" FILTER (WHERE {' AND '.join(known)})"
    if weight is None:
        pairs = (
            f"list_transform(map_entries(histogram({number}){where}), lambda e: '[' || e.key || ',' || e.value || ']')"
        )
    else:
        pairs = f"list('[' || {number} || ',' || {weight} || ']'){where}"
    array = Fragment(f"('[' || coalesce(array_to_string({pairs}, ','), '') || ']')", Type.DYNAMIC, False)
    return sql.row("tdigest", _digest, Type.DYNAMIC, array, sql.literal(value.type.value, Type.STRING))


@aggregate(
    "tdigest_merge(tdigest: array): dynamic", names="prefix:merge_tdigests", aliases=("merge_tdigest",),
    about="One sketch of a distribution out of many.", page="tdigest-merge-aggregation-function",
)  # fmt: skip
def tdigest_merge(sql: DuckDbSql, sketch: Fragment) -> str:
    return sql.row("tdigest_merge_all", _merge_digests, Type.DYNAMIC, all_of(sql, sketch))


def _merge_digests(sketches: object) -> object:
    return merge_digests(sketches if isinstance(sketches, list) else [])
