"""A store that closes ends the queries that run in it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from vedette.core.clock import SystemClock
from vedette.core.errors import Closing
from vedette.engine.query import QUERIES, Cancellation, QueryFailed, QueryOptions
from vedette.store import logstore
from vedette.store.intake import Intake
from vedette.store.logstore import LogStore
from vedette.store.retention.export import ExportFormat, export

ENDLESS = {
    "in the engine": "range x from 1 to 9000000 step 1 | extend k=1 | join kind=inner (range y from 1 to 9000000 step 1 | extend k=1) on k | count",
    "in a row function": "range x from 1 to 90000000 step 1 | extend y = url_decode(url_encode(strcat('ä', x))) | where y == '' | count",
}
Asked = Callable[[LogStore, str], object]


def _query(logs: LogStore, text: str) -> object:
    return logs.query(text)


def _export(logs: LogStore, text: str) -> object:
    with export(logs, text, ExportFormat.CSV, QueryOptions(datetime.now(UTC))) as chunks:
        return list(chunks)


def _running(logs: LogStore, text: str, asked: Asked) -> tuple[threading.Thread, list[object]]:
    found: list[object] = []

    def run() -> None:
        try:
            found.append(asked(logs, text))
        except Exception as error:
            found.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    until = time.monotonic() + 60
    while not QUERIES.running and time.monotonic() < until:
        time.sleep(0.01)
    assert QUERIES.running
    return thread, found


@pytest.mark.parametrize("asked", [_query, _export], ids=["query", "export"])
@pytest.mark.parametrize("text", list(ENDLESS.values()), ids=list(ENDLESS))
def test_a_query_that_runs_ends_with_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, asked: Asked
) -> None:
    monkeypatch.setattr(logstore, "_PATIENCE", 120.0)
    logs = LogStore(tmp_path / "logs.duckdb", SystemClock())
    thread, found = _running(logs, text, asked)
    begun = time.monotonic()
    logs.close()
    assert time.monotonic() - begun < 60
    thread.join(60)
    assert [type(one) for one in found] == [Closing]


def test_what_is_written_goes_on(tmp_path: Path) -> None:
    with (
        LogStore(tmp_path / "logs.duckdb", SystemClock()) as logs,
        Intake(logs, tmp_path / "spool", SystemClock()) as intake,
    ):
        logs.end_queries()
        with pytest.raises(Closing):
            logs.query("print 1")
        intake.accept("T_CL", [{"n": 1}], source="test")
        assert intake.flush()
    with LogStore(tmp_path / "logs.duckdb", SystemClock()) as logs:
        assert logs.query("T_CL | project n").rows == [[1]]


def test_what_its_caller_cancels_is_cancelled(tmp_path: Path) -> None:
    with LogStore(None, SystemClock()) as logs:
        cancellation = Cancellation()
        thread, found = _running(
            logs, ENDLESS["in the engine"], lambda logs, text: logs.query(text, cancellation=cancellation)
        )
        cancellation.cancel()
        thread.join(60)
        assert [(type(one), getattr(one, "code", "")) for one in found] == [(QueryFailed, "VDT2005")]
        assert logs.query("print 1").rows == [[1]]
