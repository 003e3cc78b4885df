"""Export: every row of a query, whole, in each form."""

from __future__ import annotations

import csv
import json
import math
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.plugins.state import NOON
from vedette.core.errors import InvalidInput
from vedette.engine.query import Limits, QueryFailed, QueryOptions
from vedette.kql.diagnostics import KqlError
from vedette.store.logstore import LogStore
from vedette.store.report import LoadOptions
from vedette.store.retention.export import ExportFormat, export, format_of, write_file

ALL = (
    "App_CL | sort by n asc | project n, TimeGenerated, name, detail, flag = n % 2 == 0, span = n * 1s, "
    "id = toguid('00112233-4455-6677-8899-aabbccddeeff'), part = todecimal(n), share = n / 2.0, none = long(null)"
)


@pytest.fixture
def logs(store: LogStore) -> LogStore:
    """More rows than one batch has."""
    store.append(
        "App_CL", [{"n": place, "name": f'a "{place}",\n', "detail": {"x": [place]}} for place in range(45_000)]
    )
    return store


def written(logs: LogStore, text: str, path: Path) -> Path:
    """The file of a query."""
    with export(logs, text, format_of(path), QueryOptions(NOON)) as chunks:
        assert write_file(path, chunks) == path.stat().st_size
    return path


def test_json_lines_are_the_rows_of_the_query(logs: LogStore, tmp_path: Path) -> None:
    lines = [json.loads(line) for line in written(logs, ALL, tmp_path / "a.jsonl").read_text().split("\n")[:-1]]
    assert len(lines) == 45_000
    assert lines[:3] == logs.query(f"{ALL} | take 3").records()


def test_csv_reads_back(logs: LogStore, tmp_path: Path) -> None:
    with written(logs, ALL, tmp_path / "a.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 45_000
    assert (rows[7]["name"], rows[7]["detail"], rows[7]["flag"], rows[7]["none"]) == (
        'a "7",\n',
        '{"x":[7]}',
        "false",
        "",
    )


def test_parquet_has_types(logs: LogStore, tmp_path: Path) -> None:
    table = pq.read_table(written(logs, ALL, tmp_path / "a.parquet"))
    assert table.num_rows == 45_000
    types = {field.name: str(field.type) for field in table.schema}
    assert types == {
        "n": "int64", "TimeGenerated": "timestamp[us, tz=UTC]", "name": "string", "detail": "string", "flag": "bool",
        "span": "string", "id": "string", "part": "decimal128(38, 10)", "share": "double", "none": "int64",
    }  # fmt: skip
    row = table.slice(44_999).to_pylist()[0]
    assert (row["n"], row["TimeGenerated"], row["span"]) == (44_999, NOON, "12:29:59")
    assert row["id"] == "00112233-4455-6677-8899-aabbccddeeff"
    assert isinstance(row["TimeGenerated"], datetime)


def test_what_was_exported_can_be_loaded(logs: LogStore, tmp_path: Path) -> None:
    logs.load(
        [written(logs, "App_CL | project n, name, detail, TimeGenerated", tmp_path / "a.parquet")],
        LoadOptions("Copy_CL"),
    )
    assert logs.query("Copy_CL | summarize count(), sum(n), sum(toint(parse_json(detail).x[0]))").rows == [
        [45_000, 1012477500, 1012477500]
    ]


def test_a_file_is_whole_or_not_there(logs: LogStore, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with pytest.raises(KqlError):
        written(logs, "App_CL | take", path)
    options = QueryOptions(NOON, limits=Limits(seconds=0.0))
    with pytest.raises(QueryFailed), export(logs, ALL, ExportFormat.JSONL, options) as chunks:
        write_file(path, chunks)
    assert list(tmp_path.glob("*.jsonl*")) == []
    with pytest.raises(InvalidInput):
        format_of(tmp_path / "a.txt")


def test_no_rows_make_a_file_all_the_same(logs: LogStore, tmp_path: Path) -> None:
    none = "App_CL | where n < 0 | project n, name"
    assert pq.read_table(written(logs, none, tmp_path / "a.parquet")).num_rows == 0
    assert written(logs, none, tmp_path / "a.csv").read_text() == "n,name\n"


@pytest.mark.parametrize(
    ("ending", "expected"),
    [
        ("parquet", [Decimal("1234567890123456789012345678.5"), datetime(1, 1, 1, tzinfo=UTC), 2**63 - 1, math.inf]),
        ("csv", ["1234567890123456789012345678.5", "0001-01-01T00:00:00.0000000Z", str(2**63 - 1), "Infinity"]),
        ("jsonl", ["1234567890123456789012345678.5", "0001-01-01T00:00:00.0000000Z", 2**63 - 1, "Infinity"]),
    ],
)
def test_values_at_their_limits_are_written(
    logs: LogStore, tmp_path: Path, ending: str, expected: list[object]
) -> None:
    text = "print a = decimal(1234567890123456789012345678.5), b = datetime(0001-01-01), c = long(9223372036854775807), d = real(+inf)"
    path = written(logs, text, tmp_path / f"a.{ending}")
    match ending:
        case "parquet":
            (row,) = pq.read_table(path).to_pylist()
        case "csv":
            (row,) = csv.DictReader(path.read_text().splitlines())
        case _:
            row = json.loads(path.read_text())
    assert list(row.values()) == expected


@pytest.mark.parametrize("text", ["App_CL | take 1; App_CL | count", "App_CL | fork (count) (take 1)"])
def test_a_query_of_several_results_is_refused(logs: LogStore, tmp_path: Path, text: str) -> None:
    with pytest.raises(KqlError, match="gives 2 results"):
        written(logs, text, tmp_path / "a.csv")
    assert not list(tmp_path.glob("*.csv"))
