"""Ids of records between a sender and a table: who asks whether a record is new must not be told so twice."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress

import duckdb

from vedette.core.errors import Unavailable
from vedette.store.logstore import LogStore
from vedette.store.taking import id_digest, known_ids


class Claims:
    """The ids of records that are on their way into the tables of one store, by table. Safe for threads.

    They are in memory; those of what an earlier process accepted and did not move are told by its spool (`hold`). The table's own ids
    decide in the end what is stored (`taking.take`).
    """

    def __init__(self, logs: LogStore) -> None:
        self._logs = logs
        self._guard = threading.Lock()
        self._claimed: dict[str, set[int]] = {}

    def claim(self, table: str, record_ids: Sequence[str]) -> list[bool]:
        """Which of the records are new; these are claimed. One without an id ("") always is."""
        digests = [id_digest(one) for one in record_ids]
        with self._guard:
            claimed = self._claimed.setdefault(table, set())
            # in this order: an id leaves the claims when its record is in the table
            asked = {one for one in digests if one is not None and one not in claimed}
            known: set[int] = set()
            if asked:
                # rows are taken while the store cannot be asked, and the table decides later
                with suppress(Unavailable, duckdb.Error), self._logs.cursor() as cursor:
                    known = known_ids(cursor, table, asked)
            new = []
            for one in digests:
                fresh = one is None or (one not in claimed and one not in known)
                if fresh and one is not None:
                    claimed.add(one)
                new.append(fresh)
        return new

    def hold(self, table: str, record_ids: Sequence[str]) -> None:
        """The records are on their way, whoever claimed them."""
        with self._guard:
            claimed = self._claimed.setdefault(table, set())
            claimed.update(one for one in map(id_digest, record_ids) if one is not None)

    def release(self, table: str, record_ids: Sequence[str]) -> None:
        """The records are in the table, or were not accepted."""
        if (claimed := self._claimed.get(table)) is not None:
            with self._guard:
                claimed.difference_update(one for one in map(id_digest, record_ids) if one is not None)
