"""Queries of a hostile author: nothing but rows, a refusal or an ended query, within limits."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vedette.core.clock import SystemClock
from vedette.engine.query import Cancellation, Limits, QueryFailed
from vedette.engine.result import Result
from vedette.kql.diagnostics import KqlError
from vedette.store.logstore import LogStore

NUL = "\x00"


@pytest.fixture(scope="module")
def logs() -> Iterator[LogStore]:
    """A small table in a store with little memory."""
    with LogStore(None, SystemClock(), memory="512MB") as store:
        text = 'it\'s "q" \\ {x} $now c1 %s'
        store.append("T_CL", [{"a": i, "s": text, "c1": i, "x1": "x", "d": {"k'\"\\": [1], NUL: 2}} for i in range(3)])
        yield store


def ask(logs: LogStore, text: str, seconds: float = 60.0) -> Result:
    return logs.query(text, limits=Limits(seconds=seconds))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("print \"x'); DROP TABLE store_catalog.meta; --\"", "x'); DROP TABLE store_catalog.meta; --"),
        ("print x=\"{0} {x} %s $now :now ?\"", "{0} {x} %s $now :now ?"),
        ("print ['a\"b; --']='v'", "v"),
        ("datatable(['a\"; drop table x; --']:string)['z']", "z"),
        ("print ['$now']='p', ['c1']=2, ['rowid']=3", "p"),
        (f"print '{NUL}1{NUL}'", f"{NUL}1{NUL}"),
        ("T_CL | where s has 'c1' | project x1 | take 1", "x"),
        ("T_CL | project d[\"k'\\\"\\\\\"][0] | take 1", 1),
        ("T_CL | project d['\\u0000'] | take 1", 2),
    ],
)  # fmt: skip
def test_text_stays_text(logs: LogStore, text: str, expected: object) -> None:
    assert ask(logs, text).rows[0][0] == expected


@pytest.mark.parametrize(
    "text",
    [
        "['/etc/passwd']", "table('/etc/passwd')", "table('store_catalog.meta')", "['store_catalog.loads']",
        "duckdb_settings()", "print read_text('/etc/passwd')", "print getenv('HOME')", "information_schema.tables",
        "externaldata(x:string)['file:///etc/passwd']", "externaldata(x:string)['http://127.0.0.1:1/x']",
    ],
)  # fmt: skip
def test_a_query_reaches_nothing_but_the_tables(logs: LogStore, text: str) -> None:
    with pytest.raises(KqlError):
        ask(logs, text)


@pytest.mark.parametrize(
    "text",
    [
        "range x from 1 to 1000000000000 step 1 | count",
        "range x from -9223372036854775807 to 9223372036854775807 step 1 | count",
        "range x from 1 to 1000000000 step 1 | order by x desc",
        "range x from 1 to 1000000000 step 1 | summarize make_list(x, 1000000000)",
        "range x from 1 to 300000000 step 1 | where isnotempty(tostring(parse_user_agent(tostring(x), 'browser'))) | count",
    ],
)
def test_what_never_ends_is_ended(logs: LogStore, text: str) -> None:
    started = time.monotonic()
    with pytest.raises(QueryFailed) as failed:
        ask(logs, text, seconds=1.5)
    assert failed.value.code in ("VDT2001", "VDT2002")
    assert time.monotonic() - started < 60
    assert ask(logs, "T_CL | count").rows == [[3]]


def test_a_range_has_the_rows_between_its_bounds(logs: LogStore) -> None:
    for count in (0, 1, 2047, 2048, 2049, 2048 * 2048 + 1):
        text = f"range x from 1 to {count} step 1 | summarize count(), sum(x), min(x), max(x)"
        found = ask(logs, text).rows[0]
        assert found[0] == count
        if count:
            assert found[1:] == [count * (count + 1) // 2, 1, count]
    assert ask(logs, "range x from long(null) to 4 step 1").rows == []


def test_a_result_is_cut_at_rows_and_at_bytes(logs: LogStore) -> None:
    rows = logs.query("range x from 1 to 100000 step 1", limits=Limits(rows=7))
    assert [row[0] for row in rows.rows] == [1, 2, 3, 4, 5, 6, 7]
    assert rows.partial == "the result was cut at 7 rows"
    exactly = logs.query("range x from 1 to 7 step 1", limits=Limits(rows=7))
    assert (len(exactly.rows), exactly.partial) == (7, None)
    wide = logs.query("range x from 1 to 50000 step 1 | extend s=strrep('a', 1000)", limits=Limits(bytes=5_000_000))
    assert 2000 < len(wide.rows) < 6000
    assert wide.partial is not None
    assert "bytes" in wide.partial


def test_a_cancelled_query_stops_within_python_functions_too(logs: LogStore) -> None:
    cancellation = Cancellation()
    threading.Timer(0.5, cancellation.cancel).start()
    started = time.monotonic()
    with pytest.raises(QueryFailed) as failed:
        logs.query(
            # a value that nothing reads would not be computed
            "range x from 1 to 300000000 step 1 | extend y = parse_url(strcat('http://', x)) | where y.Host == '' | count",
            cancellation=cancellation,
        )
    assert failed.value.code == "VDT2005"
    assert time.monotonic() - started < 60


@pytest.mark.parametrize("text", ["T_CL " + "| extend a=a+1 " * 1000, "T_CL " + "| where a>0 " * 3000,
                                  "print " + "+".join(["1"] * 10_000), "print " + "(" * 5000 + "1" + ")" * 5000])  # fmt: skip
def test_depth_is_refused(logs: LogStore, text: str) -> None:
    with pytest.raises(KqlError) as refused:
        ask(logs, text)
    assert refused.value.diagnostics[0].code == "KS245"


def test_functions_that_multiply_are_refused(logs: LogStore) -> None:
    text = "let f0=(){range x from 1 to 2 step 1}; "
    text += "".join(f"let f{i}=(){{union f{i - 1}(),f{i - 1}(),f{i - 1}(),f{i - 1}()}}; " for i in range(1, 20))
    started = time.thread_time()
    with pytest.raises(KqlError) as refused:
        ask(logs, text + "f19()")
    assert refused.value.diagnostics[0].code == "VDT1002"
    assert time.thread_time() - started < 20


def test_half_a_character_is_refused_in_words(logs: LogStore) -> None:
    with pytest.raises((QueryFailed, KqlError), match="surrogate"):
        ask(logs, "print '\\ud800'")


def test_deep_json_leaves_as_text(logs: LogStore) -> None:
    deep = ask(logs, "print parse_json(strcat(strrep('[', 500), strrep(']', 500)))").rows
    assert orjson.loads(orjson.dumps(deep)) == [["[" * 500 + "]" * 500]]


_ATOMS = st.sampled_from(
    ["a", "s", "d", "d.k", "1", "-1", "0", "1.5", "''", "'x'", "'\\\\'", "'\\''", "'('", "'\\u0000'", "true", "long(null)",
     "datetime(null)", "now()", "1d", "dynamic(null)", "dynamic([1,'a',null])", "dynamic({'a':1})", "9223372036854775807",
     "real(nan)", "1e308", "datetime(9999-12-31)", "guid(null)", "'{}'", "'$.a'", "decimal(1.5)", "strrep('[', 2000)"]
)  # fmt: skip


def _functions() -> list[str]:
    from vedette.engine.catalog import full_catalog

    return sorted(name for name in full_catalog().scalars if name.replace("_", "").isalnum())


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(data=st.data())
def test_every_call_gives_rows_or_says_why_not(logs: LogStore, data: st.DataObject) -> None:
    def call(depth: int) -> str:
        name = data.draw(st.sampled_from(_functions()))
        count = data.draw(st.integers(0, 4))
        args = [call(depth - 1) if depth and data.draw(st.booleans()) else data.draw(_ATOMS) for _ in range(count)]
        return f"{name}({', '.join(args)})"

    text = f"T_CL | extend z = {call(1)}"
    try:
        found = ask(logs, text)
    except KqlError:
        return
    except QueryFailed as failed:
        if failed.code == "VDT2003":
            raise AssertionError(f"{text}: {failed}") from failed
        return
    orjson.dumps(found.rows)
