"""Tabular operators where rows alone do not tell: places of errors, drawing, limits, chance, invariants."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.plugins.engine import NOW
from vedette.engine.operators.parse_kv import pairs
from vedette.engine.operators.reduce import reduce_pattern, reduce_terms
from vedette.engine.query import QueryEngine, QueryFailed, QueryOptions
from vedette.engine.result import Result
from vedette.kql.diagnostics import KqlError


def run(engine: QueryEngine, text: str) -> Result:
    return engine.run(text, QueryOptions(NOW))


@pytest.mark.parametrize(
    ("text", "place", "word"),
    [
        ("print at = now() | make-series count() on at step 1", "1", "timespan|long"),
        ("print x = 1 | make-series count() default = 0 on x from 'a' to 3 step 1", "'a'", "long"),
        ("print x = 1 | top-nested 2 of x by absent", "absent", "absent"),
        ("print s = '' | parse-kv s as (a: long) with (pair_delimiter = s, kv_delimiter = '=')", "s", "pair_delimiter"),
        ("print abc = 1 | render timechart with (xcolumn = abd)", "abd", "did you mean 'abc'"),
        ("print s = '' | reduce by s with threshold = 7", "7", "between 0 and 1"),
        ("print s = '' | sample-distinct 2 of tolower(s)", "tolower(s)", "extend"),
    ],
)
def test_an_error_is_at_its_place(engine: QueryEngine, text: str, place: str, word: str) -> None:
    with pytest.raises(KqlError) as caught:
        run(engine, text)
    found = caught.value.diagnostics[0]
    assert text[found.start : found.start + found.length] == place
    assert any(part in found.message for part in word.split("|")), found.message


def test_a_result_says_how_to_draw_it(engine: QueryEngine) -> None:
    text = (
        "print at = now(), a = 1, b = 2 | render timechart with "
        "(title = strcat('x', 'y'), xcolumn = at, ycolumns = a, b, ymin = -1.5, kind = stacked, accumulate = true)"
    )
    assert run(engine, text).visualization == {
        "visualization": "timechart", "title": "xy", "xcolumn": "at", "ycolumns": ["a", "b"], "ymin": -1.5,
        "kind": "stacked", "accumulate": True,
    }  # fmt: skip
    assert run(engine, "let t = print a = 1 | render piechart; t").visualization == {"visualization": "piechart"}
    assert run(engine, "print a = 1 | render barchart kind = stacked by a").visualization == {
        "visualization": "barchart", "kind": "stacked", "series": ["a"],
    }  # fmt: skip
    assert run(engine, "print a = 1").visualization is None
    # each result of a batch has its own, and a part of a query none
    drawn = engine.run_all("print 1 | render card; union (print 2 | render table), (print 3)", QueryOptions(NOW))
    assert [result.visualization for result in drawn] == [{"visualization": "card"}, None]


def test_each_statement_gives_its_table(engine: QueryEngine) -> None:
    result = run(engine, "print a = 1; print b = 2 | fork (project c = b) (count); print d = 3")
    assert [[column.name for column in table.columns] for table in result.tables()] == [["a"], ["c"], ["Count"], ["d"]]


@pytest.mark.parametrize(
    "rest",
    ["on i step 1", "on i from 0 to 9000000000 step 1", "on i from 0 step 1", "on i to 9000000000 step 1",
     "on i in range(0, 9000000000, 1)"],
)  # fmt: skip
def test_a_series_has_an_end(engine: QueryEngine, rest: str) -> None:
    with pytest.raises(QueryFailed, match=r"^make-series makes at most 1048576 values") as caught:
        run(engine, f"datatable(i: long)[1, 3000000] | make-series n = count() {rest}")
    assert caught.value.code == "VDT2006"


def test_series_of_a_million_rows(engine: QueryEngine) -> None:
    started = time.process_time()
    result = run(
        engine,
        "range i from 0 to 999999 step 1 | extend at = datetime(2024-01-01) + (i * 7919 % 2592000) * 1s, g = i % 1000"
        " | make-series n = count(), a = avg(i) on at from datetime(2024-01-01) to datetime(2024-01-31) step 1h by g"
        " | summarize count(), sum(array_length(n)), sum(array_sum(n))",
    )
    assert result.rows == [[1000, 720_000, 1_000_000.0]]
    # a few seconds on an idle machine; this bound only tells a loop over rows from one over bins
    assert time.process_time() - started < 60


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-40, 40), st.integers(0, 2)), max_size=25), st.integers(-20, 20),
    st.integers(0, 30), st.integers(1, 7),
)  # fmt: skip
def test_series_agree_with_counting(
    engine: QueryEngine, rows: list[tuple[int, int]], first: int, length: int, step: int
) -> None:
    table = ", ".join(f"{place}, {group}" for place, group in rows)
    last = first + length
    text = (
        f"datatable(x: long, g: long)[{table}] | make-series n = count() on x from {first} to {last} step {step} by g"
        " | order by g asc"
    )
    expected = []
    for group in sorted({group for place, group in rows if first <= place < last}):
        bins = list(range(first, last, step))
        counts = [sum(1 for p, g in rows if g == group and b <= p < min(b + step, last)) for b in bins]
        expected.append([group, counts, bins])
    assert run(engine, text).rows == expected


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(st.from_regex(r"[a-z]{1,4}", fullmatch=True), st.text("abc =;'é", max_size=8), max_size=4),
    st.booleans(),
)  # fmt: skip
def test_quoted_pairs_come_back(values: dict[str, str], greedy: bool) -> None:
    form = (
        '[{"pair_delimiter": ";", "kv_delimiter": "=", "regex": "", "quotes": ["\\"\\""], "escapes": ["\\\\"], "greedy": '
        + ("true" if greedy else "false")
        + "}, ["
        + ", ".join(f'"{key}"' for key in values)
        + "]]"
    )
    text = " ; ".join(f'{key} = "{value}"' for key, value in values.items())
    assert pairs(text, form) == list(values.values())


@given(st.text("ab1 -_.", max_size=20), st.sampled_from(["", "-", " -"]))
def test_a_pattern_of_all_terms_is_the_text(text: str, separators: str) -> None:
    terms = reduce_terms(text, separators)
    kept = list(range(1, len(terms) + 1))
    assert reduce_pattern(text, kept, separators) == (text if terms else "")
    assert reduce_pattern(text, [], separators) == ""


def test_a_sample_is_not_always_the_same(engine: QueryEngine) -> None:
    text = "range i from 1 to 1000 step 1 | sample 5"
    drawn = {str(sorted(run(engine, text).rows)) for _ in range(5)}
    assert len(drawn) > 1
