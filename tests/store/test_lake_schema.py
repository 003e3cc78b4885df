"""A table's schema changes while rows of it are in the lake: queries find in them what they would in the table itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.store.conftest import WORKSPACE
from vedette.core.clock import VirtualClock
from vedette.core.errors import Unavailable
from vedette.kql.types import Type
from vedette.store.logstore import LogStore
from vedette.store.retention.lake import Lake
from vedette.store.retention.moves import move_day, old_days

VALUES: tuple[Any, ...] = (
    1, -1, 1.0, 1.5, 1e20, True, False, None, "", " 7 ", "1.5", "0x1F", "true", "yes", "text", 2**63 - 1, 2**70, [1], {"a": 1},
    "[1,2]", "2026-11-22", "2026-11-22T10:00:00.1234567Z", "11/22/2026 10:00", 1_700_000_000, 1_700_000_000_000, "00:00:05",
    "1.02:03:04", "5m", "{74BE27DE1E4E49D9B579FE0B331D3642}", "NaN",
)  # fmt: skip
NAMES = ("Fresh", "*", "a.b", 'a"b', "$x", "ROWID")
TYPES = [kind for kind in Type if kind is not Type.UNKNOWN]


@pytest.fixture
def twins(tmp_path: Path, clock: VirtualClock) -> Iterator[tuple[LogStore, LogStore]]:
    """Two stores for the same rows: one in which they stay, one in which they will be moved."""
    stores = []
    for name in ("stays", "moves"):
        (tmp_path / name).mkdir()
        stores.append(LogStore(tmp_path / name / "logs.duckdb", clock, workspace_id=WORKSPACE))
    yield stores[0], stores[1]
    for store in stores:
        store.close()


def _append(twins: tuple[LogStore, LogStore], table: str, rows: list[dict[str, Any]]) -> None:
    for store in twins:
        store.append(table, rows)


def _move(store: LogStore, *tables: str) -> int:
    return sum(move_day(store, table, day, 5.0) or 0 for table in tables for day in old_days(store, table, 10**9))


def _same(twins: tuple[LogStore, LogStore], text: str) -> list[list[Any]]:
    stays, moves = (store.query(text).rows for store in twins)
    assert moves == stays, text
    return moves


def _rows(day: str) -> list[dict[str, Any]]:
    fields = [*NAMES, *(kind.value for kind in TYPES)]
    return [
        {"TimeGenerated": f"{day}T00:{place:02}:00Z", "Identity": str(place), **dict.fromkeys(fields, value)}
        for place, value in enumerate(VALUES)
    ]


def test_a_column_that_is_added_has_the_same_values_in_the_lake(twins: tuple[LogStore, LogStore]) -> None:
    for day in ("2026-01-01", "2026-01-02", "2026-02-01"):
        _append(twins, "SigninLogs", _rows(day))
    _append(twins, "SigninLogs", [{"TimeGenerated": "2026-01-03T00:00:00Z", "Identity": "without"}])
    assert _move(twins[1], "SigninLogs") == 3 * len(VALUES) + 1
    _append(twins, "SigninLogs", _rows("2026-02-20"))
    untouched = {part.id for part in twins[1].lake.parts("SigninLogs") if part.rows == 1}
    for name, kind in [*((name, Type.STRING) for name in NAMES), *((kind.value, kind) for kind in TYPES)]:
        stays, moves = (store.add_column("SigninLogs", name, kind) for store in twins)
        assert stays == moves > 0
        quoted = name.replace('"', '\\"')
        _same(twins, f'SigninLogs | sort by TimeGenerated asc | project Identity, X = ["{quoted}"]')
        _same(
            twins,
            f'SigninLogs | where isnotempty(["{quoted}"]) | summarize count() by Day = bin(TimeGenerated, 1d) | sort by Day asc',
        )
    stays, moves = (store.describe("SigninLogs").extra for store in twins)
    assert stays == moves
    assert stays  # what did not convert is where it was
    assert untouched <= {part.id for part in twins[1].lake.parts("SigninLogs")}  # nothing to write anew
    files = {path.name for path in (twins[1].lake.folder or Path()).rglob("*") if path.is_file()}
    assert files == {Path(part.file).name for part in twins[1].lake.parts("SigninLogs")}


@pytest.mark.parametrize("table", ["SigninLogs", "Own_CL"])
def test_a_column_that_comes_later_reads_in_the_lake_as_in_the_table(
    twins: tuple[LogStore, LogStore], table: str
) -> None:
    """Those included that every row has without bringing them: rows that were exported elsewhere bring them."""
    _append(twins, table, [{"TimeGenerated": "2026-01-01T00:00:00Z", "Identity": "a"}])
    _move(twins[1], table)
    exported = {
        "Type": "Elsewhere", "TenantId": "t", "_ItemId": "i", "_TimeReceived": "2026-02-01T12:00:00Z", "_BilledSize": 5,
        "_ResourceId": "r", "SourceSystem": "Azure", "Location": "L", "DeviceDetail": {"os": "W"}, "Odd": 1,
    }  # fmt: skip
    _append(twins, table, [{"TimeGenerated": "2026-02-01T00:00:00Z", "Identity": "b", **exported}])
    found = _same(
        twins, f"{table} | sort by Identity asc | project Type, TenantId, _TimeReceived, _BilledSize, _ResourceId, SourceSystem, "
        "Location, OS = tostring(DeviceDetail.os), Odd = tostring(column_ifexists('Odd', '')), isnotempty(_ItemId)",
    )  # fmt: skip
    assert [row[:2] for row in found] == [[table, WORKSPACE], ["Elsewhere", "t"]]
    _move(twins[1], table)
    _same(twins, f"union withsource=From {table} | summarize count() by Type, From | sort by Type asc")


def test_a_column_that_cannot_be_added_changes_nothing(
    twins: tuple[LogStore, LogStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise Unavailable("The disk is gone.")

    store = twins[1]
    store.append("SigninLogs", _rows("2026-01-01"))
    _move(store, "SigninLogs")
    before = store.lake.parts("SigninLogs")
    with monkeypatch.context() as patched, pytest.raises(Unavailable):
        patched.setattr(Lake, "record", broken)
        store.add_column("SigninLogs", "Fresh", Type.STRING)
    assert store.lake.parts("SigninLogs") == before
    assert len(list((store.lake.folder or Path()).rglob("*.parquet"))) == len(before)
    text = "SigninLogs | where isnotempty(column_ifexists('Fresh', '')) | count"
    assert store.query(text).rows == [[len(VALUES) - 2]]
    assert store.add_column("SigninLogs", "Fresh", Type.STRING) == len(VALUES) - 1
    assert store.query(text).rows == [[len(VALUES) - 2]]
