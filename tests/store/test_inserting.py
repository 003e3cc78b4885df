"""Batches that one statement stores while others are read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.plugins.state import NOON
from tests.store.conftest import WriteFile
from vedette.core.clock import VirtualClock
from vedette.store import inserting, loading
from vedette.store.catalog import DEAD_LETTER
from vedette.store.logstore import LogStore
from vedette.store.reading import chunks

words = st.sampled_from(["", "a", "b:c", "\u00e9", "x" * 40])
rows = st.fixed_dictionaries(
    {"TimeGenerated": st.just("2026-02-03T04:05:06.1234567Z"), "Identity": words},
    optional={
        "DeviceDetail": st.fixed_dictionaries({}, optional={"os": words, "n": st.integers(0, 3)}),
        "Status": st.fixed_dictionaries({"n": st.integers(0, 200)}) | words,
        "IsInteractive": st.booleans() | words,
        "Location": words,
        "Other": st.integers(0, 1) | words,
    },
)


def stored(store: LogStore) -> list[Any]:
    """All that the engine has of the rows, in its order: properties and hidden columns, too."""
    tables = [store._tables.get(name) for name in ("SigninLogs", DEAD_LETTER)]
    found: list[Any] = []
    for table in tables:
        if table is not None:
            cursor = store._cursor()
            cursor.execute(f"SELECT * FROM {table.sql}")
            names = [column[0] for column in cursor.description]
            found += [dict(zip(names, row)) for row in cursor.fetchall()]
            cursor.close()
    return found


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(st.lists(rows, min_size=1, max_size=4) | st.just(["no object"]), min_size=1, max_size=5))
def test_one_statement_for_many_batches_stores_what_one_for_each_does(
    tmp_path: Path, parts: list[list[dict[str, Any]]]
) -> None:
    """Whatever columns, properties and fields come and go, and however many bytes may wait."""
    lines = [json.dumps(row) for part in parts for row in part * 3]
    file = tmp_path / "SigninLogs" / "a.jsonl"
    file.parent.mkdir(exist_ok=True)
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    found = []
    for together, waiting in ((False, 1 << 20), (True, 1 << 20), (True, 1)):
        with pytest.MonkeyPatch.context() as patch, LogStore(None, VirtualClock(NOON)) as store:
            patch.setattr(chunks, "SIZE", 300)
            patch.setattr("vedette.store.reading.streams.READ_SIZE", 100)
            patch.setattr(loading, "_AHEAD", waiting)
            if not together:
                patch.setattr(inserting._Statement, "takes", lambda *_: False)
            report = store.load([file])
            found.append((report.rows, report.bad, report.files[0].drifted, report.files[0].extra, stored(store)))
    assert found[0] == found[1] == found[2]
    assert found[0][0] == 3 * sum(len(part) for part in parts if part != ["no object"])


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The INSERTs that were run."""
    found: list[str] = []
    run = inserting.run

    def told(connection: duckdb.DuckDBPyConnection, sql: str) -> Any:
        found.append(sql)
        return run(connection, sql)

    monkeypatch.setattr(inserting, "run", told)
    monkeypatch.setattr(chunks, "SIZE", 20_000)
    monkeypatch.setattr(chunks, "_FIRST", 20_000)
    monkeypatch.setattr("vedette.store.reading.streams.READ_SIZE", 5_000)
    return found


def test_batches_with_the_same_columns_share_a_statement(
    store: LogStore, write: WriteFile, statements: list[str]
) -> None:
    """Each batch has texts of properties that no other has."""
    made = [{"Identity": f"{n}", "DeviceDetail": {"os": f"os {n // 500}", "n": n // 700}} for n in range(5_000)]
    assert store.load([write("SigninLogs/a.jsonl", made)]).rows == 5_000
    assert len(statements) == 1
    result = store.query("SigninLogs | project Identity, tostring(DeviceDetail.os), tolong(DeviceDetail.n)")
    assert result.rows == [[f"{n}", f"os {n // 500}", n // 700] for n in range(5_000)]


def test_a_column_that_comes_late_begins_another_statement(
    store: LogStore, write: WriteFile, statements: list[str]
) -> None:
    made: list[object] = [{"Identity": f"{n}"} for n in range(5_000)]
    made += [{"Identity": f"{n}", "Location": "PT"} for n in range(5_000, 9_000)]
    assert store.load([write("SigninLogs/a.jsonl", made)]).rows == 9_000
    assert 2 <= len(statements) <= 3
    assert store.query("SigninLogs | summarize count(), dcount(Identity) by Location | sort by Location asc").rows == [
        ["", 5_000, 5_000], ["PT", 4_000, 4_000],
    ]  # fmt: skip


@pytest.mark.parametrize("waiting", [1, 1 << 30])
def test_what_the_engine_refuses_is_told_and_nothing_is_left(
    store: LogStore, write: WriteFile, monkeypatch: pytest.MonkeyPatch, waiting: int
) -> None:
    """Also where the next rows wait for room that nobody makes any more."""
    run = inserting.run
    failing = """CASE WHEN "Identity" = '1000' THEN error('cut off') ELSE "Identity" END"""

    def refused(connection: duckdb.DuckDBPyConnection, sql: str) -> Any:
        into, _, rows = sql.partition(" SELECT ")
        run(connection, into + " SELECT " + rows.replace('"Identity"', failing))

    monkeypatch.setattr(chunks, "SIZE", 20_000)
    monkeypatch.setattr("vedette.store.reading.streams.READ_SIZE", 5_000)
    monkeypatch.setattr(loading, "_AHEAD", waiting)
    path = write("SigninLogs/a.jsonl", [{"Identity": f"{n}"} for n in range(5_000)])
    with monkeypatch.context() as patch:
        patch.setattr(inserting, "run", refused)
        (file,) = store.load([path]).files
        assert file.error is not None
        assert file.error.code == "VDT0612"
        assert "cut off" in str(file.error)
    assert store.tables() == []
    assert store.load([path]).rows == 5_000
