"""How long tables keep their rows, and the work that sees to it.

A table has an interactive retention, after which its rows go to the lake, and a total retention, after which they are deleted. Days count
from TimeGenerated, in UTC, and whole days go at once. Without a setting rows are kept for ever.
"""

from __future__ import annotations

import builtins
import logging
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from vedette.core.clock import Clock
from vedette.core.errors import InvalidInput, VedetteError, not_found
from vedette.core.roles import Principal
from vedette.kql import ticks
from vedette.store.kept import Kept
from vedette.store.logstore import LogStore
from vedette.store.models import RetentionRow
from vedette.store.reading.forms import check_table_name
from vedette.store.retention.effect import RetentionEffect, effects
from vedette.store.retention.lake import DAY
from vedette.store.retention.moves import delete_before, drop_days, move_day, old_days

log = logging.getLogger(__name__)
EVERY: Final = "*"
"""Stands for every table that has no setting of its own."""
MOST_DAYS: Final = 36_500
_WAIT: Final = 30.0
"""Seconds that a move waits for queries that began before it."""


@dataclass(frozen=True, slots=True)
class RetentionSetting:
    """Days that rows of a table stay in it (`interactive_days`) and in all (`total_days`); None is for ever.

    `inherited` says that the table has no setting of its own.
    """

    table: str
    interactive_days: int | None
    total_days: int | None
    updated_at: datetime | None = None
    updated_by: str = ""
    inherited: bool = False

    @property
    def stays(self) -> int | None:
        """Days after which rows leave the table."""
        known = [days for days in (self.interactive_days, self.total_days) if days is not None]
        return min(known) if known else None


@dataclass(frozen=True, slots=True)
class RetentionProgress:
    """How far the work is: of the table at hand, and of all tables."""

    table: str
    done: int
    total: int


@dataclass(slots=True)
class TableRetention:
    """What was done with a table: rows and days moved to the lake, rows deleted, and days that are still read and wait."""

    table: str
    moved_rows: int = 0
    moved_days: int = 0
    deleted_rows: int = 0
    waiting_days: int = 0
    error: str | None = None


@dataclass(slots=True)
class RetentionRun:
    """One run over all tables."""

    started: datetime
    ended: datetime | None = None
    tables: builtins.list[TableRetention] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "started": self.started.isoformat(), "ended": None if self.ended is None else self.ended.isoformat(),
            "tables": [asdict(one) for one in self.tables],
        }  # fmt: skip


