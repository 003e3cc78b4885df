"""Whether the rows of a table are where its term index has them, and whether there are others behind.

Row ids change when the engine clears deleted rows away. The index knows its last row by the load and the number that it has; where that
row has its id, so have all before it. This is asked in the state of the table that a statement reads. It need not be asked again while
no transaction has changed a table whose rows were all there: only deleted rows can be cleared away.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import duckdb

from vedette.engine.dialect import identifier
from vedette.engine.given import Surroundings
from vedette.engine.term_candidates import RowsInPlace, RowsMoved
from vedette.store.commits import Commits
from vedette.store.physical import LOAD, ROW
from vedette.store.statements import run
from vedette.store.tables import StoredTable

Anchor = tuple[int, int, int]
"""A row: its row id, and the load and the number that it has."""


@dataclass(slots=True)
class Seen:
    """What was last seen of tables, by name."""

    ended: set[str] = field(default_factory=set)
    """Those that had no row behind the index: what is assumed of them, and has to be confirmed."""
    whole: dict[str, tuple[int, Anchor]] = field(default_factory=dict)
    """Of those that had no deleted row and none behind the index: the version in which that was so, and the index's last row."""


class InPlace(RowsInPlace):
    """What one statement is to know of one table."""

    def __init__(self, table: StoredTable, anchor: Anchor, commits: Commits, seen: Seen) -> None:
        """To be made before the statement's state of the tables is fixed."""
        self._table, self._anchor, self._commits, self._seen = table, anchor, commits, seen
        self._version = commits.version(table.name)
        quiet = self._version is not None and seen.whole.get(table.name) == (self._version, anchor)
        self.behind = not quiet and table.name not in seen.ended
        """Whether the statement is to read rows behind those of the index."""
        self.one_state = not quiet

    def install(self, connection: duckdb.DuckDBPyConnection, around: Surroundings) -> None:
        """Asks for the last row, if that is not known. Raises `RowsMoved`."""
        if not self.one_state:
            return
        row, *marks = self._anchor
        name = self._table.name
        asked = f"SELECT {identifier(LOAD)}, {identifier(ROW)} FROM {self._table.sql} WHERE rowid >= {row} LIMIT 2"
        found = run(connection, asked)
        if not found or found[0] != tuple(marks):
            raise RowsMoved
        if len(found) > 1:
            self._seen.ended.discard(name)
            if not self.behind:
                raise RowsMoved(known=True)
            return
        self._seen.ended.add(name)
        # `_version` is from before the state in which this is asked: if it still is the version then, nothing came in between
        if self._version is not None and run(connection, f"SELECT count(*) FROM {self._table.sql}") == [(row + 1,)]:
            self._seen.whole[name] = (self._version, self._anchor)

    def confirm(self) -> None:
        """Raises `RowsMoved` where a transaction has changed the table since the statement was made of what was known."""
        if not self.one_state and self._commits.version(self._table.name) != self._version:
            raise RowsMoved(known=True)
