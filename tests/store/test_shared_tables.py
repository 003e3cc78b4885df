"""Real logs: every file of the shared material loads, and its values are found again."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from vedette.core.clock import VirtualClock
from vedette.kql import ticks
from vedette.kql.types import Type
from vedette.store.logstore import LogStore
from vedette.store.report import LoadOptions

SMALL = 130_000
"""Bytes (compressed) of the files that are loaded here; the few large ones have nothing of their own but size."""


def test_every_file_loads_whole(shared: Path, tmp_path: Path, clock: VirtualClock) -> None:
    paths = [path for path in sorted((shared / "data" / "tables").rglob("*.gz")) if path.stat().st_size <= SMALL]
    assert len(paths) > 150
    expected: dict[str, int] = {}
    for path in paths:
        lines = sum(1 for line in gzip.decompress(path.read_bytes()).splitlines() if line.strip())
        expected[path.parent.name] = expected.get(path.parent.name, 0) + lines
    with LogStore(tmp_path / "logs.duckdb", clock) as store:
        report = store.load(paths)
        assert report.failed == []
        assert report.bad == 0
        assert {info.name: info.rows for info in store.tables()} == expected
        assert store.load(paths).rows == 0


@pytest.mark.parametrize(
    "table",
    [
        "SigninLogs",
        "AuditLogs",
        "OfficeActivity",
        "CommonSecurityLog",
        "AzureActivity",
        "DeviceEvents",
        "CloudAppEvents",
    ],
)
def test_values_are_found_again(shared: Path, clock: VirtualClock, table: str) -> None:
    """Each value of each row, through a query: as it was, or as its column's type has it, or in the hidden column."""
    for path in sorted((shared / "data" / "tables" / table).iterdir()):
        with LogStore(None, clock) as store:
            store.load([path], LoadOptions(table=table))
            result = store.query(f"{table}")
            types = {column.name: column.type for column in result.columns}
            found = {row["_ItemId"]: row for row in result.records()}
            cursor = store._cursor()
            extras = dict(cursor.execute(f'SELECT "$row", "$extra" FROM log_tables."{table}"').fetchall())
            by_line = {int(str(item)[-12:], 16): row for item, row in found.items()}
            lines = gzip.decompress(path.read_bytes()).splitlines()
            assert len(by_line) == len(lines)
            for number, line in enumerate(lines, 1):
                extra = json.loads(extras[number] or "{}")
                for name, value in json.loads(line).items():
                    check(by_line[number], extra, types, name, value)


def check(row: dict[str, Any], extra: dict[str, Any], types: dict[str, Type], name: str, value: Any) -> None:
    if value is None or value == "":
        assert name not in extra
        return
    if name in extra:
        assert extra[name] == value
        return
    kind, found = types[name], row[name]
    where = f"{name}: {value!r} as {kind} became {found!r}"
    if name == "_ItemId":
        return
    if kind is Type.STRING:
        text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        assert found == text, where
    elif kind is Type.DYNAMIC:
        try:
            expected = json.loads(value) if isinstance(value, str) and value.strip()[:1] in "{[" else value
        except ValueError:
            expected = value
        assert found == expected, where
    elif kind is Type.DATETIME:
        assert ticks.parse_datetime(found) == ticks.parse_datetime(value), where
    elif kind is Type.BOOL:
        assert found == (value if isinstance(value, bool) else str(value).lower() in ("true", "1")), where
    elif kind in (Type.INT, Type.LONG, Type.REAL):
        assert found == pytest.approx(float(value)), where
    else:
        assert str(found) == str(value).lower(), where
