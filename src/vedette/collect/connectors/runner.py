"""Polls the configured connectors: when each endpoint is due, what a failure means for the next time, and what is remembered of it.

Rows are given to the intake before the cursor moves; an end in between fetches the page again, and the intake knows the records.
So no event is lost, and none is stored twice.
"""

from __future__ import annotations

import hashlib
import json
import logging
import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from sqlalchemy import delete, or_, select

from vedette.collect.connectors.contract import (
    Connection,
    Endpoint,
    Event,
    Page,
    PollFailure,
    Trouble,
)
from vedette.collect.connectors.models import ConnectorEndpointRow, ConnectorPollRow, ConnectorRow, begin
from vedette.collect.connectors.pace import LONGEST_WAIT, planned_anew, set_back, wait
from vedette.collect.connectors.registry import ConnectorRegistry
from vedette.core.clock import Clock
from vedette.core.configured import defaults_of
from vedette.core.database import State
from vedette.core.errors import NotFound, TooManyRequests, VedetteError
from vedette.core.redaction import Secret
from vedette.core.secrets import Secrets
from vedette.core.workspaces import in_use
from vedette.intel.indicators import Indicators
from vedette.store.catalog import DEAD_LETTER

log = logging.getLogger(__name__)
HISTORY: Final = 2_000
"""Polls of an instance that are remembered."""
MAX_PAGES: Final = 10_000
_OBJECTS: Final = 2_000
"""Objects of threat intelligence that are kept in one transaction."""
WORKERS: Final = 4
_IDLE: Final = 5.0
SHUTDOWN: Final = 3.0
"""Seconds that the end waits for polls; one that still waits for an answer then is left alone, and keeps nothing any more."""


class Sink(Protocol):
    """Where events go: the intake of a workspace."""

    def accept(
        self, table: str, rows: list[Mapping[str, object]], *, source: str, record_ids: list[str] | None = None
    ) -> object:
        """Keeps rows; returns when they are on disk."""
        ...


@dataclass
class _Poll:
    """What one poll did so far."""

    fetched: int = 0
    pages: int = 0
    unknown: Counter[str] = field(default_factory=Counter)
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Task:
    connector_id: str
    workspace_id: str
    name: str
    kind: str
    revision: int
    endpoint: Endpoint
    interval: timedelta
    cursor: dict[str, Any]


class Cancelled(Exception):
    """The poll was ended: the instance was changed, or the server stops."""


