"""From messages in memory to rows that are durable: a bounded queue, and the thread that empties it.

The queue is what a killed process loses: syslog has no acknowledgement, so what the operating system took from a sender and no batch
has stored yet is gone. It is small, and a batch waits a twentieth of a second at most unless the store asks to wait.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple

import pyarrow.compute as pc

from vedette.collect.formats.batches import BatchReader
from vedette.collect.intake import Takes
from vedette.collect.listeners.options import ListenerOptions
from vedette.collect.listeners.statistics import Counts, SourceCounts
from vedette.core.clock import Clock
from vedette.core.errors import TooManyRequests, Unavailable
from vedette.store.columnar import SOURCE

log = logging.getLogger(__name__)
_BACKOFF: Final = (0.2, 0.5, 1.0, 2.0, 5.0)


class _Group(NamedTuple):
    counts: SourceCounts
    protocol: str
    address: str
    lines: list[bytes]
    size: int


def source_of(protocol: str, address: str) -> str:
    """Where messages come from, as health and the records of loads name it."""
    return f"syslog {protocol} {address}"


class Pump:
    """Messages go in on the listeners' thread (`put`), rows go out to the intake on the pump's own."""

    def __init__(
        self, options: ListenerOptions, intake: Takes, clock: Clock, counts: Counts, on_room: Callable[[], None]
    ) -> None:
        """`on_room` is called, on the pump's thread, when the queue has room again after it was full."""
        self._options = options
        self._limits = options.limits
        self._intake = intake
        self._clock = clock
        self._counts = counts
        self._on_room = on_room
        self._reader = BatchReader(clock.now(), options.collector, options.zone)
        self._queue: deque[_Group] = deque()
        self._guard = threading.Lock()
        self._filled = threading.Event()
        self._stop = threading.Event()
        self._abandon = threading.Event()
        self._waiting = 0
        self._was_full = False
        self._waits = False
        self._thread = threading.Thread(target=self._run, name="syslog rows", daemon=True)

    @property
    def full(self) -> bool:
        """Whether there is no room for more."""
        return self._waiting >= self._limits.waiting

    @property
    def waiting_bytes(self) -> int:
        """Bytes of messages that are not stored yet."""
        return self._waiting

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def put(self, protocol: str, address: str, lines: list[bytes], size: int) -> bool:
        """Takes messages of one sender; False if the queue is full by now."""
        counts = self._counts.of(protocol, address)
        counts.received += len(lines)
        counts.bytes += size
        counts.last = self._clock.now()
        with self._guard:
            self._queue.append(_Group(counts, protocol, address, lines, size + 64))
            self._waiting += size + 64
            if self.full:
                self._was_full = True
        self._filled.set()
        return not self._was_full

    def stop(self) -> int:
        """Stores what is in the queue as far as a few seconds allow; the number of messages that were lost."""
        self._stop.set()
        self._filled.set()
        self._thread.join(self._limits.close)
        self._abandon.set()
        self._thread.join(5)
        lost = sum(len(group.lines) for group in self._queue)
        for group in self._queue:
            group.counts.dropped += len(group.lines)
            self._intake.count_dropped(len(group.lines), source_of(group.protocol, group.address))
        if lost:
            log.error("syslog: %d messages were lost: the store did not take them before the end", lost)
        return lost

    def _run(self) -> None:
        while not self._abandon.is_set():
            if not self._queue:
                if self._stop.is_set():
                    return
                self._filled.wait()
                self._filled.clear()
                if not self._stop.is_set():
                    self._clock.wait(self._stop, self._limits.linger)  # for more to come: a batch costs a disk write
                continue
            self._store(self._take())

    def _take(self) -> list[_Group]:
        groups, count = [], 0
        with self._guard:
            while self._queue and count < self._limits.batch:
                groups.append(self._queue.popleft())
                count += len(groups[-1].lines)
        return groups

    def _store(self, groups: list[_Group]) -> None:
        self._reader.at(self._clock.now())
        kept = True
        for protocol in dict.fromkeys(group.protocol for group in groups):
            kept &= self._store_of(protocol, [group for group in groups if group.protocol == protocol])
        with self._guard:
            for group in groups:
                self._waiting -= group.size
                if kept:
                    group.counts.stored += len(group.lines)
                else:
                    group.counts.dropped += len(group.lines)
            room = self._was_full and self._waiting <= self._limits.waiting // 2
            if room:
                self._was_full = False
        if room:
            self._on_room()

    def _store_of(self, protocol: str, groups: list[_Group]) -> bool:
        read = self._reader.read([(group.address, group.lines) for group in groups])
        for address, count in read.problems.items():
            self._counts.of(protocol, address).problems += count
            self._intake.count_unreadable(count, source_of(protocol, address))
        kept = True
        for table, columns in read.columns.items():
            senders = pc.unique(columns.column(SOURCE))
            place = columns.column_names.index(SOURCE)
            if len(senders) == 1:
                source, rows = source_of(protocol, senders[0].as_py()), columns.remove_column(place)
            else:
                source = f"syslog {protocol}"
                named = pc.binary_join_element_wise(source, columns.column(SOURCE), " ")
                rows = columns.set_column(place, columns.schema.field(place), named)
            kept &= self._accept(table, rows.num_rows, partial(self._intake.accept_columns, table, rows, source=source))
        for (table, address), single in read.rows.items():
            accept = partial(self._intake.accept, table, single, source=source_of(protocol, address))
            kept &= self._accept(table, len(single), accept)
        return kept

    def _accept(self, table: str, rows: int, accept: Callable[[], object]) -> bool:
        """Hands rows over, as often as it takes; False when they are lost."""
        tries = 0
        while True:
            try:
                accept()
            except (TooManyRequests, Unavailable) as error:
                if self._abandon.is_set():
                    log.error("syslog: %d rows for %s were lost: %s", rows, table, error)
                    return False
                wait = (
                    error.retry_after if isinstance(error, TooManyRequests) else _BACKOFF[min(tries, len(_BACKOFF) - 1)]
                )
                if not self._waits:
                    self._waits = True
                    log.warning("syslog waits: %s", error)
                self._clock.wait(self._abandon, min(wait, 5.0))
                tries += 1
            except Exception:
                log.exception("syslog: %d rows for %s were not taken and are lost", rows, table)
                self._intake.count_dropped(rows, "syslog")
                return False
            else:
                if self._waits:
                    self._waits = False
                    log.info("syslog goes on")
                return True
