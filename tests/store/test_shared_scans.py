"""Looks that queries share: whose result a look calls empty has none, whatever the query and the rows are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.log_rows import RowMaker, put_models
from tests.detect.corpus_workspace import NOW as CORPUS_NOW
from tests.detect.corpus_workspace import SECONDS, WithParsers, fill, rules, workspace
from vedette.core.clock import SystemClock, VirtualClock
from vedette.core.database import State
from vedette.core.errors import VedetteError
from vedette.core.roles import SYSTEM
from vedette.engine.query import Limits, QueryFailed
from vedette.engine.rewrites import ALL_REWRITES
from vedette.kql.diagnostics import KqlError
from vedette.kql.types import Type
from vedette.store.content import WorkspaceContent
from vedette.store.functions import FunctionDefinition, SavedFunctions
from vedette.store.logstore import LogStore
from vedette.store.shared_scans import SharedScans
from vedette.store.watchlists.lists import Watchlists, WatchlistSettings

NOW = datetime(2026, 6, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
USERS = ["ann", "bob", "Cid", ""]
LONG = 3600.0
TIMES = int(os.environ.get("VEDETTE_LAWS", "0"))
"""How many times as many examples are tried, and others each time; 0: the usual ones."""


def thing(number: int) -> dict[str, Any]:
    return {
        "TimeGenerated": NOW - timedelta(minutes=7 * number, seconds=number), "User": USERS[number % 4], "Number": number,
        "Score": None if number % 7 == 0 else number % 10, "Share": number / 3, "Ok": number % 2 == 0,
        "Text": f"run {number} sqlmap/{number % 3} {USERS[number % 4]}",
        "Bag": {"os": ["Windows", "mac", None][number % 3], "n": number % 5, "list": [number % 4, "x"]},
    }  # fmt: skip


def act(number: int) -> dict[str, Any]:
    return {
        "TimeGenerated": NOW - timedelta(minutes=11 * number), "Who": USERS[number % 3], "Number": number * 2,
        "What": ["read", "write", "delete"][number % 3], "At": (NOW - timedelta(hours=number)).isoformat(),
    }  # fmt: skip


@pytest.fixture(scope="module")
def store() -> Iterator[LogStore]:
    with LogStore(None, VirtualClock(NOW)) as made:
        made.append("Things_CL", [thing(number) for number in range(200)])
        made.append("Acts_CL", [act(number) for number in range(60)])
        yield made


def told(logs: LogStore, text: str, hours: float = 24, **more: Any) -> bool:
    """Whether a look calls a query's result empty."""
    return SharedScans(logs, SystemClock(), **more).look([(text, NOW - hours * HOUR, NOW, LONG)], 60)[0].empty


def count(logs: LogStore, text: str, hours: float = 24) -> int:
    return len(logs.query(text, now=NOW, timespan=(NOW - hours * HOUR, NOW), limits=Limits(seconds=60)).rows)


