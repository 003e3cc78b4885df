"""An intake in memory."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa

from vedette.core.errors import TooManyRequests
from vedette.store.columnar import texts


class Taken(NamedTuple):
    count: int
    bytes: int


class MemoryIntake:
    """Keeps what it is given; full while `full` is set."""

    def __init__(self) -> None:
        self.tables: dict[str, list[dict[str, Any]]] = {}
        self.sources: set[str] = set()
        self.dropped = 0
        self.unreadable = 0
        self.full = threading.Event()
        self.refusals = 0
        self._changed = threading.Condition()

    def accept(
        self,
        table: str,
        rows: Sequence[Mapping[str, object]],
        *,
        source: str,
        record_ids: Sequence[str] | None = None,
        parsed: bool = False,
    ) -> Taken:
        if self.full.is_set():
            self.refusals += 1
            raise TooManyRequests("Too much is waiting.", retry_after=0.05)
        with self._changed:
            self.tables.setdefault(table, []).extend(dict(row) for row in rows)
            self.sources.add(source)
            self._changed.notify_all()
        return Taken(len(rows), 0)

    def accept_columns(self, table: str, rows: pa.Table, *, source: str) -> Taken:
        return self.accept(table, [json.loads(text) for text in texts(rows)], source=source)

    def count_dropped(self, rows: int, source: str = "") -> None:
        self.dropped += rows

    def count_unreadable(self, rows: int, source: str) -> None:
        self.unreadable += rows

    def wait(self, table: str, count: int, seconds: float = 60) -> list[dict[str, Any]]:
        with self._changed:
            self._changed.wait_for(lambda: len(self.tables.get(table, [])) >= count, seconds)
            rows = self.tables.get(table, [])
            assert len(rows) >= count, (
                f"{len(rows)} rows of {count} in {table}; { ({k: len(v) for k, v in self.tables.items()}) }"
            )
            return rows
