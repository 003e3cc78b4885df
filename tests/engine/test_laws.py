"""Laws that hold of any query over any table: random well-typed expressions over random rows of every type."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from vedette.core.clock import SystemClock
from vedette.engine.query import Limits
from vedette.store.logstore import LogStore

TYPES = ["int", "long", "real", "decimal", "bool", "string", "datetime", "timespan", "guid", "dynamic"]
TIMES = int(os.environ.get("VEDETTE_LAWS", "0"))
"""How many times as many examples are tried, and others each time; 0: the usual ones."""
COMMON = {
    "deadline": None, "suppress_health_check": list(HealthCheck), "derandomize": not TIMES, "database": None, "print_blob": True,
}  # fmt: skip


@pytest.fixture(scope="module")
def logs() -> Iterator[LogStore]:
    with LogStore(None, SystemClock(), memory="1GB") as store:
        yield store


def rows(logs: LogStore, text: str) -> list[list[Any]]:
    """The rows of a query that must succeed: an error of any kind fails the test with the query."""
    try:
        found = logs.query(text, limits=Limits(seconds=60)).rows
        orjson.dumps(found)
    except Exception as error:
        raise AssertionError(f"{type(error).__name__}: {error}\n{text}") from error
    return found


def key(row: list[Any]) -> bytes:
    return orjson.dumps(row, option=orjson.OPT_SORT_KEYS)


def bag(found: list[list[Any]]) -> list[bytes]:
    return sorted(map(key, found))


# -- values and tables

WORDS = [
    "",
    "a",
    "A",
    "ab",
    "a b",
    "b",
    "ß",
    "é",
    "10",
    "1.5",
    "true",
    "null",
    "a_b",
    "a'b",
    'a"b',
    "\\",
    "\n",
    "%",
    "_",
    "2026-03-01",
    "1d",
]
LITERALS: dict[str, st.SearchStrategy[str]] = {
    "int": st.integers(-(2**31), 2**31 - 1).map(lambda n: f"int({n})") | st.integers(-3, 3).map(lambda n: f"int({n})"),
    "long": st.integers(-(2**63) + 1, 2**63 - 1).map(lambda n: f"long({n})") | st.integers(-3, 3).map(lambda n: f"long({n})"),
    "real": st.sampled_from(["0.0", "1.5", "-2.25", "1e300", "-1e-300", "3.0", "real(nan)", "real(+inf)", "real(-inf)"]).map(
        lambda t: t if t.startswith("real") else f"real({t})"
    ),
    "decimal": st.sampled_from(["0", "1.5", "-2.25", "12345678901234.5678", "3"]).map(lambda t: f"decimal({t})"),
    "bool": st.sampled_from(["true", "false"]),
    "string": st.sampled_from(WORDS).map(lambda t: orjson.dumps(t).decode()),
    "datetime": st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)).map(lambda t: f"datetime({t.isoformat()}Z)"),
    "timespan": st.timedeltas(timedelta(days=-4000), timedelta(days=4000)).map(lambda t: f"timespan({_span(t)})"),
    "guid": st.uuids().map(lambda u: f"guid({u})"),
    "dynamic": st.recursive(
        st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from([1.5, *WORDS]),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "A", "x y"]), inner, max_size=3),
        max_leaves=5,
    ).map(lambda v: f"dynamic({orjson.dumps(v).decode()})"),
}  # fmt: skip


def _span(value: timedelta) -> str:
    sign, whole = ("-", -value) if value < timedelta(0) else ("", value)
    hours, rest = divmod(whole.seconds, 3600)
    return f"{sign}{whole.days}.{hours:02}:{rest // 60:02}:{rest % 60:02}.{whole.microseconds:06}0"


def literal(kind: str) -> st.SearchStrategy[str]:
    null = st.just('""') if kind == "string" else st.just(f"{kind}(null)")
    return st.integers(0, 4).flatmap(lambda n: null if n == 0 else LITERALS[kind])


@st.composite
def tables(draw: st.DrawFn, size: int = 8) -> str:
    """A table with a column of every type, `i` its row number."""
    count = draw(st.integers(0, size))
    columns = ", ".join(["i: long", *(f"c_{kind}: {kind}" for kind in TYPES)])
    cells = [", ".join([str(number), *(draw(literal(kind)) for kind in TYPES)]) for number in range(count)]
    return f"datatable({columns}) [{', '.join(cells)}]"


# -- expressions: (template, types of the arguments) by the type of the result

NUMERIC = ["int", "long", "real", "decimal"]
FORMS: dict[str, list[tuple[str, tuple[str, ...]]]] = {
    "int": [("toint({})", ("long",)), ("toint({})", ("string",)), ("toint({})", ("dynamic",)), ("toint({})", ("real",))],
    "long": [
        *((f"({{}} {op} {{}})", ("long", "long")) for op in "+-*/%"), ("({} + {})", ("int", "int")), ("({} * {})", ("int", "long")),
        ("strlen({})", ("string",)), ("tolong({})", ("string",)), ("tolong({})", ("real",)), ("tolong({})", ("dynamic",)),
        ("array_length({})", ("dynamic",)), ("bin({}, 5)", ("long",)), ("hash({}, 10)", ("string",)), ("datetime_part('day', {})", ("datetime",)),
        ("datetime_diff('hour', {}, {})", ("datetime", "datetime")), ("indexof({}, {})", ("string", "string")), ("sign({})", ("long",)),
        ("binary_and({}, {})", ("long", "long")), ("binary_shift_left({}, 3)", ("long",)), ("countof({}, 'a')", ("string",)),
        ("case({}, {}, {}, {}, {})", ("bool", "long", "bool", "long", "long")), ("max_of({}, {})", ("long", "long")), ("tolong({})", ("datetime",)),
    ],
    "real": [
        *((f"({{}} {op} {{}})", ("real", "real")) for op in "+-*/%"), ("({} / {})", ("timespan", "timespan")), ("sqrt({})", ("real",)),
        ("toreal({})", ("string",)), ("round({}, 1)", ("real",)), ("log({})", ("real",)), ("pow({}, {})", ("real", "real")), ("exp({})", ("real",)),
        ("abs({})", ("real",)), ("({} + {})", ("long", "real")), ("todouble({})", ("dynamic",)), ("bin({}, 0.5)", ("real",)), ("floor({}, 1)", ("real",)),
    ],
    "decimal": [*((f"({{}} {op} {{}})", ("decimal", "decimal")) for op in "+-*/%"), ("todecimal({})", ("string",)), ("todecimal({})", ("long",))],
    "bool": [
        *((f"({{}} {op} {{}})", (kind, kind)) for op in ("==", "!=", "<", "<=", ">", ">=") for kind in [*NUMERIC, "datetime", "timespan"]),
        *((f"({{}} {op} {{}})", (kind, kind)) for op in ("==", "!=") for kind in ("string", "bool", "guid")),
        *((f"({{}} {op} {{}})", ("string", "string")) for op in (
            "=~", "!~", "has", "!has", "contains", "!contains", "startswith", "!startswith", "endswith", "!endswith", "hasprefix", "!hasprefix",
            "hassuffix", "!hassuffix", "has_cs", "!has_cs", "contains_cs", "!contains_cs", "startswith_cs", "endswith_cs", "<", ">",
        )),
        ("({} and {})", ("bool", "bool")), ("({} or {})", ("bool", "bool")), ("not({})", ("bool",)), ("({} in ({}, {}))", ("string",) * 3),
        ("({} !in~ ({}, {}))", ("string",) * 3), ("({} in ({}, {}))", ("long",) * 3), ("({} between ({} .. {}))", ("long",) * 3),
        ("({} !between ({} .. {}))", ("datetime",) * 3), ("({} matches regex 'a.?b|^1')", ("string",)), ("({} has_any ({}, {}))", ("string",) * 3),
        *((f"{name}({{}})", (kind,)) for name in ("isnull", "isnotnull", "isempty", "isnotempty") for kind in TYPES),
        ("tobool({})", ("string",)), ("isnan({})", ("real",)), ("({} == {})", ("dynamic", "string")), ("({} == {})", ("dynamic", "long")),
    ],
    "string": [
        *(("tostring({})", (kind,)) for kind in TYPES), ("strcat({}, {})", ("string", "string")), ("substring({}, 1, 2)", ("string",)),
        ("toupper({})", ("string",)), ("replace_string({}, {}, {})", ("string",) * 3), ("iff({}, {}, {})", ("bool", "string", "string")),
        ("coalesce({}, {})", ("string", "string")), ("extract('(a)', 1, {})", ("string",)), ("trim('a', {})", ("string",)), ("reverse({})", ("string",)),
        ("format_datetime({}, 'yyyy-MM-dd HH:mm:ss')", ("datetime",)), ("strcat_delim('-', {}, {})", ("string", "long")), ("gettype({})", ("dynamic",)),
        ("base64_encode_tostring({})", ("string",)), ("url_encode({})", ("string",)), ("tostring({}.a)", ("dynamic",)), ("tostring({}[0])", ("dynamic",)),
    ],
    "datetime": [
        ("({} + {})", ("datetime", "timespan")), ("({} - {})", ("datetime", "timespan")), ("bin({}, 1d)", ("datetime",)), ("startofday({})", ("datetime",)),
        ("todatetime({})", ("string",)), ("endofmonth({}, 1)", ("datetime",)), ("todatetime({})", ("dynamic",)), ("datetime_add('month', 3, {})", ("datetime",)),
    ],
    "timespan": [
        ("({} - {})", ("datetime", "datetime")), ("({} + {})", ("timespan", "timespan")), ("({} * {})", ("timespan", "long")), ("({} / {})", ("timespan", "long")),
        ("totimespan({})", ("string",)), ("bin({}, 1h)", ("timespan",)), ("dayofweek({})", ("datetime",)),
    ],
    "guid": [("toguid({})", ("string",)), ("iff({}, {}, {})", ("bool", "guid", "guid"))],
    "dynamic": [
        ("parse_json({})", ("string",)), ("pack_array({}, {})", ("string", "long")), ("bag_pack('a', {}, 'b', {})", ("real", "datetime")), ("todynamic({})", ("string",)),
        ("array_concat({}, {})", ("dynamic", "dynamic")), ("array_slice({}, 0, 1)", ("dynamic",)), ("bag_merge({}, {})", ("dynamic", "dynamic")), ("split({}, 'b')", ("string",)),
        ("set_union({}, {})", ("dynamic", "dynamic")), ("bag_keys({})", ("dynamic",)), ("{}.a", ("dynamic",)), ("{}[0]", ("dynamic",)), ("array_sort_asc({})", ("dynamic",)),
    ],
}  # fmt: skip


@st.composite
def expressions(draw: st.DrawFn, kind: str, depth: int = 3) -> str:
    """A well-typed expression over the columns of `tables`."""
    choice = draw(st.integers(0, 5))
    if depth == 0 or choice <= 1:
        return f"c_{kind}" if choice else draw(literal(kind))
    template, kinds = draw(st.sampled_from(FORMS[kind]))
    return template.format(*(draw(expressions(one, depth - 1)) for one in kinds))


def any_expression() -> st.SearchStrategy[str]:
    return st.sampled_from(TYPES).flatmap(expressions)


def grouped() -> st.SearchStrategy[str]:
    """An expression that may be a key: dynamic values are not compared."""
    return st.sampled_from([kind for kind in TYPES if kind != "dynamic"]).flatmap(lambda kind: expressions(kind, 2))


# -- laws


@settings(max_examples=30 * max(1, 2 * TIMES), **COMMON)  # type: ignore[arg-type]
@given(tables(), st.lists(any_expression(), min_size=1, max_size=4))
def test_a_well_typed_query_has_rows(logs: LogStore, table: str, values: list[str]) -> None:
    columns = ", ".join(f"x{number} = {value}" for number, value in enumerate(values))
    found = rows(logs, f"{table} | extend {columns} | project-away c_*")
    assert len(found) == rows(logs, f"{table} | count")[0][0]
    assert [row[0] for row in found] == list(range(len(found)))


@settings(max_examples=30 * max(1, 2 * TIMES), **COMMON)  # type: ignore[arg-type]
@given(tables(), expressions("bool"))
def test_a_predicate_its_negation_and_its_null_part_the_rows(logs: LogStore, table: str, p: str) -> None:
    parts = [
        row[0] for form in (p, f"not({p})", f"isnull({p})") for row in rows(logs, f"{table} | where {form} | project i")
    ]
    assert sorted(parts) == [row[0] for row in rows(logs, f"{table} | project i")], (table, p)
    # and a predicate is the same as a value and as a filter
    shown = rows(logs, f"{table} | extend p = {p} | where p | project i")
    assert shown == rows(logs, f"{table} | where {p} | project i"), (table, p)
    assert [row[0] for row in shown] == [
        row[0] for row in rows(logs, f"{table} | project i, p = {p}") if row[1] is True
    ], (table, p)


@settings(max_examples=15 * max(1, 2 * TIMES), **COMMON)  # type: ignore[arg-type]
@given(
    tables(),
    grouped(),
    st.integers(0, 9),
    st.sampled_from(["asc", "desc"]),
    st.sampled_from(["", " nulls first", " nulls last"]),
)
def test_take_of_sorted_rows_is_a_prefix(logs: LogStore, table: str, k: str, n: int, way: str, nulls: str) -> None:
    ordered = f"{table} | extend k = {k} | order by k {way}{nulls}, i asc | project i"
    assert rows(logs, f"{ordered} | take {n}") == rows(logs, ordered)[:n]
    topped = rows(logs, f"{table} | extend k = {k} | top {n} by k {way}{nulls}")
    assert len(topped) == min(n, rows(logs, f"{table} | count")[0][0])


@settings(max_examples=15 * max(1, 2 * TIMES), **COMMON)  # type: ignore[arg-type]
@given(tables(), grouped(), any_expression())
def test_groups_add_up(logs: LogStore, table: str, k: str, x: str) -> None:
    total = rows(logs, f"{table} | count")[0][0]
    by_key = rows(logs, f"{table} | summarize n = count() by k = {k}")
    assert sum(row[1] for row in by_key) == total
    assert bag([[row[0]] for row in by_key]) == bag(rows(logs, f"{table} | project k = {k} | distinct k"))
    lists = rows(
        logs,
        f"{table} | extend x = {x} | summarize n = array_length(make_list(tostring(x))), m = countif(isnull(x)), c = count(x)",
    )
    assert lists[0][0] == total
    assert lists[0][2] == total
    assert lists[0][1] <= total
    distinct = f"{table} | project k = {k} | distinct k"
    assert bag(rows(logs, distinct)) == bag(rows(logs, f"{distinct} | distinct k"))


@settings(max_examples=10 * max(1, 2 * TIMES), **COMMON)  # type: ignore[arg-type]
@given(tables(5), tables(5), grouped())
def test_unions_and_joins(logs: LogStore, left: str, right: str, k: str) -> None:
    let = f"let L = {left} | extend k = {k}; let R = {right} | extend k = {k}; "
    a, b = rows(logs, f"{let} L | count")[0][0], rows(logs, f"{let} R | count")[0][0]
    assert rows(logs, f"{let} union L, R | count")[0][0] == a + b
    pairs = {
        kind: bag(
            rows(logs, f"{let} L | project l = i, k | join kind={kind} (R | project r = i, k) on k | project l, r")
        )
        for kind in ("inner", "leftouter", "rightouter", "fullouter", "innerunique")
    }

    def within(small: list[bytes], large: list[bytes]) -> bool:
        rest = list(large)
        return all(one in rest and (rest.remove(one) or True) for one in small)  # type: ignore[func-returns-value]

    for kind in ("leftouter", "rightouter", "fullouter"):
        assert within(pairs["inner"], pairs[kind]), (kind, let)
    assert within(pairs["innerunique"], pairs["inner"])
    assert len(pairs["fullouter"]) == len(pairs["leftouter"]) + len(pairs["rightouter"]) - len(pairs["inner"])
    semi = rows(logs, f"{let} L | join kind=leftsemi R on k | project i")
    anti = rows(logs, f"{let} L | join kind=leftanti R on k | project i")
    assert sorted(row[0] for row in semi + anti) == list(range(a))
    assert {row[0] for row in semi} == {orjson.loads(one)[0] for one in pairs["inner"]}
    assert len(pairs["leftouter"]) == len(pairs["inner"]) + len(anti)


@settings(max_examples=10 * max(1, 2 * TIMES), **COMMON)  # type: ignore[arg-type]
@given(tables(), any_expression(), st.sets(st.sampled_from(TYPES), min_size=1, max_size=9))
def test_projections(logs: LogStore, table: str, x: str, gone: set[str]) -> None:
    plain = rows(logs, table)
    assert rows(logs, f"{table} | extend x = {x} | project-away x") == plain
    kept = ", ".join(["i", *(f"c_{kind}" for kind in TYPES if kind not in gone)])
    away = ", ".join(f"c_{kind}" for kind in sorted(gone))
    assert rows(logs, f"{table} | project {kept}") == rows(logs, f"{table} | project-away {away}")
    assert rows(logs, f"{table} | project {kept}") == rows(logs, f"{table} | project-keep {kept}")


@settings(max_examples=15 * max(1, 2 * TIMES), **COMMON)  # type: ignore[arg-type]
@given(tables())
def test_values_survive_their_text(logs: LogStore, table: str) -> None:
    back = {
        "int": "toint",
        "long": "tolong",
        "bool": "tobool",
        "datetime": "todatetime",
        "timespan": "totimespan",
        "guid": "toguid",
    }
    pairs = ", ".join(f"a_{kind} = c_{kind}, b_{kind} = {name}(tostring(c_{kind}))" for kind, name in back.items())
    for row in rows(logs, f"{table} | project {pairs}"):
        assert row[0::2] == row[1::2], table
    dynamic = rows(logs, f"{table} | project c_dynamic, parse_json(tostring(c_dynamic)), gettype(c_dynamic)")
    for value, again, kind in dynamic:
        if kind != "string":  # the text of a string is not JSON
            assert again == value, table


@settings(max_examples=15 * max(1, 2 * TIMES), **COMMON)  # type: ignore[arg-type]
@given(tables(), LITERALS["timespan"])
def test_times_move_there_and_back(logs: LogStore, table: str, span: str) -> None:
    found = rows(
        logs,
        f"{table} | extend there = c_datetime + {span} | project c_datetime, there, back = there - {span}, "
        f"by = there - c_datetime, want = {span}, bin = bin(c_datetime, 1h) <= c_datetime, rest = c_datetime - bin(c_datetime, 1h) < 1h",
    )
    for moment, there, back, by, want, low, rest in found:
        if moment is None:
            assert [there, back, by, low, rest] == [None] * 5
        elif there is not None:  # beyond the year 1 or 9999 there is nothing
            assert back == moment
            assert by == want
        if moment is not None:
            assert (low, rest) == (True, True)


@settings(max_examples=10 * max(1, 2 * TIMES), **COMMON)  # type: ignore[arg-type]
@given(tables(), any_expression(), expressions("bool", 2))
def test_a_name_for_a_query_changes_nothing(logs: LogStore, table: str, x: str, p: str) -> None:
    assume("rand" not in x)
    plain = rows(logs, f"{table} | where {p} | extend x = {x} | project i, x")
    assert (
        rows(logs, f"let T = {table}; let f = (t: (*)) {{ t | where {p} }}; f(T) | extend x = {x} | project i, x")
        == plain
    )
    assert rows(logs, f"let T = materialize({table} | where {p}); T | extend x = {x} | project i, x") == plain
    assert rows(logs, f"{table} | extend x = {x}, p = {p} | where p | project i, x") == plain
    halves = f"{table} | where {p}"
    both = rows(
        logs,
        f"union ({halves} | where i % 2 == 0), ({halves} | where i % 2 == 1) | extend x = {x} | order by i asc | project i, x",
    )
    assert both == plain
