"""Late events: a window that was searched before some of its events had arrived is searched again.

What is late is told by the order in which the log store took rows in, not by any clock: each run notes how far it has
seen the store. A window is re-opened only if the query has read a table that brought events into the time it read. The
run over it has the same window and the same ids, so it completes what was found and doubles nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from vedette.core.clock import Clock
from vedette.core.database import State
from vedette.detect.models import ArrivalsRow, ReopeningRow, RuleRow, RunRow, ScheduleRow
from vedette.detect.rule import AnalyticsRule
from vedette.detect.running.windows import LONGEST_WAIT, READ, DueWindow, Window
from vedette.detect.storage import KnownRules


class ArrivedRows(Protocol):
    """Rows of a table that one load brought, with TimeGenerated in [start, end)."""

    @property
    def table(self) -> str: ...

    @property
    def start(self) -> datetime: ...

    @property
    def end(self) -> datetime: ...

    @property
    def rows(self) -> int: ...

    @property
    def position(self) -> int: ...


class Arrivals(Protocol):
    """A log store that tells what has arrived."""

    def position(self) -> int:
        """How many loads are committed; a query that starts later sees them all."""
        ...

    def arrived(self, first: int, last: int, before: datetime) -> Sequence[ArrivedRows]:
        """What the loads from one position up to another brought with a TimeGenerated before a time."""
        ...

    def tables_read(self, text: str) -> frozenset[str] | None:
        """The tables that a query reads; None if it cannot be bound."""
        ...


@dataclass(frozen=True, slots=True)
class _Searched:
    """A window as it was last read."""

    tile: int
    window: Window
    query_from: datetime
    read_to: int


class LateEvents:
    """The windows of one workspace's rules that late events re-open."""

    def __init__(self, state: State, workspace_id: str, arrivals: Arrivals, clock: Clock) -> None:
        self._state = state
        self._workspace_id = workspace_id
        self._arrivals = arrivals
        self._clock = clock
        self._known = KnownRules(workspace_id)
        self._guard = threading.Lock()
        self._reading: dict[object, int] = {}
        """How far the runs that go on now have seen the log store for certain."""

    @contextmanager
    def reading(self) -> Iterator[int]:
        """For a run from before its query until it is recorded: how far it will have seen the log store for certain.

        What arrives behind that is noted when the run is recorded: before, its window is not known as one that was searched, and an
        event that came too late for the query would touch none.
        """
        run = object()
        with self._guard:
            position = self._reading[run] = self._arrivals.position()
        try:
            yield position
        finally:
            with self._guard:
                del self._reading[run]

    def _noted_to(self) -> int:
        """How far arrivals can be noted now."""
        with self._guard:
            return min([self._arrivals.position(), *self._reading.values()])

    def note(self) -> int:
        """Re-open the windows that what has arrived since the last call touches; returns how many.

        Noting and remembering how far it was noted are one transaction. Rules that are off are noted too: their windows
        are read again once they are on.
        """
        upto = self._noted_to()
        with self._state.session(read_only=True) as session:
            row = session.get(ArrivalsRow, self._workspace_id)
            known = None if row is None else row.position
            if known == upto:
                return 0
            same = and_(RuleRow.workspace_id == ScheduleRow.workspace_id, RuleRow.id == ScheduleRow.rule_id)
            rows = session.execute(
                select(ScheduleRow.covered_to, RuleRow.id, RuleRow.revision, RuleRow.content_hash)
                .join(RuleRow, same)
                .where(ScheduleRow.workspace_id == self._workspace_id)
            )
            covered = [(end, self._known.rule(session, one, number, digest)) for end, one, number, digest in rows.all()]
        found: Sequence[ArrivedRows] = ()
        if known is not None and covered:
            found = self._arrivals.arrived(known, upto, max(end for end, _ in covered))
        touched = [
            (rule, some)
            for end, rule in covered
            # no window that was read ends later than what is covered
            if rule.scheduled and (some := self._read_by(rule, [one for one in found if one.start < end]))
        ]
        with self._state.session() as session:
            row = session.get(ArrivalsRow, self._workspace_id)
            if row is None:
                session.add(ArrivalsRow(workspace_id=self._workspace_id, position=upto))
            elif row.position != known:
                return 0  # somebody else has just done it
            else:
                row.position = upto
            return sum(self._reopen(session, rule, some) for rule, some in touched)

    def due(self, now: datetime) -> list[DueWindow]:
        """The windows to read again whose rules are on, oldest first."""
        query = (
            select(ReopeningRow)
            .join(
                RuleRow,
                and_(RuleRow.workspace_id == ReopeningRow.workspace_id, RuleRow.id == ReopeningRow.rule_id),
            )
            .where(ReopeningRow.workspace_id == self._workspace_id, RuleRow.enabled.is_(True))
            .order_by(ReopeningRow.window_to, ReopeningRow.rule_id)
        )
        with self._state.session(read_only=True) as session:
            rows = [
                row
                for row in session.scalars(query)
                # the wait for a further attempt is an hour at most; a longer one is of a clock that was set back since
                if row.retry_at is None or not now < row.retry_at <= now + LONGEST_WAIT
            ]
        return [
            DueWindow(
                row.rule_id,
                Window(row.window_from, row.window_to),
                row.attempts + 1,
                row.tile,
                reopened=_reason(row),
                query_from=row.query_from,
            )
            for row in rows
        ]

    def pending(self, rule_id: str | None = None) -> int:
        """How many windows, of a rule or of all, are to be read again."""
        query = select(func.count()).select_from(ReopeningRow).where(ReopeningRow.workspace_id == self._workspace_id)
        if rule_id is not None:
            query = query.where(ReopeningRow.rule_id == rule_id)
        with self._state.session(read_only=True) as session:
            return session.scalar(query) or 0

    def _read_by(self, rule: AnalyticsRule, found: Sequence[ArrivedRows]) -> list[ArrivedRows]:
        if not found:
            return []
        tables = self._arrivals.tables_read(rule.query)
        return [one for one in found if tables is None or one.table in tables]

    def _reopen(self, session: Session, rule: AnalyticsRule, found: list[ArrivedRows]) -> int:
        count = 0
        for searched in self._searched(session, rule, found):
            late = [
                one
                for one in found
                if one.position > searched.read_to and one.start < searched.window.end and one.end > searched.query_from
            ]
            if late:
                self._keep(session, rule, searched, late)
                count += 1
        session.flush()
        return count

    def _searched(self, session: Session, rule: AnalyticsRule, found: list[ArrivedRows]) -> list[_Searched]:
        """The windows that were read over any of the time in which events have arrived, as each was last read."""
        runs = select(RunRow).where(
            RunRow.workspace_id == self._workspace_id,
            RunRow.rule_id == rule.id,
            RunRow.settled.is_(True),
            RunRow.outcome.in_([outcome.value for outcome in READ]),
            RunRow.read_to.is_not(None),
            RunRow.window_to > min(one.start for one in found),
            RunRow.query_from < max(one.end for one in found),
        )
        last: dict[int, _Searched] = {}
        for run in session.scalars(runs.order_by(RunRow.window_to, RunRow.id)):
            assert run.query_from is not None
            assert run.read_to is not None
            tile = run.fills or run.id
            read_to = max(run.read_to, last[tile].read_to if tile in last else 0)
            last[tile] = _Searched(tile, Window(run.window_from, run.window_to), run.query_from, read_to)
        return list(last.values())

    def _keep(self, session: Session, rule: AnalyticsRule, searched: _Searched, late: list[ArrivedRows]) -> None:
        rows, tables = sum(one.rows for one in late), {one.table for one in late}
        first, position = min(one.start for one in late), max(one.position for one in late)
        there = session.get(ReopeningRow, searched.tile)
        if there is not None:
            there.rows, there.tables = there.rows + rows, sorted({*there.tables, *tables})
            there.first, there.position = min(there.first, first), max(there.position, position)
            return
        session.add(
            ReopeningRow(
                tile=searched.tile,
                workspace_id=self._workspace_id,
                rule_id=rule.id,
                window_from=searched.window.start,
                window_to=searched.window.end,
                query_from=searched.query_from,
                position=position,
                rows=rows,
                tables=sorted(tables),
                first=first,
                attempts=0,
                retry_at=None,
                noted_at=self._clock.now(),
            )
        )


def _reason(row: ReopeningRow) -> str:
    events = "an event" if row.rows == 1 else f"{row.rows:,} events"
    return (
        f"Searched again: {events} of {', '.join(row.tables)}, from {row.first:%Y-%m-%d %H:%M:%S} UTC on, came after the"
        f" window had been searched (noted {row.noted_at:%Y-%m-%d %H:%M:%S} UTC)."
    )
