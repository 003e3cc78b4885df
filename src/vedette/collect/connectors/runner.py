"""Polls the configured connectors: when each endpoint is due, what a failure means for the next time, and what is remembered of it.

Rows are given to the intake before the cursor moves; an end in between fetches the page again, and the intake knows the records.
So no event is lost, and none is stored twice.
"""

from __future__ import annotations

import logging
import random
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from sqlalchemy import delete, select

from vedette.collect.connectors.contract import Connection, ConnectorManifest, Endpoint, Event, PollFailure, Trouble
from vedette.collect.connectors.models import ConnectorEndpointRow, ConnectorPollRow, ConnectorRow
from vedette.collect.connectors.registry import ConnectorRegistry
from vedette.core.clock import Clock
from vedette.core.database import State
from vedette.core.errors import TooManyRequests, VedetteError
from vedette.core.redaction import Secret
from vedette.core.secrets import Secrets

log = logging.getLogger(__name__)
COOLDOWN: Final = timedelta(minutes=10)
"""How long an endpoint rests after a 429, at least; each further one in a row doubles it."""
LONGEST_COOLDOWN: Final = timedelta(minutes=60)
FIRST_RETRY: Final = timedelta(seconds=30)
"""After a failure of the network or the service; doubles up to the endpoint's interval."""
JITTER: Final = 0.05
"""Part of the interval by which polls are moved earlier, so that instances do not all poll at once."""
HISTORY: Final = 2_000
"""Polls of an instance that are remembered."""
MAX_PAGES: Final = 10_000
WORKERS: Final = 4
_IDLE: Final = 5.0


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
        sink_of: Callable[[str], Sink], rng: random.Random,
    ) -> None:  # fmt: skip
        self._state, self._secrets, self._registry, self._clock = state, secrets, registry, clock
        self._sink_of, self._rng = sink_of, rng
        self._guard = threading.Lock()
        self._open: dict[str, tuple[int, Connection]] = {}
        self._busy: set[tuple[str, str]] = set()
        self._wake = threading.Event()
        self._told: dict[tuple[str, str], str] = {}

    def wake(self) -> None:
        """Look at once what is due: an instance was saved, enabled or disabled."""
        self._wake.set()

    def run(self, stop: threading.Event) -> None:
        """Polls until the event is set."""
        with ThreadPoolExecutor(WORKERS, thread_name_prefix="connector") as workers:
            running: set[Future[None]] = set()
            while not stop.is_set():
                self._wake.clear()
                now = self._clock.now()
                for task in self._due(now):
                    running.add(workers.submit(self._poll, task, stop))
                running = {one for one in running if not one.done()}
                wait = _IDLE if (due := self.next_due()) is None else (due - self._clock.now()).total_seconds()
                self._clock.wait(self._wake, min(max(wait, 0.05), _IDLE))
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
                .where(ConnectorRow.enabled)
            ).all()
        with self._guard:
            return min((due for identity, name, due in rows if (identity, name) not in self._busy), default=None)

    def close(self) -> None:
        """Close connections."""
        with self._guard:
            held, self._open = list(self._open.values()), {}
        for _, connection in held:
            connection.close()

    # -- what is due

    def _due(self, now: datetime) -> list[_Task]:
        """What is due and not being polled; it counts as being polled from now on."""
        tasks = []
        with self._state.session(read_only=True) as session:
            rows = session.execute(
                select(ConnectorRow, ConnectorEndpointRow)
                .join(ConnectorEndpointRow, ConnectorRow.id == ConnectorEndpointRow.connector_id)
                .where(ConnectorRow.enabled, ConnectorEndpointRow.due_at <= now)
                .order_by(ConnectorEndpointRow.due_at)
            ).all()
            for row, at in rows:
                task = self._task(row, at)
                if task is not None:
                    tasks.append(task)
        with self._guard:
            tasks = [task for task in tasks if (task.connector_id, task.endpoint.id) not in self._busy]
            self._busy.update((task.connector_id, task.endpoint.id) for task in tasks)
        return tasks

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
                log.exception("a connector failed in a way that it must not", extra={"connector": task.name})
                failure = PollFailure("The connector failed; the log has the details.", Trouble.UNAVAILABLE)
            self._record(task, started, done, failure)
        finally:
            with self._guard:
                self._busy.discard((task.connector_id, task.endpoint.id))
            self._wake.set()

    def _pages(self, task: _Task, done: _Poll, stop: threading.Event) -> None:
        connection = self._connection(task)
        cursor = task.cursor
        for _ in range(MAX_PAGES):
            if stop.is_set():
                raise Cancelled
            page = connection.poll(task.endpoint.id, cursor)
            self._keep(task, page.events)
            cursor = page.cursor
            done.fetched += page.fetched
            done.pages += 1
            done.unknown.update(page.unknown)
            if page.warning:
                done.warnings.append(page.warning)
            self._move(task, cursor, page.fetched)
            if not page.more:
                return
        raise PollFailure(f"There are more than {MAX_PAGES} pages; the next poll goes on.", Trouble.UNAVAILABLE)

    def _keep(self, task: _Task, events: list[Event]) -> None:
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
                    self._clock.sleep(min(full.retry_after, 5.0))

    def _move(self, task: _Task, cursor: dict[str, Any], fetched: int) -> None:
        """Remembers where to go on. Raises Cancelled where the instance was changed, disabled or deleted meanwhile."""
        with self._state.session() as session:
            row = session.get(ConnectorRow, task.connector_id)
            at = session.get(ConnectorEndpointRow, (task.connector_id, task.endpoint.id))
            if row is None or at is None or not row.enabled or row.revision != task.revision:
                raise Cancelled
            at.cursor = cursor
            at.fetched += fetched

    def _record(self, task: _Task, started: datetime, done: _Poll, failure: VedetteError | None) -> None:
        """Remembers the outcome, decides when the next poll is, and writes the log line."""
        ended = self._clock.now()
        trouble = None if failure is None else getattr(failure, "trouble", Trouble.UNAVAILABLE)
        message = "; ".join(done.warnings) or None if failure is None else failure.message
        with self._state.session() as session:
            at = session.get(ConnectorEndpointRow, (task.connector_id, task.endpoint.id))
            if at is None:
                return
            at.throttled = at.throttled + 1 if trouble is Trouble.THROTTLED else 0
            at.failures = 0 if trouble is None else at.failures + 1
            at.trouble, at.message = trouble, message
            at.last_poll_at = ended
            if trouble is None:
                at.last_success_at = ended
            at.due_at = ended + self._wait(
                task, trouble, at.throttled, at.failures, getattr(failure, "retry_after", None)
            )
            session.add(
                ConnectorPollRow(
                    connector_id=task.connector_id,
                    endpoint=task.endpoint.id,
                    started_at=started,
                    ended_at=ended,
                    outcome=trouble or "ok",
                    fetched=done.fetched,
                    pages=done.pages,
                    unknown=dict(done.unknown),
                    message=message,
                )
            )
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

    def _wait(
        self, task: _Task, trouble: Trouble | None, throttled: int, failures: int, retry_after: float | None
    ) -> timedelta:
        """How long until the next poll of the endpoint."""
        asked = timedelta(seconds=retry_after or 0)
        if trouble is Trouble.THROTTLED:
            return max(asked, min(COOLDOWN * (1 << min(throttled - 1, 8)), LONGEST_COOLDOWN))
        if trouble is Trouble.UNAVAILABLE:
            return max(asked, min(FIRST_RETRY * (1 << min(failures - 1, 16)), max(task.interval, FIRST_RETRY)))
        if trouble is Trouble.GONE:
            return max(task.interval, timedelta(hours=1))
        return task.interval * (1 - JITTER * self._rng.random())

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
            before = self._open.get(task.connector_id)
            self._open[task.connector_id] = (task.revision, opened)
        if before is not None:
            before[1].close()
        return opened


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


def defaults_of(manifest: ConnectorManifest) -> dict[str, str]:
    """The defaults of a form's fields."""
    return {one.name: one.default for one in manifest.fields if one.default is not None}
