"""What opening a log store makes of what is there."""

from __future__ import annotations

from pathlib import Path

from vedette.core.clock import SystemClock
from vedette.store.logstore import LogStore


def test_what_a_killed_process_began_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "logs.duckdb"
    path.with_name("logs.duckdb.new").write_bytes(b"half of a header")
    with LogStore(path, SystemClock()) as store:
        assert store.append("T_CL", [{"A": 1}]) == 1
    assert sorted(one.name for one in tmp_path.iterdir() if one.suffix == ".new") == []
    with LogStore(path, SystemClock()) as store:
        assert store.query("T_CL | count").rows == [[1]]
