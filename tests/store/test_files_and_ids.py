"""What opening a log store makes of what is there, and the ids of the rows that it takes."""

from __future__ import annotations

from pathlib import Path

from vedette.core.clock import SystemClock
from vedette.store.logstore import LogStore
from vedette.store.report import LoadOptions


def test_what_a_killed_process_began_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "logs.duckdb"
    path.with_name("logs.duckdb.new").write_bytes(b"half of a header")
    with LogStore(path, SystemClock()) as store:
        assert store.append("T_CL", [{"A": 1}]) == 1
    assert sorted(one.name for one in tmp_path.iterdir() if one.suffix == ".new") == []
    with LogStore(path, SystemClock()) as store:
        assert store.query("T_CL | count").rows == [[1]]


def test_objects_of_one_line_have_ids_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "T_CL.json").write_text('[{"A": 1}, {"A": 2},\n {"A": 3}]', encoding="utf-8")
    with LogStore(None, SystemClock()) as store:
        assert store.load([tmp_path / "T_CL.json"], LoadOptions(table="T_CL")).rows == 3
        assert store.query("T_CL | summarize dcount(_ItemId), count()").rows == [[3, 3]]
