"""A query's time limit and its cancellation hold before anything runs, too."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from vedette.core.clock import SystemClock
from vedette.engine.query import Cancellation, Limits, QueryFailed, QueryOptions
from vedette.store.logstore import LogStore

NOW = datetime(2026, 6, 1, tzinfo=UTC)
MANY = "union " + ", ".join(
    ["(SigninLogs | where UserPrincipalName has 'x' | extend A = strcat(Identity, AppId))"] * 2000
)
DEEP = "SigninLogs" + " | extend A = strcat(Identity, AppId), B = tostring(DeviceDetail.x)" * 4000


@pytest.mark.parametrize("text", [MANY, DEEP])
def test_binding_ends_at_the_time_limit(text: str) -> None:
    with LogStore(None, SystemClock()) as store:
        started = time.thread_time()
        with pytest.raises(QueryFailed) as failed:
            store.query(text, now=NOW, limits=Limits(seconds=0.3))
        assert failed.value.code == "VDT2001"
        assert time.thread_time() - started < 5


def test_a_cancelled_query_is_not_bound() -> None:
    cancellation = Cancellation()
    cancellation.cancel()
    with LogStore(None, SystemClock()) as store:
        started = time.thread_time()
        with pytest.raises(QueryFailed) as failed:
            store.query(MANY, now=NOW, cancellation=cancellation)
        assert failed.value.code == "VDT2005"
        assert time.thread_time() - started < 5


def test_a_time_limit_leaves_other_queries_alone() -> None:
    with LogStore(None, SystemClock()) as store:
        options = QueryOptions(NOW, limits=Limits(seconds=30))
        assert store._engine.run("print 1", options).rows == [[1]]
        assert store._engine.explain("print x = now()", options)[0].values == {"now": 639158688000000000}


def test_a_statement_that_would_be_planned_too_long_is_refused() -> None:
    with LogStore(None, SystemClock()) as store, pytest.raises(QueryFailed, match="name fewer tables") as failed:
        store.query("SigninLogs | project Identity, AppId", now=NOW, limits=Limits(statement=50))
    assert failed.value.code == "VDT2006"


def test_a_union_reads_only_the_columns_that_are_used_after_it() -> None:
    text = "union withsource=T (SigninLogs | extend A = 1), (AuditLogs | project Identity, A = 2.5) | summarize count() by T, Identity"
    with LogStore(None, SystemClock()) as store:
        store.append("SigninLogs", [{"Identity": "ann", "AppId": "7"}])
        store.append("AuditLogs", [{"Identity": "bob", "Category": "x"}])
        sql = store._engine.explain(text, QueryOptions(NOW))[0].sql
        assert '"Identity"' in sql
        assert '"AppId"' not in sql
        rows = store.query(text, now=NOW).rows
        assert sorted(row[1] for row in rows) == ["ann", "bob"]
        assert len(store.query("union SigninLogs, SigninLogs, AuditLogs | project 1", now=NOW).rows) == 3