class Retention(Kept):
    """The retention of the tables of one workspace."""

    def list(self) -> builtins.list[RetentionSetting]:
        """Every setting, by table."""
        with self._state.session(read_only=True) as session:
            rows = session.scalars(
                select(RetentionRow)
                .where(RetentionRow.workspace_id == self.workspace_id)
                .order_by(RetentionRow.table_name)
            )
            return [_setting(row) for row in rows]

    def of(self, table: str) -> RetentionSetting:
        """What holds for a table: its own setting, or that for every table, or for ever."""
        with self._state.session(read_only=True) as session:
            own = session.get(RetentionRow, (self.workspace_id, table))
            if own is not None:
                return _setting(own)
            every = session.get(RetentionRow, (self.workspace_id, EVERY))
            if every is not None:
                return RetentionSetting(
                    table, every.interactive_days, every.total_days, every.updated_at, every.updated_by, inherited=True
                )
            return RetentionSetting(table, None, None, inherited=True)

    def set(self, table: str, interactive_days: int | None, total_days: int | None, by: Principal) -> RetentionSetting:
        """Sets how long a table (or `*`: every other) keeps its rows. Raises `InvalidInput`."""
        _check(table, interactive_days, total_days)
        now = self._clock.now()
        with self._state.session() as session:
            row = session.get(RetentionRow, (self.workspace_id, table))
            if row is None:
                row = RetentionRow(workspace_id=self.workspace_id, table_name=table)
                session.add(row)
            row.interactive_days, row.total_days = interactive_days, total_days
            row.updated_at, row.updated_by = now, by.name
            self._audit.record(
                by, "tables/retention/write", table, self.workspace_id,
                {"interactiveDays": interactive_days, "totalDays": total_days},
            )  # fmt: skip
            session.flush()
            return _setting(row)

    def effect(
        self, logs: LogStore, table: str, interactive_days: int | None, total_days: int | None
    ) -> builtins.list[RetentionEffect]:
        """What a setting would do to the rows that are there, table by table. Raises `InvalidInput` as `set` does."""
        _check(table, interactive_days, total_days)
        tables = [table]
        if table == EVERY:
            with self._state.session(read_only=True) as session:
                own = {*self._names(session)}
            tables = [name for name in logs.stored_tables() if name not in own]
        today = ticks.from_datetime(self._clock.now()) // DAY
        return effects(logs, tables, today, interactive_days, total_days)

    def reset(self, table: str, by: Principal) -> None:
        """Takes a setting away. Raises `NotFound`."""
        with self._state.session() as session:
            row = session.get(RetentionRow, (self.workspace_id, table))
            if row is None:
                raise not_found("retention setting", table, self._names(session))
            self._audit.record(by, "tables/retention/delete", table, self.workspace_id)
            session.delete(row)

    def enforce(
        self, logs: LogStore, progress: Callable[[RetentionProgress], None] | None = None,
        stopped: Callable[[], bool] | None = None,
    ) -> RetentionRun:  # fmt: skip
        """Moves and deletes what is due, a day of a table at a time; what fails is told with its table."""
        done = RetentionRun(self._clock.now())
        names = [name for name in logs.stored_tables() if self.of(name).stays is not None]
        with logs.maintenance:
            for place, name in enumerate(names):
                if stopped is not None and stopped():
                    break
                if progress is not None:
                    progress(RetentionProgress(name, place, len(names)))
                found = TableRetention(name)
                done.tables.append(found)
                try:
                    self._enforce(logs, self.of(name), found, stopped or (lambda: False))
                except Exception as error:  # one table's trouble is not the others'
                    found.error = str(error)
            if names and any(one.moved_rows or one.deleted_rows for one in done.tables):
                logs.checkpoint()
        done.ended = self._clock.now()
        return done

    def _enforce(
        self, logs: LogStore, setting: RetentionSetting, found: TableRetention, stopped: Callable[[], bool]
    ) -> None:
        today = ticks.from_datetime(self._clock.now()) // DAY
        if setting.total_days is not None:
            limit = today - setting.total_days
            found.deleted_rows += drop_days(logs, setting.table, limit, _WAIT)
            found.deleted_rows += delete_before(logs, setting.table, limit * DAY)
        if setting.interactive_days is None or not logs.has_lake:
            return
        for day in old_days(logs, setting.table, today - setting.interactive_days):
            if stopped():
                return
            rows = move_day(logs, setting.table, day, _WAIT)
            if rows is None:
                found.waiting_days += 1
            else:
                found.moved_rows += rows
                found.moved_days += 1

    def _names(self, session: Session) -> builtins.list[str]:
        return builtins.list(
            session.scalars(select(RetentionRow.table_name).where(RetentionRow.workspace_id == self.workspace_id))
        )


def _check(table: str, interactive_days: int | None, total_days: int | None) -> None:
    if table != EVERY:
        check_table_name(table)
    for name, days in (("interactive", interactive_days), ("total", total_days)):
        if days is not None and not 1 <= days <= MOST_DAYS:
            raise InvalidInput(f"The {name} retention is 1 to {MOST_DAYS:,} days.", target=name)
    if interactive_days is not None and total_days is not None and total_days < interactive_days:
        raise InvalidInput(
            f"The total retention ({total_days} days) is shorter than the interactive one ({interactive_days} days).",
            hint="Rows are in the table first and in the lake after that; the total counts both.", target="total",
        )  # fmt: skip


def _setting(row: RetentionRow) -> RetentionSetting:
    return RetentionSetting(
        row.table_name, row.interactive_days, row.total_days, row.updated_at, row.updated_by, inherited=False
    )


class RetentionKeeper:
    """Enforces the retention of a workspace's tables, every hour while a server runs."""

    def __init__(self, retention: Retention, logs: LogStore, clock: Clock) -> None:
        self._retention = retention
        self._logs = logs
        self._clock = clock
        self._running = threading.Lock()
        self._progress: RetentionProgress | None = None
        self._last: RetentionRun | None = None

    def run(self, stopped: Callable[[], bool] | None = None) -> RetentionRun:
        """Enforce it now; one at a time."""
        with self._running:
            try:
                self._last = self._retention.enforce(self._logs, self._note, stopped)
            finally:
                self._progress = None
            return self._last

    def state(self) -> dict[str, Any]:
        """What the work is at, and what it did at last."""
        progress, last = self._progress, self._last
        return {
            "progress": None if progress is None else asdict(progress), "last": None if last is None else last.to_dict(),
        }  # fmt: skip

    def run_forever(self, stop: threading.Event) -> None:
        """Enforce it until the event is set."""
        self._clock.wait(stop, _FIRST)
        while not stop.is_set():
            try:
                done = self.run(stop.is_set)
            except VedetteError as error:
                log.error("the retention of tables cannot be enforced: %s", error)
            else:
                for table in done.tables:
                    if table.error is not None:
                        log.error("the retention of %s cannot be enforced: %s", table.table, table.error)
            self._clock.wait(stop, _EVERY)

    def _note(self, progress: RetentionProgress) -> None:
        self._progress = progress


_FIRST: Final = 60.0
_EVERY: Final = 3_600.0
