"""Changed queries: nothing but an answer or a refusal comes of them, soon, and a refusal points into the text."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import orjson
import pytest

from tests.plugins.shared_material import find_shared
from tests.security.mutation import mutated, own_queries, shared_queries
from vedette.core.clock import SystemClock
from vedette.engine.query import Limits, QueryFailed
from vedette.kql.diagnostics import MAX_DIAGNOSTICS, Diagnostic, KqlError
from vedette.store.logstore import LogStore

SEED = 20260301
SECONDS = 2.0
"""Of this thread's own time for a query as people write them. At rest none takes more than one; two test processes that share caches
and memory make a `search` over every known table take twice that."""
LONG_SECONDS = 8.0
"""The same for a text of a million characters."""


@pytest.fixture(scope="module")
def logs() -> Iterator[LogStore]:
    with LogStore(None, SystemClock(), memory="1GB") as store:
        store.check("print 1")  # what is loaded once only
        yield store


def inside(text: str, diagnostics: list[Diagnostic]) -> None:
    assert len(diagnostics) <= 2 * MAX_DIAGNOSTICS
    for one in diagnostics:
        assert one.message
        assert one.code.startswith(("KS", "VDT"))
        assert 0 <= one.start <= one.start + one.length <= len(text), (text, one)


def checked(logs: LogStore, text: str, seconds: float = SECONDS) -> list[Diagnostic]:
    started = time.thread_time()
    try:
        diagnostics = logs.check(text).diagnostics
    except Exception as error:
        raise AssertionError(f"{type(error).__name__} from the query {text[:2000]!r}") from error
    assert time.thread_time() - started < seconds, text[:2000]
    inside(text, diagnostics)
    return diagnostics


def run(logs: LogStore, text: str) -> None:
    try:
        result = logs.query(text, limits=Limits(rows=1000, seconds=5))
        orjson.dumps(result.rows)
    except KqlError as error:
        inside(text, error.diagnostics)
    except QueryFailed as failed:
        if failed.code == "VDT2003" and "surrogate" not in str(failed):  # whatever else the database engine says
            raise AssertionError(f"{text!r}: {failed}") from failed
    except Exception as error:
        raise AssertionError(f"{type(error).__name__} from the query {text[:2000]!r}") from error


def test_changed_queries_are_checked(logs: LogStore) -> None:
    for text in islice(mutated(own_queries(), SEED), 1500):
        checked(logs, text)


def test_changed_queries_are_run(logs: LogStore) -> None:
    for text in islice(mutated(own_queries(), SEED + 1), 120):
        run(logs, text)


def test_changed_real_queries_are_checked(logs: LogStore, shared: Path) -> None:
    for text in islice(mutated(shared_queries(shared), SEED), 800):
        checked(logs, text, 2 * SECONDS)


@pytest.mark.soak
def test_changed_queries_without_end(logs: LogStore) -> None:
    """As long as VEDETTE_SOAK_SECONDS says (600), with another seed each time (VEDETTE_SOAK_SEED repeats one)."""
    seed = int(os.environ.get("VEDETTE_SOAK_SEED", "0")) or time.time_ns()
    print(f"VEDETTE_SOAK_SEED={seed}")
    material = find_shared()
    queries = own_queries() + (shared_queries(material) if material else [])
    ended = time.monotonic() + float(os.environ.get("VEDETTE_SOAK_SECONDS", "600"))
    for number, text in enumerate(mutated(queries, seed)):
        checked(logs, text, 2 * SECONDS)
        if number % 10 == 0:
            run(logs, text)
        if time.monotonic() > ended:
            break


MILLION = 1_000_000
LONG = {
    "nothing": "\x00" * MILLION,
    "marks": "\ufeff" * MILLION,
    "emoji": "\U0001f600" * MILLION,
    "halves": "\ud800" * MILLION,
    "pipes": "print 1" + "|" * 990_000,
    "a pipeline": "print x=1 " + "| where x == 1 " * 10_000,
    "an extended pipeline": "print x=1 " + "| extend x = x + 1 " * 10_000,
    "commas": "print " + "," * 990_000,
    "minus": "print " + "-" * 990_000 + "1",
    "a name": "print " + "a" * 990_000,
    "a table": "a" * MILLION,
    "a column": "print " + "a" * 990_000 + " = 1",
    "a number": "print " + "9" * 990_000,
    "a real": "print 1." + "9" * 990_000,
    "a string": "print '" + "x" * 990_000 + "'",
    "unknown tables": "a;" * 500_000,
    "unknown columns": "SecurityEvent | project " + ", ".join(f"Evnt{i}" for i in range(80_000)),
    "unknown functions": "print " + ", ".join(f"foo{i}()" for i in range(70_000)),
    "lets": "".join(f"let a{i} = 1;" for i in range(60_000)) + "print 1",
    "lets of lets": "let a0 = 1;" + "".join(f"let a{i} = a{i - 1};" for i in range(1, 45_000)) + "print 1",
    "functions": "".join(f"let f{i} = () {{ 1 }};" for i in range(40_000)) + "print f1()",
    "joins": "SecurityEvent" + " | join SecurityEvent on EventID" * 30_000,
    "a union": "union " + ", ".join(["SecurityEvent"] * 60_000),
    "columns": "print " + ", ".join(f"a{i} = 1" for i in range(70_000)),
    "typed columns": "print " + ", ".join(["datetime(2020-01-01)"] * 40_000),
    "patterns": "SecurityEvent | project-away " + ", ".join(["E*t*"] * 150_000),
    "a list": "print 1 in (" + ", ".join(["1"] * 150_000) + ")",
    "an array": "print dynamic([" + ", ".join(["1"] * 150_000) + "])",
    "a datatable": "datatable(a: long) [" + ", ".join(["1"] * 150_000) + "]",
    "indexes": "print a" + "[0]" * 300_000,
    "parentheses": "print " + "(" * 400_000 + "1" + ")" * 400_000,
}


@pytest.mark.parametrize("form", LONG)
def test_a_long_text_takes_time_in_proportion(logs: LogStore, form: str) -> None:
    checked(logs, LONG[form][: MILLION // 4], LONG_SECONDS / 2)


@pytest.mark.parametrize("form", ["nothing", "a name", "unknown tables", "joins", "typed columns"])
def test_a_million_characters_take_time_in_proportion(logs: LogStore, form: str) -> None:
    checked(logs, LONG[form][:MILLION], LONG_SECONDS)


@pytest.mark.soak
@pytest.mark.parametrize("form", LONG)
def test_a_million_characters_of_any_form(logs: LogStore, form: str) -> None:
    checked(logs, LONG[form][:MILLION], LONG_SECONDS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("print x = 1" + " - 99" * 40, 1 - 99 * 40),
        ("print x = 7" + " * 3" * 40, (7 * 3**40 + 2**63) % 2**64 - 2**63),
        ("print x = 10" + " % 7" * 20, 3),
        ("print x = " + "abs(" * 20 + "-5" + ")" * 20, 5),
        ("print x = " + "bin(" * 15 + "17" + ", 5)" * 15, 15),
        ("print x = " + "substring(" * 15 + "'abc'" + ", 0, 2)" * 15, "ab"),
        ("print x = " + "indexof(tostring(" * 10 + "'abc'" + "), '0')" * 10, -1),
        ("print x = " + "tostring(tolong(" * 15 + "'12'" + "))" * 15, "12"),
        ("print x = datetime(2026-03-01)" + " - 1d" * 28, "2026-02-01T00:00:00.0000000Z"),
        ("datatable(a: long) [1] | extend x = a" + " + a" * 30 + " | project x", 31),
        ("datatable(a: long) [1] | summarize x = sum(a" + " + a" * 30 + ")", 31),
        ("print x = toscalar(print 5)" + " - 1" * 30, -25),
    ],
)  # fmt: skip
def test_operators_in_a_row_do_not_multiply(logs: LogStore, text: str, expected: object) -> None:
    started = time.thread_time()
    assert logs.query(text, limits=Limits(seconds=60)).rows == [[expected]]
    assert time.thread_time() - started < 10