TOLD = [
    "Things_CL | where Number == 1000",
    "Things_CL | where User == 'ann' and Number == 1",
    "Things_CL | where Number > 10 | extend Two = Number * 2 | where Two < 20 | project User",
    "Things_CL | where Bag.os == 'Linux'",
    "Things_CL | where tostring(Bag.os) has 'lin' or Text has 'nothere' | summarize count() by User",
    "Things_CL | where TimeGenerated < ago(2d)",
    "Things_CL | where TimeGenerated between (ago(1m) .. now()) and Number > 0",
    "Things_CL | where ingestion_time() < ago(40d)",
    "Things_CL | where Text matches regex 'sqlmap/[7-9]'",
    "Things_CL | where User in ('x', 'y') or User in~ ('ANNA')",
    "Things_CL | summarize N = count() by U = User | where U == 'dan' and N > 3",
    "Things_CL | summarize N = countif(User == 'dan') by Ok | where N > 2",
    "Things_CL | summarize N = countif(User == 'dan'), M = count() by Ok | extend K = N | where M > 1 and 1 <= K",
    "Things_CL | summarize dcountif(Number, User == 'dan') by Ok | where dcountif_Number >= 1",
    "Things_CL | summarize arg_max(TimeGenerated, *) by User | where User == 'dan'",
    "Things_CL | distinct User, Ok | where User == 'dan'",
    "Things_CL | join kind=inner (Acts_CL | where What == 'rename') on Number",
    "Things_CL | where User == 'dan' | join (Acts_CL) on Number | where Who == 'ann'",
    "Things_CL | join kind=inner (Acts_CL) on Number | where What == 'rename'",
    "Things_CL | where User == 'dan' | join kind=leftouter (Acts_CL) on Number",
    "Things_CL | join kind=leftouter (Acts_CL) on Number | where User == 'dan' or Number == 7000",
    "Things_CL | where User == 'dan' | join kind=leftanti (Acts_CL) on Number",
    "Things_CL | join kind=rightsemi (Acts_CL | where What == 'rename') on Number",
    "Things_CL | join kind=rightouter (Acts_CL | where What == 'rename') on Number",
    "Things_CL | where User == 'dan' | join kind=fullouter (Acts_CL | where What == 'rename') on Number",
    "Things_CL | where User == 'dan' | lookup (Acts_CL) on Number",
    "union Things_CL, Acts_CL | where Number == 5000",
    "union (Things_CL | where User == 'dan'), (Acts_CL | where Who == 'dan') | summarize count() by User",
    "union isfuzzy=true Things_CL, Nothing_CL | where Number == 5000",
    "let T = materialize(Things_CL | where User == 'dan'); T | join (T | project Number) on Number",
    "let F = (n: long) { Things_CL | where Number == n }; F(5000)",
    "Things_CL | where Number == 5000 | mv-expand Bag.list | sort by Number asc | take 5",
    "Things_CL | mv-expand L = Bag.list | where User == 'dan' and L == 3",
    "Things_CL | mv-apply L = Bag.list on (where L == 3 | summarize N = count()) | where User == 'dan'",
    "Things_CL | where User == 'dan' | parse Text with 'run ' N:long ' ' *",
    "Things_CL | where User == 'dan' | sort by Number asc | extend P = prev(User) | where P == 'x'",
    "Things_CL | sort by Number asc | extend P = prev(User) | where P == 'x' and User == 'dan'",
    "Things_CL | where User == 'dan' and rand() < 0.5",
    "Things_CL | where User == 'dan' | make-series count() default=0 on TimeGenerated from ago(1d) to now() step 1h by User",
    "SigninLogs | where UserPrincipalName == 'ann'",
    "search in (Things_CL, Acts_CL) 'nowhereatall'",
    "Things_CL | where Number in ((Acts_CL | project Number)) and User == 'dan'",
    "Things_CL | where User == 'dan' | top 3 by Number | render table",
]
NOT_TOLD = [
    # one row even of nothing
    "Things_CL | where User == 'dan' | count",
    "Things_CL | where User == 'dan' | summarize N = count(), max(Number)",
    # rows that no table has
    "union (Things_CL | where User == 'dan'), (print Number = 1)",
    "range x from 1 to 3 step 1",
    "Things_CL | where User == 'dan' | join kind=rightouter (datatable(Number: long)[1]) on Number",
    # the other side alone is enough
    "Things_CL | where User == 'dan' | join kind=fullouter (Acts_CL) on Number",
    "Things_CL | join kind=leftouter (Acts_CL | where What == 'rename') on Number",
    "Things_CL | join kind=leftanti (Acts_CL | where What == 'rename') on Number",
    # what decides is not of one row, or is chance
    "Things_CL | sort by Number asc | extend P = prev(User) | where P == 'dan'",
    "Things_CL | summarize N = count() by User | where N > 1000",
    "Things_CL | summarize N = countif(User == 'dan') by Ok | where N < 2",
    "Things_CL | summarize N = countif(User == 'dan') by Ok | where N >= 0",
    "Things_CL | where rand() < -1.0",
    "Things_CL | where Number in ((Acts_CL | where What == 'rename' | project Number))",
    # other hosts are asked, whatever the tables hold; and what only data can tell
    "Things_CL | where User == 'dan' | join (externaldata(Number: long)['https://a.example/x.csv']) on Number",
    "Things_CL | where User == 'dan' | evaluate bag_unpack(Bag)",
    "set query_now = datetime(2026-06-02); Things_CL | where User == 'dan'",
    # a mistake stays one
    "Things_CL | where Nobody == 'dan'",
    "Things_CL | where User == 'dan'; Acts_CL | where Who == 'dan'",
]  # fmt: skip