class ConnectorRunner:
    """Polls every enabled instance. One process at a time; `sink_of` gives the intake of a workspace."""

    def __init__(
        self, state: State, secrets: Secrets, registry: ConnectorRegistry, clock: Clock,
        sink_of: Callable[[str], Sink], rng: random.Random, indicators_of: Callable[[str], Indicators] | None = None,
    ) -> None:  # fmt: skip
        self._state, self._secrets, self._registry, self._clock = state, secrets, registry, clock
        self._sink_of, self._rng = sink_of, rng
        self._indicators_of = indicators_of
        self._guard = threading.Condition()
        self._writing = 0
        """Polls that are keeping rows or cursors right now."""
        self._open: dict[str, tuple[int, Connection]] = {}
        self._replaced: list[tuple[str, Connection]] = []
        """Connections of earlier revisions, with their instances."""
        self._busy: set[tuple[str, str]] = set()
        self._wake = threading.Event()
        self._told: dict[tuple[str, str], str] = {}
        self._complete = False
        """Whether every instance is known to have all endpoints of its kind."""

    def wake(self) -> None:
        """Look at once what is due: an instance was saved, enabled or disabled."""
        self._complete = False
        self._wake.set()

    def run(self, stop: threading.Event) -> None:
        """Polls until the event is set. What waits for an answer longer than `SHUTDOWN` then is not waited for."""
        running: list[threading.Thread] = []
        waiting: list[_Task] = []
        while not stop.is_set():
            self._wake.clear()
            pause = _IDLE
            try:
                waiting += self._due(self._clock.now())
                running = [one for one in running if one.is_alive()]
                while waiting and len(running) < WORKERS:
                    # a daemon: an answer that never comes must not keep the process
                    thread = threading.Thread(
                        target=self._poll, args=(waiting.pop(0), stop), name="connector", daemon=True
                    )
                    thread.start()
                    running.append(thread)
                self._retire()
                if (due := self.next_due()) is not None:
                    pause = min(max((due - self._clock.now()).total_seconds(), 0.05), _IDLE)
            except VedetteError as error:
                log.error("connectors cannot be polled: %s", error)
            if not stop.is_set():
                self._clock.wait(self._wake, pause)
        with self._guard:
            self._busy -= {(task.connector_id, task.endpoint.id) for task in waiting}
        self._end(running)

    def _end(self, running: list[threading.Thread]) -> None:
        """Waits for polls: all for a while, and those that are writing until they have written."""
        deadline = time.monotonic() + SHUTDOWN
        for thread in running:
            thread.join(max(0.0, deadline - time.monotonic()))
        with self._guard:
            self._guard.wait_for(lambda: self._writing == 0)
        if any(thread.is_alive() for thread in running):
            log.info("polls that wait for an answer are given up; the next start asks again")
        self.close()

    def poll_due(self) -> int:
        """Polls what is due now, one endpoint after the other; how many polls that were."""
        tasks = self._due(self._clock.now())
        for task in tasks:
            self._poll(task, threading.Event())
        return len(tasks)

    def next_due(self) -> datetime | None:
        """When something is due, that is not being polled now; None if nothing is enabled."""
        with self._state.session(read_only=True) as session:
            rows = session.execute(
                select(ConnectorEndpointRow.connector_id, ConnectorEndpointRow.endpoint, ConnectorEndpointRow.due_at)
                .join(ConnectorRow, ConnectorRow.id == ConnectorEndpointRow.connector_id)
                .where(ConnectorRow.enabled, ConnectorRow.workspace_id.in_(in_use()))
            ).all()
        with self._guard:
            return min((due for identity, name, due in rows if (identity, name) not in self._busy), default=None)

    def close(self) -> None:
        """Close connections."""
        with self._guard:
            held = [*((identity, one) for identity, (_, one) in self._open.items()), *self._replaced]
            self._open, self._replaced = {}, []
        for _, connection in held:
            connection.close()

    def _retire(self) -> None:
        """Closes the connections of instances that were deleted, disabled or changed, once nothing is polled with them."""
        with self._guard:
            if not self._open and not self._replaced:
                return
        with self._state.session(read_only=True) as session:
            found = session.execute(
                select(ConnectorRow.id, ConnectorRow.revision).where(
                    ConnectorRow.enabled, ConnectorRow.workspace_id.in_(in_use())
                )
            ).all()
        current = {one.id: one.revision for one in found}
        with self._guard:
            busy = {identity for identity, _ in self._busy}
            old = [
                identity
                for identity, (revision, _) in self._open.items()
                if current.get(identity) != revision and identity not in busy
            ]
            held = [self._open.pop(identity)[1] for identity in old]
            held += [one for identity, one in self._replaced if identity not in busy]
            self._replaced = [(identity, one) for identity, one in self._replaced if identity in busy]
        for connection in held:
            connection.close()

    # -- what is due

    def _due(self, now: datetime) -> list[_Task]:
        """What is due and not being polled; it counts as being polled from now on."""
        self._settle(now)
        if not self._complete:
            self._complete = True
            self._add_endpoints(now)
        with self._guard:
            # a poll that ends while the rows are read has recorded its next time too late for them
            before = set(self._busy)
        tasks = []
        with self._state.session(read_only=True) as session:
            rows = session.execute(
                select(ConnectorRow, ConnectorEndpointRow)
                .join(ConnectorEndpointRow, ConnectorRow.id == ConnectorEndpointRow.connector_id)
                .where(
                    ConnectorRow.enabled, ConnectorRow.workspace_id.in_(in_use()), ConnectorEndpointRow.due_at <= now
                )
                .order_by(ConnectorEndpointRow.due_at)
            ).all()
            for row, at in rows:
                task = self._task(row, at)
                if task is not None:
                    tasks.append(task)
        with self._guard:
            before |= self._busy
            tasks = [task for task in tasks if (task.connector_id, task.endpoint.id) not in before]
            self._busy.update((task.connector_id, task.endpoint.id) for task in tasks)
        return tasks

    def _add_endpoints(self, now: datetime) -> None:
        """Begins what a kind polls since a later version than that in which an instance of it was saved."""
        with self._state.session() as session:
            known: dict[str, set[str]] = defaultdict(set)
            for identity, name in session.execute(
                select(ConnectorEndpointRow.connector_id, ConnectorEndpointRow.endpoint)
            ).all():
                known[identity].add(name)
            for row in session.scalars(select(ConnectorRow)):
                try:
                    endpoints = self._registry.get(row.kind).manifest.endpoints
                except NotFound:
                    continue  # the package that brought it is not installed any more
                session.add_all(begin(row.id, one.id, now) for one in endpoints if one.id not in known[row.id])

    def _settle(self, now: datetime) -> None:
        """After the clock was set back: what was due some time after the last poll is due that time from now, and not later."""
        query = select(ConnectorEndpointRow).where(
            or_(ConnectorEndpointRow.last_poll_at > now, ConnectorEndpointRow.due_at > now + LONGEST_WAIT)
        )
        with self._state.session(read_only=True) as session:
            if not any(set_back(now, at.last_poll_at, at.due_at) for at in session.scalars(query)):
                return
        with self._state.session() as session:
            for at in session.scalars(query):
                if set_back(now, at.last_poll_at, at.due_at):
                    at.due_at = planned_anew(now, at.last_poll_at, at.due_at)
                    at.last_poll_at = None if at.last_poll_at is None else min(at.last_poll_at, now)
        log.warning("the clock was set back: polls are planned anew")

    def _task(self, row: ConnectorRow, at: ConnectorEndpointRow) -> _Task | None:
        try:
            endpoint = self._registry.get(row.kind).manifest.endpoint(at.endpoint)
        except (VedetteError, KeyError):
            return None  # the package that brought it is not installed any more
        seconds = row.intervals.get(at.endpoint)
        interval = timedelta(seconds=float(seconds)) if seconds else endpoint.interval
        return _Task(
            row.id, row.workspace_id, row.name, row.kind, row.revision, endpoint, interval, dict(at.cursor)
        )  # fmt: skip

    # -- one poll

    def _poll(self, task: _Task, stop: threading.Event) -> None:
        started = self._clock.now()
        done = _Poll()
        failure: VedetteError | None = None
        try:
            try:
                self._pages(task, done, stop)
            except VedetteError as error:
                failure = error
            except Cancelled:
                return
            except Exception:
                if stop.is_set():
                    return  # its connection was closed under it
                log.exception("a connector failed in a way that it must not", extra={"connector": task.name})
                failure = PollFailure("The connector failed; the log has the details.", Trouble.UNAVAILABLE)
            with self._writes(stop):
                self._record(task, started, done, failure)
        except Cancelled:
            return
        except VedetteError as error:
            log.error("what came of a poll cannot be kept: %s", error, extra={"connector": task.name})
        finally:
            with self._guard:
                self._busy.discard((task.connector_id, task.endpoint.id))
            self._wake.set()

    @contextmanager
    def _writes(self, stop: threading.Event) -> Iterator[None]:
        """While something is kept, the end waits for it; once the end has begun, nothing is begun to be kept."""
        with self._guard:
            if stop.is_set():
                raise Cancelled
            self._writing += 1
        try:
            yield
        finally:
            with self._guard:
                self._writing -= 1
                self._guard.notify_all()

    def _pages(self, task: _Task, done: _Poll, stop: threading.Event) -> None:
        connection = self._connection(task)
        cursor = task.cursor
        for _ in range(MAX_PAGES):
            if stop.is_set():
                raise Cancelled
            page = connection.poll(task.endpoint.id, cursor)
            with self._writes(stop):
                self._keep(task, page.events, stop)
                if page.stix:
                    self._keep_objects(task, page, done, stop)
                self._move(task, cursor, page)
            cursor = page.cursor
            done.fetched += page.fetched
            done.pages += 1
            done.unknown.update(page.unknown)
            if page.warning:
                done.warnings.append(page.warning)
            if not page.more:
                return
        raise PollFailure(f"There are more than {MAX_PAGES} pages; the next poll goes on.", Trouble.UNAVAILABLE)

    def _keep(self, task: _Task, events: list[Event], stop: threading.Event) -> None:
        """Gives the events to the intake, table by table; while it is full, waits for it."""
        tables: dict[str, list[Event]] = defaultdict(list)
        for event in events:
            tables[event.table].append(event)
        sink = self._sink_of(task.workspace_id)
        for table, rows in tables.items():
            while True:
                try:
                    sink.accept(
                        table, [one.row for one in rows], source=f"{task.kind}:{task.name}",
                        record_ids=[one.record_id for one in rows],
                    )  # fmt: skip
                    break
                except TooManyRequests as full:
                    if self._clock.wait(stop, min(full.retry_after, 5.0)):
                        raise Cancelled from full

    def _keep_objects(self, task: _Task, page: Page, done: _Poll, stop: threading.Event) -> None:
        """Keeps objects of threat intelligence; what cannot be read goes to the dead-letter table, whole, and is counted."""
        if self._indicators_of is None:
            raise PollFailure("Objects of threat intelligence are not kept here.", Trouble.UNAVAILABLE)
        indicators = self._indicators_of(task.workspace_id)
        for start in range(0, len(page.stix), _OBJECTS):
            some = page.stix[start : start + _OBJECTS]
            taken = indicators.take(some, page.source, "TAXII")
            aside = []
            for place, error in taken.refused:
                done.unknown["object"] += 1
                raw = json.dumps(some[place], ensure_ascii=False, sort_keys=True, default=str)
                row = {"TableName": task.endpoint.tables[0], "Source": page.source, "Reason": error.message, "Raw": raw}
                digest = hashlib.blake2b(raw.encode("utf-8", "replace"), digest_size=16).hexdigest()
                aside.append(Event(DEAD_LETTER, row, f"{page.source}:{digest}"))
            self._keep(task, aside, stop)

    def _move(self, task: _Task, before: Mapping[str, Any], page: Page) -> None:
        """Remembers where to go on: also where the instance was disabled meanwhile, since its rows are kept.

        Raises Cancelled where the instance was changed, disabled or deleted. A cursor that is not the one from which the page
        came was reset, for another tenant for one: it stays.
        """
        with self._state.session() as session:
            row = session.get(ConnectorRow, task.connector_id)
            at = session.get(ConnectorEndpointRow, (task.connector_id, task.endpoint.id))
            if row is None or at is None:
                raise Cancelled
            if at.cursor == before:
                at.cursor = page.cursor
                at.fetched += page.fetched
            cancelled = not row.enabled or row.revision != task.revision
        if cancelled:
            raise Cancelled

    def _record(self, task: _Task, started: datetime, done: _Poll, failure: VedetteError | None) -> None:
        """Remembers the outcome, decides when the next poll is, and writes the log line."""
        ended = self._clock.now()
        trouble = None if failure is None else getattr(failure, "trouble", Trouble.UNAVAILABLE)
        message = "; ".join(done.warnings) or None if failure is None else failure.message
        with self._state.session() as session:
            row = session.get(ConnectorRow, task.connector_id)
            at = session.get(ConnectorEndpointRow, (task.connector_id, task.endpoint.id))
            if row is None or at is None:
                return
            if row.revision != task.revision and trouble is not Trouble.THROTTLED:
                return  # it says nothing of the instance as it is now
            at.throttled = at.throttled + 1 if trouble is Trouble.THROTTLED else 0
            at.failures = 0 if trouble is None else at.failures + 1
            at.trouble, at.message = trouble, message
            at.last_poll_at = ended
            if trouble is None:
                at.last_success_at = ended
            at.due_at = ended + wait(
                task.interval, trouble, throttled=at.throttled, failures=at.failures,
                retry_after=getattr(failure, "retry_after", None), chance=self._rng.random(),
            )  # fmt: skip
            session.add(
                ConnectorPollRow(
                    connector_id=task.connector_id, endpoint=task.endpoint.id, started_at=started, ended_at=ended,
                    outcome=trouble or "ok", fetched=done.fetched, pages=done.pages, unknown=dict(done.unknown),
                    message=message,
                )
            )  # fmt: skip
            session.flush()
            kept = select(ConnectorPollRow.id).where(ConnectorPollRow.connector_id == task.connector_id)
            oldest = session.scalar(kept.order_by(ConnectorPollRow.id.desc()).offset(HISTORY).limit(1))
            if oldest is not None:
                session.execute(
                    delete(ConnectorPollRow).where(
                        ConnectorPollRow.connector_id == task.connector_id, ConnectorPollRow.id <= oldest
                    )
                )
        self._say(task, done, failure, trouble)

    def _say(self, task: _Task, done: _Poll, failure: VedetteError | None, trouble: Trouble | None) -> None:
        """The log line; a missing permission and the like are said once, not at every poll."""
        line = logging.getLogger(task.kind)
        about = {"instance": task.name, "endpoint": task.endpoint.id}
        key = (task.connector_id, task.endpoint.id)
        if failure is None:
            line.info("fetched %d events", done.fetched, extra=about)
            if done.unknown:
                counts = ", ".join(f"{name} ({count})" for name, count in sorted(done.unknown.items()))
                line.warning("kept what is not known whole: %s", counts, extra=about)
            with self._guard:
                self._told.pop(key, None)
            return
        said = f"{trouble}: {failure.message}"
        with self._guard:
            again = self._told.get(key) == said
            self._told[key] = said
        if not again:
            line.log(
                logging.WARNING if trouble is Trouble.FORBIDDEN else logging.ERROR, "%s", failure.message, extra=about
            )

    def _connection(self, task: _Task) -> Connection:
        with self._guard:
            kept = self._open.get(task.connector_id)
            if kept is not None and kept[0] == task.revision:
                return kept[1]
        with self._state.session(read_only=True) as session:
            row = session.get(ConnectorRow, task.connector_id)
            if row is None or row.revision != task.revision:
                raise Cancelled
            settings, references = dict(row.settings), dict(row.secrets)
        opened = opened_with(self._registry, self._secrets, task.kind, task.workspace_id, settings, references)
        with self._guard:
            kept = self._open.get(task.connector_id)
            if kept is None or kept[0] < task.revision:
                self._open[task.connector_id] = (task.revision, opened)
                if kept is not None:
                    self._replaced.append((task.connector_id, kept[1]))  # another endpoint may be polled with it
                return opened
        # another endpoint of the instance was quicker, or the instance has changed again
        opened.close()
        if kept[0] == task.revision:
            return kept[1]
        raise Cancelled


def opened_with(
    registry: ConnectorRegistry, secrets: Secrets, kind: str, workspace_id: str, settings: Mapping[str, str],
    references: Mapping[str, str],
) -> Connection:  # fmt: skip
    """A connection of kept settings and secrets; fields that came to be since get their defaults."""
    found = registry.get(kind)
    held: dict[str, Secret] = {
        name: secrets.get(reference, workspace_id=workspace_id) for name, reference in references.items()
    }
    return found.open({**defaults_of(found.manifest), **settings}, held)
