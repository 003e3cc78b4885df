"""Rows for the log tables, kept with the change they tell of until the table has them.

A row is added in the transaction of its change and removed after it was appended. When a process is killed between the
two, the row is in doubt: the table is asked for it first, so that it is neither lost nor there twice. Threads take turns
to append: two that saw the same rows would both append them, and the slower would remove, by its number, a row that was
added since (SQLite gives the number of a removed last row again). A turn ends with the rows that waited when it began: who
waits for it, the caller of a rule's run, does not wait for what others go on adding.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Protocol
from weakref import WeakKeyDictionary

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from vedette.core.clock import Clock
from vedette.core.database import State
from vedette.core.turns import Turns
from vedette.detect.alerts.moments import from_wire
from vedette.detect.running.runner import QueryResult
from vedette.incidents.anomalies import ANOMALIES
from vedette.incidents.logrows import ALERTS, BOOKMARKS, HEALTH, INCIDENTS
from vedette.incidents.models import LogOutboxRow

BATCH: Final = 500

_KEYS: Final = {
    ALERTS: ("SystemAlertId",),
    INCIDENTS: ("IncidentName", "Status", "ModifiedBy"),
    BOOKMARKS: ("BookmarkId",),
    HEALTH: ("RecordId",),
    ANOMALIES: ("Id",),
}
"""Columns that, with TimeGenerated, tell a row of each table."""

_TURNS: Final[WeakKeyDictionary[State, defaultdict[str, Turns]]] = WeakKeyDictionary()
"""Of each workspace of a state: held by the thread that appends, whichever outbox object it has."""
_GUARD: Final = threading.Lock()


class Logs(Protocol):
    """A workspace's log store."""

    def append(self, table: str, rows: Iterable[Mapping[str, object]]) -> int:
        """Add rows to a table, all of them or none."""
        ...

    def query(self, text: str, *, now: datetime, timespan: tuple[datetime, datetime]) -> QueryResult:
        """The result of a KQL query."""
        ...


class LogOutbox:
    """The rows of one workspace that its log tables do not have yet."""

    def __init__(self, state: State, workspace_id: str, clock: Clock) -> None:
        self._state = state
        self._workspace_id = workspace_id
        self._clock = clock
        with _GUARD:
            self._turn = _TURNS.setdefault(state, defaultdict(Turns))[workspace_id]

    def add(self, session: Session, table: str, row: Mapping[str, Any]) -> None:
        """Keep a row, as a part of the caller's transaction."""
        session.add(
            LogOutboxRow(
                workspace_id=self._workspace_id,
                table_name=table,
                row=dict(row),
                created_at=self._clock.now(),
                attempted=False,
            )
        )

    def pending(self) -> int:
        """How many rows wait."""
        query = select(func.count()).select_from(LogOutboxRow).where(LogOutboxRow.workspace_id == self._workspace_id)
        with self._state.session(read_only=True) as session:
            return session.scalar(query) or 0

    def drain(self, logs: Logs) -> int:
        """Append every row that waits now, in order for each table; returns how many were appended.

        Another thread's append is waited for, so that what was added before the call is in the tables after it.
        """
        with self._turn:
            return self._drain(logs)

    def _drain(self, logs: Logs) -> int:
        appended, left = 0, self.pending()
        while left and (batch := self._next(min(left, BATCH))):
            left -= len(batch)
            table = batch[0].table_name
            fresh = [row for row in batch if not (row.attempted and _present(logs, table, row.row, self._clock.now()))]
            ids = [row.id for row in batch]
            with self._state.session() as session:
                session.execute(update(LogOutboxRow).where(LogOutboxRow.id.in_(ids)).values(attempted=True))
            if fresh:
                appended += logs.append(table, [row.row for row in fresh])
            with self._state.session() as session:
                session.execute(delete(LogOutboxRow).where(LogOutboxRow.id.in_(ids)))
        return appended

    def _next(self, count: int) -> list[LogOutboxRow]:
        """Of so many oldest rows, those of the table whose turn it is."""
        query = (
            select(LogOutboxRow)
            .where(LogOutboxRow.workspace_id == self._workspace_id)
            .order_by(LogOutboxRow.id)
            .limit(count)
        )
        with self._state.session(read_only=True) as session:
            rows = list(session.scalars(query))
        return [row for row in rows if row.table_name == rows[0].table_name]


def _present(logs: Logs, table: str, row: Mapping[str, Any], now: datetime) -> bool:
    conditions = [f"{name} == {_literal(str(row[name]))}" for name in _KEYS[table]]
    moment = row["TimeGenerated"]
    text = f"{table} | where TimeGenerated == datetime({moment}) | where {' and '.join(conditions)} | take 1"
    at = from_wire(moment)
    return bool(logs.query(text, now=now, timespan=(at - timedelta(days=1), at + timedelta(days=1))).rows)


def _literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'"{escaped}"'
