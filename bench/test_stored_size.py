"""What stored rows take on disk, beside the JSON that they came as."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from vedette.core.clock import SystemClock
from vedette.store.logstore import LogStore

pytestmark = pytest.mark.bench
Record = Callable[[str, float, float, str], None]
TABLES = os.environ.get("BENCH_TABLES")
"""A folder of tables with files of JSON lines, Event/otrf_*.jsonl.gz and SecurityEvent/otrf_*.jsonl.gz among them."""


@pytest.mark.skipif(TABLES is None, reason="BENCH_TABLES names no folder of logs")
def test_windows_events_take_an_eighth_of_their_json(tmp_path: Path, record: Record) -> None:
    folder = Path(str(TABLES))
    files = sorted(path for table in ("Event", "SecurityEvent") for path in (folder / table).glob("otrf_*"))
    raw = sum(len(gzip.decompress(path.read_bytes())) for path in files)
    store = tmp_path / "logs.duckdb"
    with LogStore(store, SystemClock()) as logs:
        assert logs.load(files).rows > 100_000
    record("stored bytes of Windows events, part of their JSON", store.stat().st_size / raw, 1 / 8, "")
