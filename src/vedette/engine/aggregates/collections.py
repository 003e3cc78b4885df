"""Lists, sets and bags of a group (rules 42, 62, 66 and 67)."""

from __future__ import annotations

from vedette.engine.catalog import aggregate
from vedette.engine.dialect import DuckDbSql, json_text
from vedette.engine.fragment import Fragment
from vedette.kql.types import Type

MAX_ELEMENTS = 1_048_576
"""How many elements a list, set or bag holds unless fewer are asked for (Kusto's default)."""

# JSON of these types is plain SQL, so it may be made inside a list, after duplicates are gone
_PLAIN = frozenset({Type.BOOL, Type.INT, Type.LONG, Type.STRING, Type.GUID, Type.DATETIME, Type.REAL})

_ALIKE = frozenset({Type.BOOL, Type.INT, Type.LONG, Type.STRING})
"""Types of which the engine writes JSON as KQL does, so that it may write a whole list at once."""


def _limit(size: Fragment | None) -> int:
    given = size.value if size is not None else None
    return given if isinstance(given, int) and 0 <= given < MAX_ELEMENTS else MAX_ELEMENTS


def _filter(*conditions: str | None) -> str:
    present = [condition for condition in conditions if condition]
    return f" FILTER (WHERE {' AND '.join(present)})" if present else ""


def _known(value: Fragment) -> str | None:
    return f"{value} IS NOT NULL" if value.nullable else None


def _array(list_sql: str, limit: int) -> Fragment:
    """A dynamic array of the first JSON texts of a list; of no list it is empty."""
    text = f"coalesce(array_to_string(list_slice({list_sql}, 1, {limit}), ','), '')"
    return Fragment(f"('[' || {text} || ']')", Type.DYNAMIC, False)


def _elements(sql: DuckDbSql, value: Fragment) -> str:
    """A dynamic value as a list of JSON texts: an array's elements, else the value itself."""
    array = f"CAST(json_extract({value}, '$[*]') AS VARCHAR[])"
    return f"CASE WHEN json_type({value}) = 'ARRAY' THEN {array} ELSE [{sql.to_json(value)}] END"


def _list(sql: DuckDbSql, value: Fragment, condition: str | None, size: Fragment | None) -> Fragment:
    order = f" ORDER BY {sql.aggregate_order}" if sql.aggregate_order else ""
    if value.type is Type.DYNAMIC:
        # an array's elements become the list's own; the null of dynamic is a value like others
        return _array(f"flatten(list({_elements(sql, value)}{order}){_filter(condition)})", _limit(size))
    where = _filter(condition, _known(value))
    if value.type in _ALIKE and sql.may("whole-list-json"):
        kept = f"list_slice(list({value}{order}){where}, 1, {_limit(size)})"
        return Fragment(f"coalesce(CAST(to_json({kept}) AS VARCHAR), '[]')", Type.DYNAMIC, False)
    return _array(f"list({sql.to_json(value)}{order}){where}", _limit(size))


def first_seen(values: object, limit: int) -> object:
    """The different elements of an array, nulls left out, in the order in which each comes first."""
    elements = values if isinstance(values, list) else []
    return list({json_text(element): element for element in elements if element is not None}.values())[:limit]


def _set(sql: DuckDbSql, value: Fragment, condition: str | None, size: Fragment | None) -> Fragment:
    # sorted, so that the same rows always give the same set, and the same part of one that is cut
    where = _filter(condition, _known(value))
    if sql.first_seen:
        found = _list(sql, value, condition, None)
        text = sql.row("first_seen", first_seen, Type.DYNAMIC, found, sql.literal(_limit(size), Type.LONG))
        return Fragment(text, Type.DYNAMIC, False)
    if value.type is Type.DYNAMIC:
        # an array's elements take part one by one
        elements = f"list_distinct(list_filter(flatten(list({_elements(sql, value)}){where}), lambda e: e <> 'null'))"
        return _array(f"list_sort({elements})", _limit(size))
    if value.type in _ALIKE and sql.may("whole-list-json"):
        kept = f"list_slice(list_sort({_distinct(sql, value)}{where}), 1, {_limit(size)})"
        return Fragment(f"coalesce(CAST(to_json({kept}) AS VARCHAR), '[]')", Type.DYNAMIC, False)
    if value.type in _PLAIN:
        element = sql.to_json(Fragment("e", value.type, False))
        distinct = f"list_sort({_distinct(sql, value)}{where})"
        return _array(f"list_transform(list_slice({distinct}, 1, {_limit(size)}), lambda e: {element})", _limit(size))
    text = sql.to_json(value)
    return _array(f"list_sort(list(DISTINCT {text}){where})", _limit(size))


