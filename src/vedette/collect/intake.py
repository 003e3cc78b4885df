"""What a door hands rows to: the write path of the store, as far as this room needs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import pyarrow as pa


class Taken(Protocol):
    """What was taken in: rows and bytes."""

    @property
    def count(self) -> int:
        """How many rows."""
        ...

    @property
    def bytes(self) -> int:
        """How many bytes."""
        ...


class Takes(Protocol):
    """`store.intake.Intake` is one."""

    def accept(
        self,
        table: str,
        rows: Sequence[Mapping[str, object]],
        *,
        source: str,
        record_ids: Sequence[str] | None = None,
    ) -> Taken:
        """Takes rows in and returns when they are durable; `TooManyRequests` when too much is waiting."""
        ...

    def accept_columns(self, table: str, rows: pa.Table, *, source: str) -> Taken:
        """As `accept`, of rows that are columns already (`store.columnar.columnar`); `$source` says of each where it comes from."""
        ...

    def count_dropped(self, rows: int, source: str = ...) -> None:
        """Counts rows that a door had to let go because its sender cannot wait."""
        ...

    def count_unreadable(self, rows: int, source: str) -> None:
        """Counts rows that could not be read, and are taken whole with the reason."""
        ...