@pytest.mark.parametrize("text", TOLD)
def test_a_look_tells_that_nothing_is_found(store: LogStore, text: str) -> None:
    assert count(store, text) == 0
    assert told(store, text)
    assert not told(store, text, rewrites=ALL_REWRITES - {"shared-scan"})


@pytest.mark.parametrize("text", NOT_TOLD)
def test_a_look_says_nothing_of_what_it_cannot_know(store: LogStore, text: str) -> None:
    assert not told(store, text)


@pytest.mark.parametrize("text", TOLD)
def test_what_is_found_is_never_called_empty(store: LogStore, text: str) -> None:
    """The same queries, with their texts turned into such that rows have."""
    for old, new in (("'dan'", "'ann'"), ("== 1000", "> 3"), ("'rename'", "'write'"), ("== 5000", "> 5"), ("2d", "2h")):
        text = text.replace(old, new)
    if count(store, text):
        assert not told(store, text)


def test_a_look_is_over_the_time_of_each_query(store: LogStore) -> None:
    text = "Things_CL | where Number == 100"  # 11 hours 41 minutes before
    looks = SharedScans(store, SystemClock())
    asked = [
        (text, NOW - hours * HOUR, NOW - later * HOUR, LONG) for hours, later in ((11, 0), (12, 0), (30, 12), (100, 1))
    ]
    assert [one.empty for one in looks.look(asked, 60)] == [True, False, True, False]