def _distinct(sql: DuckDbSql, value: Fragment) -> str:
    """The list of the different values; `distinct_input` says that no value comes twice anyhow."""
    return f"list({value})" if sql.distinct_input else f"list(DISTINCT {value})"


def merge_bags(bags: object, limit: int) -> object:
    """One bag of many; of a key's values the first stays."""
    merged: dict[str, object] = {}
    for bag in bags if isinstance(bags, list) else ():
        if isinstance(bag, dict):
            for key, value in bag.items():
                if key not in merged and len(merged) < limit:
                    merged[key] = value
    return merged


def all_of(sql: DuckDbSql, value: Fragment, condition: str | None = None) -> Fragment:
    """Every dynamic value of a group that is not null, as one array in no order."""
    where = _filter(condition, _known(value))
    return _array(f"list({sql.to_json(value)}){where}", MAX_ELEMENTS)


def _bag(sql: DuckDbSql, value: Fragment, condition: str | None, size: Fragment | None) -> Fragment:
    order = f" ORDER BY {sql.aggregate_order}" if sql.aggregate_order else ""
    where = _filter(condition, f"json_type({value}) = 'OBJECT'")
    bags = _array(f"list({value}{order}){where}", MAX_ELEMENTS)
    text = sql.row("merge_bags", merge_bags, Type.DYNAMIC, bags, sql.literal(_limit(size), Type.LONG))
    return Fragment(text, Type.DYNAMIC, False)


@aggregate(
    "make_list(expr: any, maxSize?: const integer): dynamic", names="prefix:list", aliases=("makelist",),
    about="An array of the values, nulls left out, in the order of the rows where they have one.",
    page="make-list-aggregation-function",
)  # fmt: skip
def make_list(sql: DuckDbSql, value: Fragment, size: Fragment | None = None) -> Fragment:
    return _list(sql, value, None, size)


@aggregate(
    "make_list_if(expr: any, predicate: bool, maxSize?: const integer): dynamic", names="prefix:list",
    about="An array of the values of the rows that meet a condition.", page="make-list-if-aggregation-function",
)  # fmt: skip
def make_list_if(sql: DuckDbSql, value: Fragment, predicate: Fragment, size: Fragment | None = None) -> Fragment:
    return _list(sql, value, predicate.sql, size)


@aggregate(
    "make_list_with_nulls(expr: any): dynamic", names="prefix:list",
    about="An array of the values, nulls included.", page="make-list-with-nulls-aggregation-function",
)  # fmt: skip
def make_list_with_nulls(sql: DuckDbSql, value: Fragment) -> Fragment:
    dynamic = Fragment(sql.to_json(value), Type.DYNAMIC, False)
    return _list(sql, dynamic, None, None)


@aggregate(
    "make_set(expr: any, maxSize?: const integer): dynamic", names="prefix:set", aliases=("makeset",),
    about="An array of the distinct values; elements of arrays count one by one.",
    page="make-set-aggregation-function",
)  # fmt: skip
def make_set(sql: DuckDbSql, value: Fragment, size: Fragment | None = None) -> Fragment:
    return _set(sql, value, None, size)


@aggregate(
    "make_set_if(expr: any, predicate: bool, maxSize?: const integer): dynamic", names="prefix:set",
    about="An array of the distinct values of the rows that meet a condition.",
    page="make-set-if-aggregation-function",
)  # fmt: skip
def make_set_if(sql: DuckDbSql, value: Fragment, predicate: Fragment, size: Fragment | None = None) -> Fragment:
    return _set(sql, value, predicate.sql, size)


@aggregate(
    "make_bag(expr: bag, maxSize?: const integer): dynamic", names="prefix:bag",
    about="One bag of the properties of all bags; what is no bag is left out.",
    page="make-bag-aggregation-function",
)  # fmt: skip
def make_bag(sql: DuckDbSql, value: Fragment, size: Fragment | None = None) -> Fragment:
    return _bag(sql, value, None, size)


@aggregate(
    "make_dictionary(expr: bag, maxSize?: const integer): dynamic", names="prefix:dictionary",
    about="The older name of make_bag().",
)  # fmt: skip
def make_dictionary(sql: DuckDbSql, value: Fragment, size: Fragment | None = None) -> Fragment:
    return _bag(sql, value, None, size)


@aggregate(
    "make_bag_if(expr: bag, predicate: bool, maxSize?: const integer): dynamic", names="prefix:bag",
    about="One bag of the properties of the bags in the rows that meet a condition.",
    page="make-bag-if-aggregation-function",
)  # fmt: skip
def make_bag_if(sql: DuckDbSql, value: Fragment, predicate: Fragment, size: Fragment | None = None) -> Fragment:
    return _bag(sql, value, predicate.sql, size)
