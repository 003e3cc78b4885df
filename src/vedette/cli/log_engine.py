"""The fake tenant's log tables, queried by Vedette's own engine."""

from __future__ import annotations

import threading
from datetime import datetime
from typing import Any, Final

from vedette.core.clock import SystemClock
from vedette.core.errors import VedetteError
from vedette.engine.query import Limits, QueryFailed
from vedette.kql.diagnostics import KqlError, position
from vedette.range.state import LogQueryError, LogTable
from vedette.store.logstore import LogStore

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
        self, workspace_id: str, text: str, now: datetime, timespan: tuple[datetime, datetime] | None, seconds: float
    ) -> list[LogTable]:
        """The tables that a query gives. Raises `LogQueryError`."""
        try:
            result = self._store(workspace_id).query(text, now=now, timespan=timespan, limits=Limits(seconds=seconds))
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
