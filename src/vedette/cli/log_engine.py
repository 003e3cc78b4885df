"""The fake tenant's log tables, queried by Vedette's own engine."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from vedette.core.clock import SystemClock
from vedette.core.errors import VedetteError
from vedette.engine.query import Limits, QueryFailed
from vedette.kql.diagnostics import KqlError, position
from vedette.range.state import LogQueryError, LogTable
from vedette.store.logstore import LogStore

_MOST_ROWS: Final = 500_000
_SYNTAX: Final = ("KS0", "KS1003", "KS2", "SYN")


class StoreLogEngine:
    """Log tables of workspaces in memory, one store a workspace, made when it is first needed. Safe for threads."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._stores: dict[str, LogStore] = {}

    def append(self, workspace_id: str, table: str, rows: list[dict[str, Any]]) -> None:
        """Add rows to a table; the table is made when it is not there. Raises `InvalidInput` for a name or a row that is none."""
        self._store(workspace_id).append(table, rows)

    def query(
        self,
        workspace_ids: Sequence[str],
        text: str,
        now: datetime,
        timespan: tuple[datetime, datetime] | None,
        seconds: float,
    ) -> list[LogTable]:
        """The tables that a query gives; of several workspaces, a table has the rows of all. Raises `LogQueryError`."""
        if len(workspace_ids) == 1:
            return self._answer(self._store(workspace_ids[0]), text, now, timespan, seconds)
        with LogStore(None, SystemClock(), workspace_id=workspace_ids[0]) as together:
            for one in dict.fromkeys(workspace_ids):
                self._copy(self._store(one), together)
            return self._answer(together, text, now, timespan, seconds)

    @staticmethod
    def _copy(store: LogStore, into: LogStore) -> None:
        """Puts the rows of a store into another, for a query over both."""
        for table in store.tables():
            found = store.query(f"['{table.name}']", limits=Limits(rows=_MOST_ROWS))
            names = [column.name for column in found.columns]
            into.append(table.name, [dict(zip(names, row, strict=True)) for row in found.rows])

    @staticmethod
    def _answer(
        store: LogStore, text: str, now: datetime, timespan: tuple[datetime, datetime] | None, seconds: float
    ) -> list[LogTable]:
        try:
            result = store.query(text, now=now, timespan=timespan, limits=Limits(seconds=seconds))
        except KqlError as error:
            first = error.diagnostics[0]
            line, column = position(text, first.start)
            kind = "SyntaxError" if first.code.startswith(_SYNTAX) else "SemanticError"
            raise LogQueryError(kind, first.code, first.message, line, column) from None
        except (QueryFailed, VedetteError) as error:
            raise LogQueryError("EngineError", error.code, str(error)) from None
        return [
            LogTable(
                one.name or ("PrimaryResult" if index == 0 else f"Table_{index}"),
                [(column.name, str(column.type.value)) for column in one.columns],
                one.rows,
                one.partial,
                one.visualization,
            )
            for index, one in enumerate(result.tables())
        ]

    def forget(self) -> None:
        """Drop every table."""
        with self._guard:
            stores, self._stores = self._stores, {}
        for store in stores.values():
            store.close()

    def _store(self, workspace_id: str) -> LogStore:
        with self._guard:
            store = self._stores.get(workspace_id)
            if store is None:
                store = self._stores[workspace_id] = LogStore(None, SystemClock(), workspace_id=workspace_id)
            return store