def test_each_of_many_conditions_has_its_own_answer(store: LogStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vedette.store.shared_scans._MOST_LOOKS", 30)  # of one statement
    looks = SharedScans(store, SystemClock())
    texts = [f"Things_CL | where Number == {number} and Text has 'run'" for number in range(50, 150)]
    found = looks.look([(text, NOW - 12 * HOUR, NOW, LONG) for text in texts], 60)
    last = next(number for number in range(200) if thing(number)["TimeGenerated"] < NOW - 12 * HOUR)
    assert [number for number, one in enumerate(found, 50) if not one.empty] == list(range(50, last))


def test_what_is_not_worth_its_look_is_not_looked_for(store: LogStore) -> None:
    looks = SharedScans(store, SystemClock())
    text = "Things_CL | where Number == 1000"
    assert looks.look([(text, NOW - 24 * HOUR, NOW, LONG)], 60)[0].empty
    assert not looks.look([(text, NOW - 24 * HOUR, NOW, 0.0)], 60)[0].empty


def test_a_look_that_fails_says_nothing_and_the_one_who_made_it_fail_is_left_out(store: LogStore) -> None:
    looks = SharedScans(store, SystemClock())
    good, bad = "Things_CL | where Number == 1000", "Things_CL | where Number == 2000"
    asked = [(text, NOW - 24 * HOUR, NOW, LONG) for text in (good, bad)]
    assert [one.empty for one in looks.look(asked, 60)] == [True, True]
    known = looks._remembered[bad]
    (row,) = known.wanted
    broken = replace(row, condition="error('no')")
    looks._remembered[bad] = replace(known, wanted=(broken,))
    assert [one.empty for one in looks.look(asked, 60)] == [False, False]
    for _ in range(3):  # each by itself, until it is known who it was
        found = [one.empty for one in looks.look(asked, 60)]
    assert found == [True, False]
    assert [one.empty for one in SharedScans(store, SystemClock()).look(asked, 0.0)] == [False, False]


def test_what_a_query_needs_is_read_anew_when_what_it_was_bound_to_has_changed(
    state: State, workspace: str, clock: VirtualClock
) -> None:
    functions, lists = SavedFunctions(state, workspace, clock), Watchlists(state, workspace, clock)
    with LogStore(None, clock, content=WorkspaceContent(functions, lists)) as logs:
        now = clock.now()
        looks = SharedScans(logs, SystemClock())

        def empty(text: str) -> bool:
            found = looks.look([(text, now - HOUR, now + HOUR, LONG)], 60)[0].empty
            if found:
                assert not logs.query(text, now=now + HOUR, timespan=(now - HOUR, now + HOUR)).rows
            return found

        later = "Later_CL | where Who == 'ann'"
        assert not empty(later)  # no such table
        logs.append("Later_CL", [{"Who": "bob"}])
        assert empty(later)
        logs.append("Later_CL", [{"Who": "ann"}])
        assert not empty(later)
        added = "Later_CL | where column_ifexists('What', 'none') == 'none' and Who == 'cid'"
        assert empty(added)
        logs.append("Later_CL", [{"Who": "cid", "What": "none"}])
        assert not empty(added)
        functions.put(FunctionDefinition("Mine", body="Later_CL | where Who == 'dan'"), SYSTEM)
        assert empty("Mine() | project Who")
        functions.put(FunctionDefinition("Mine", body="Later_CL | where Who == 'bob'"), SYSTEM)
        assert not empty("Mine() | project Who")
        signs = "SigninLogs | where ResultType == '7'"
        assert empty(signs)
        logs.append("SigninLogs", [{"ResultType": "7"}])
        assert not empty(signs)
        listed = "_GetWatchlist('vips') | project Who = Who1"
        assert not empty(listed)
        lists.put("vips", WatchlistSettings("Who1"), [{"Who1": "ann"}], SYSTEM)
        assert not empty(listed)
        logs.add_column("Later_CL", "New", Type.STRING)
        assert empty("Later_CL | where New == 'x'")


# -- any query over any rows

CONDITIONS = st.sampled_from([
    "Number == 3", "Number > 40", "Number < 2", "Number between (5 .. 9)", "User == 'ann'", "User != ''", "User in ('bob', 'x')",
    "User =~ 'CID'", "isempty(User)", "isnotempty(Text)", "Text has 'sqlmap'", "Text contains 'q'", "Text startswith 'run 1'",
    "Score > 5", "isnull(Score)", "not(Score > 5)", "Score != 3", "Ok", "not(Ok)", "Share > 2.5", "Share * 3 == Number",
    "Bag.os == 'mac'", "tostring(Bag.os) != 'mac'", "Bag.n > 3", "toint(Bag.n) == 2", "isnull(Bag.os)", "Bag.list[0] == 2",
    "TimeGenerated > ago(30m)", "TimeGenerated < ago(2h)", "now() - TimeGenerated < 1h", "bin(TimeGenerated, 1h) > ago(1h)",
    "strlen(Text) > 12", "tolower(User) == 'cid'", "extract('run ([0-9]+)', 1, Text) == '12'", "Text matches regex '1[0-3]'",
    "iff(Ok, Score, 7) == 7", "case(Number > 50, 'x', User == 'ann', 'y', 'z') == 'y'", "coalesce(Score, 99) == 99",
    "User == 'ann' or Number == 4", "User == 'dan' and Ok", "Score == 9 and Number > 1 or Text has 'nope'", "false", "true",
])  # fmt: skip
"""Over a row with the columns of a thing."""
STEPS = st.one_of(
    CONDITIONS.map(lambda one: f"where {one}"),
    st.sampled_from([
        "extend Score = Score + 1", "extend Number = Number % 5", "extend User = strcat(User, 'n')", "extend User = 'ann'",
        "extend Text = tostring(Bag.os)", "extend Number = tolong(extract('run ([0-9]+)', 1, Text))", "extend Ok = Number > 3",
        "extend Bag = bag_pack('os', User, 'n', Number)", "extend Score = tolong(rand(10))", "project-rename Score = Number, Number = Score",
        "sort by Number asc", "sort by Number asc | where prev(User) != User", "take 7", "top 3 by Number", "sample 9",
        "mv-expand L = Bag.list to typeof(long) | extend Score = L", "mv-apply L = Bag.list on (where L == 2)",
        "mv-apply L = Bag.list on (summarize C = count()) | extend Score = C",
        "parse Text with 'run ' Number:long ' ' *", "parse-where Text with * 'sqlmap/' Score:long ' ' *",
        "summarize Score = count(), Number = max(Number), take_any(Share, Ok, Text, Bag, TimeGenerated) by User",
        "summarize Score = countif(Ok), Number = min(Number), take_any(Share, Ok, Text, Bag, TimeGenerated) by User",
        "summarize Number = dcountif(Text, Score > 5), take_any(Share, Ok, Text, Bag, TimeGenerated) by User, Score",
        "summarize arg_max(TimeGenerated, *) by User", "summarize arg_min(Number, *) by Ok",
        "summarize Number = sum(Number), take_any(Text, Bag, Score, Ok) by User, TimeGenerated = bin(TimeGenerated, 1h), Share",
        "summarize Score = count(), Text = take_any(Text), User = take_any(User), Number = 1 + count(), Share = 1.0, Ok = true, Bag = dynamic({}),"
        " TimeGenerated = now()",
        "join kind=inner (Acts_CL | where What == 'write') on Number", "join kind=leftouter (Acts_CL) on $left.User == $right.Who",
        "join kind=leftanti (Acts_CL | where What == 'delete') on Number", "join kind=leftsemi (Acts_CL | where Who == 'bob') on Number",
        "join kind=rightouter (Things_CL | where Number < 4) on Number | extend Number = Number1, User = User1",
        "lookup (Acts_CL | project Number, What) on Number | where What != 'read'",
        "union (Things_CL | where User == 'zed')", "union Acts_CL", "union withsource=Source Acts_CL | where Source == 'Acts_CL'",
        "as T | join kind=inner (T | where Number > 9 | project Number, Other = User) on Number | where Other != 'bob'",
    ]),
)  # fmt: skip
MORE = {} if TIMES else {"derandomize": True}


@settings(
    max_examples=40 * max(1, TIMES), deadline=None, suppress_health_check=list(HealthCheck), database=None, print_blob=True,
    **MORE,
)  # fmt: skip
@given(
    st.lists(st.tuples(st.lists(STEPS, max_size=5), st.sampled_from([0.1, 0.5, 2.0, 24.0])), min_size=4, max_size=8),
    st.sets(st.integers(1, 60), max_size=25), st.sets(st.integers(1, 30), max_size=10),
)  # fmt: skip
def test_no_query_that_a_look_calls_empty_finds_anything(
    asked: list[tuple[list[str], float]], things: set[int], acts: set[int]
) -> None:
    with LogStore(None, VirtualClock(NOW)) as logs:
        logs.append("Things_CL", [thing(number) for number in [199, *sorted(things)]])
        logs.append("Acts_CL", [act(number) for number in [59, *sorted(acts)]])
        queries = [(" | ".join(["Things_CL", *steps]), hours) for steps, hours in asked]
        found = SharedScans(logs, SystemClock()).look(
            [(text, NOW - hours * HOUR, NOW, LONG) for text, hours in queries], 60
        )
        for (text, hours), one in zip(queries, found, strict=True):
            if one.empty:
                CALLED_EMPTY.append(text)
                assert count(logs, text, hours) == 0, text


CALLED_EMPTY: list[str] = []
"""Queries of the test above of which a look said something."""


def test_looks_have_said_something_of_such_queries() -> None:
    if not TIMES and CALLED_EMPTY:  # the test above may be one of another process
        assert len(CALLED_EMPTY) > 30


# -- the real rules


def _found(store: LogStore, text: str, span: timedelta) -> int | None:
    """The rows of a rule's query; None where it does not run."""
    try:
        limits = Limits(seconds=SECONDS)
        return len(store.query(text, now=CORPUS_NOW, timespan=(CORPUS_NOW - span, CORPUS_NOW), limits=limits).rows)
    except (KqlError, QueryFailed, VedetteError):
        return None


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("rows", [20, 400, None], ids=["20 of each file", "400 of each file", "made ones"])
def test_no_core_rule_that_a_look_calls_empty_finds_anything(shared: Path, tmp_path: Path, rows: int | None) -> None:
    with workspace(tmp_path / "logs.duckdb", WithParsers(shared)) as store:
        if rows is None:
            put_models(store, shared, tmp_path / "models", CORPUS_NOW - timedelta(days=20))
            maker = RowMaker(store)
            for _ in maker.fill(200_000, CORPUS_NOW - timedelta(days=14), CORPUS_NOW):
                pass
            maker.close()
        else:
            fill(store, shared, tmp_path, rows)
        texts = [row["query"] for row in rules(shared)]
        looks = SharedScans(store, SystemClock())
        for span in (HOUR, timedelta(days=1), timedelta(days=14)):
            asked = [(text, CORPUS_NOW - span, CORPUS_NOW, LONG) for text in texts]
            empty = [text for text, one in zip(texts, looks.look(asked, 600), strict=True) if one.empty]
            assert len(empty) > 200
            # what does not run at all has a mistake of its own, of which a look says nothing
            assert [text for text in empty if _found(store, text, span) != 0] == []
