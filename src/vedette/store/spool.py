"""A write-ahead spool: batches of rows that are on disk before their sender is told so, in the order in which they came.

A spool is a folder of segments, `<first number>.spool`, of frames (`store.frames`). Callers that come at the same time share one fsync.
"""

from __future__ import annotations

import logging
import os
import shutil
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from vedette.core.errors import InvalidInput, TooManyRequests, Unavailable, VedetteError
from vedette.core.files import make_private_directory, sync_directory
from vedette.store.frames import (
    COLUMNS,
    MAGIC,
    Entry,
    Found,
    Spooled,
    body_of,
    frame,
    group_head,
    read_segment,
    spooled,
)
from vedette.store.rowlines import RowLines, TableLines

log = logging.getLogger(__name__)
_SUFFIX: Final = ".spool"
_READERS: Final = 2
_LIGHTER: Final = 6
"""So many rows that are columns are moved with the effort of one that is JSON; 20,000 such are a row group of the engine, which it
writes to its file at once instead of to its log first."""


@dataclass(frozen=True, slots=True)
class SpoolLimits:
    """How much may wait in a spool (`disk_bytes`), come at once (`memory_bytes`; `batch_bytes` for one table), and lie in one segment.

    Nothing is accepted while the disk has less than `free_bytes` left: the store needs that much for its log and a checkpoint, and
    without them what waits could not leave.
    """

    disk_bytes: int = 4 * 1024**3
    waiting_batches: int = 500_000
    memory_bytes: int = 256 * 1024**2
    batch_bytes: int = 64 * 1024**2
    segment_bytes: int = 64 * 1024**2
    free_bytes: int = 256 * 1024**2


@dataclass(slots=True)
class _Part:
    """A batch of one table: what its frame says of it, and its rows."""

    table: str
    rows: int
    about: Sequence[object]
    payload: bytes
    size: int
    columns: bool = False


@dataclass(slots=True)
class _Ticket:
    """A caller that waits for its batches to be on disk, all of them or none."""

    parts: Sequence[_Part]
    at: int
    size: int
    done: bool = False
    error: VedetteError | None = None


@dataclass(slots=True)
class _Segment:
    """A file of the spool, and how many of its batches are still waiting."""

    first: int
    path: Path
    size: int = 0
    waiting: int = 0
    file: int = -1


class Spool:
    """The spool in a folder. Safe for threads; one process at a time has it open."""

    def __init__(self, folder: Path, limits: SpoolLimits | None = None) -> None:
        """Reads what an earlier process left; a frame that was being written when it ended is cut off."""
        self._folder = folder
        self._limits = limits or SpoolLimits()
        self._condition = threading.Condition()
        self._pending: list[_Ticket] = []
        self._pending_bytes = 0
        self._writing = False
        self._closed = False
        self._entries: deque[Entry] = deque()
        self._segments: dict[int, _Segment] = {}
        self._current: _Segment | None = None
        self._next = 1
        self._left_ids: dict[int, list[str]] = {}
        self.waiting_rows = 0
        self.waiting_bytes = 0
        self.damaged = 0
        """Frames found damaged by something other than the end of a process."""
        try:
            make_private_directory(folder)
            # what waits may be gigabytes, and neither reading nor summing needs the interpreter
            with ThreadPoolExecutor(_READERS, thread_name_prefix="vedette-spool") as pool:
                for found in pool.map(read_segment, sorted(folder.glob(f"*{_SUFFIX}"))):
                    self._take_over(found)
        except OSError as error:
            raise _unwritable(folder, error) from error

    @property
    def full(self) -> bool:
        """Whether there is no room for more."""
        limits = self._limits
        return self.waiting_bytes >= limits.disk_bytes or len(self._entries) >= limits.waiting_batches

    def takes(self) -> bool:
        """Whether the disk takes something now; found out by trying."""
        probe = self._folder / "probe"
        try:
            if shutil.disk_usage(self._folder).free < self._limits.free_bytes:
                return False
            with probe.open("wb") as file:
                file.write(MAGIC)
                file.flush()
                os.fsync(file.fileno())
            probe.unlink()
        except OSError:
            return False
        return True

    # -- in

    def put(self, table: str, lines: RowLines, *, source: str, at: int, record_ids: Sequence[str] | None = None) -> int:
        """Keep a batch; returns its bytes when they are on disk.

        Raises `TooManyRequests` when too much is waiting, and `Unavailable` when the disk does not take it; in both cases the
        batch is not kept.
        """
        return self._put([_part(table, lines, source, at, record_ids)], at)

    def put_together(self, batches: Sequence[TableLines], *, source: str, at: int) -> int:
        """Keep batches, of several tables perhaps: all of them or none, whenever the process ends. Otherwise as `put`."""
        return self._put([_part(one.table, one.lines, source, at, one.record_ids) for one in batches], at)

    def put_columns(self, table: str, columns: bytes, rows: int, *, source: str, at: int) -> int:
        """Keep a batch of so many rows as columns (`store.columnar.packed`); otherwise as `put`."""
        about = [source, at, rows, None, COLUMNS]
        return self._put([_Part(table, rows, about, columns, len(columns), columns=True)], at)

    def check_size(self, size: int) -> None:
        """Raises `InvalidInput` for a batch of so many bytes if it is more than is taken at once."""
        self._check_most(size, self._limits.batch_bytes)

    def _check_most(self, size: int, most: int) -> None:
        if size > most:
            raise InvalidInput(
                f"A batch of {size} bytes is more than the {most} that are taken at once.",
                code="VDT0413", status=413, hint="Send less at a time.",
            )  # fmt: skip

    def _put(self, parts: Sequence[_Part], at: int) -> int:
        size = 0
        for part in parts:
            self.check_size(part.size)
            size += part.size
        self._check_most(size, max(self._limits.memory_bytes, self._limits.batch_bytes))
        ticket = _Ticket(parts, at, size)
        with self._condition:
            self._check(size)
            self._pending.append(ticket)
            self._pending_bytes += size
            while not ticket.done:
                if self._writing:
                    self._condition.wait()
                    continue
                self._writing = True
                group, self._pending = self._pending, []
                first = self._next
                self._next += sum(len(member.parts) for member in group)
                self._condition.release()
                entries: list[Entry] = []
                failure: VedetteError | None = None
                try:
                    entries = self._write(group, first)
                except OSError as error:
                    failure = _unwritable(self._folder, error)
                    failure.__cause__ = error
                except BaseException as error:
                    failure = Unavailable("The spool was interrupted.", code="VDT0618")
                    failure.__cause__ = error
                    raise
                finally:
                    self._condition.acquire()
                    self._writing = False
                    self._entries.extend(entries)
                    for entry in entries:
                        self.waiting_rows += entry.rows
                        self.waiting_bytes += entry.length
                    for member in group:
                        member.done, member.error = True, failure
                        self._pending_bytes -= member.size
                    self._condition.notify_all()
        if ticket.error is not None:
            raise ticket.error
        return size

    def _check(self, size: int) -> None:
        if self._closed:
            raise Unavailable("The spool is closed.", code="VDT0617")
        limits = self._limits
        full = self.waiting_bytes + self._pending_bytes + size > limits.disk_bytes
        if full or len(self._entries) + len(self._pending) >= limits.waiting_batches:
            raise TooManyRequests(
                f"{self.waiting_rows} rows ({self.waiting_bytes} bytes) are waiting to be stored; no more are taken now.",
                retry_after=5, hint="Send the rows again later.",
            )  # fmt: skip
        if self._pending_bytes and self._pending_bytes + size > limits.memory_bytes:
            raise TooManyRequests(
                "Too much is sent at the same time.", retry_after=1, hint="Send the rows again later."
            )

    def _write(self, group: list[_Ticket], first: int) -> list[Entry]:
        """Write a group of batches and make them durable; undoes what it wrote when that fails."""
        if shutil.disk_usage(self._folder).free < self._limits.free_bytes:
            raise OSError(
                28, f"No space left on device but the {self._limits.free_bytes // 1024**2} megabytes that stay free"
            )
        segment = self._current
        if segment is None or segment.size >= self._limits.segment_bytes:
            segment = self._new_segment(first)
        start = segment.size
        entries = []
        try:
            written: list[bytes] = []
            number = first
            for ticket in group:
                together = len(ticket.parts) > 1
                frames = [
                    frame(place, part.table, part.about, part.payload, member=together)
                    for place, part in enumerate(ticket.parts, number)
                ]
                if together:
                    written.append(group_head(frames))
                    segment.size += len(written[-1])
                for part, one in zip(ticket.parts, frames, strict=True):
                    place = segment.first, segment.size, len(one)
                    entries.append(Entry(number, part.table, part.rows, ticket.at, *place, part.columns, part.size))
                    segment.size += len(one)
                    number += 1
                written += frames
            rest = memoryview(b"".join(written))
            while rest:
                rest = rest[os.write(segment.file, rest) :]
            os.fsync(segment.file)
        except BaseException:
            self._undo(segment, start)
            raise
        with self._condition:
            segment.waiting += len(entries)
        return entries

    def _new_segment(self, first: int) -> _Segment:
        previous, self._current = self._current, None
        segment = _Segment(first, self._folder / f"{first:020}{_SUFFIX}")
        segment.file = os.open(segment.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        try:
            sync_directory(self._folder)
        except OSError:
            os.close(segment.file)
            segment.path.unlink(missing_ok=True)
            raise
        with self._condition:
            self._segments[first] = segment
            self._current = segment
            if previous is not None:
                os.close(previous.file)
                self._drop_if_done(previous)
        return segment

    def _undo(self, segment: _Segment, start: int) -> None:
        """After a failed write nothing of it may be read later, and the file is not written to again."""
        with self._condition:
            self._current = None
        segment.size = start
        try:
            os.close(segment.file)
            os.truncate(segment.path, start)
        except OSError as error:
            log.error("what was not acknowledged cannot be cut off %s: %s", segment.path.name, error)
        with self._condition:
            self._drop_if_done(segment)

    # -- out

    def left_ids(self) -> Iterator[tuple[Entry, list[str]]]:
        """The batches that an earlier process left, of which the records have ids, with these; each is told once."""
        with self._condition:
            left, self._left_ids = self._left_ids, {}
            entries = [entry for entry in self._entries if entry.number in left]
        for entry in entries:
            yield entry, left[entry.number]

    def begin_after(self, number: int) -> None:
        """New batches get greater numbers than this."""
        with self._condition:
            self._next = max(self._next, number + 1)

    def head(self, rows: int, size: int) -> list[Entry]:
        """The batches that have waited longest: at least one if there is any, up to so many rows (six times as many where they are
        columns) and bytes."""
        taken: list[Entry] = []
        with self._condition:
            for entry in self._entries:
                rows -= entry.rows // _LIGHTER if entry.columns else entry.rows
                size -= entry.size
                if taken and (rows < 0 or size < 0):
                    break
                taken.append(entry)
        return taken

    @property
    def oldest(self) -> int | None:
        """When the batch was accepted that has waited longest; ticks."""
        with self._condition:
            return self._entries[0].at if self._entries else None

    def read(self, entries: Sequence[Entry]) -> Iterator[Spooled]:
        """The batches. Raises `Unavailable` if the disk does not give one back."""
        opened: dict[int, Any] = {}
        try:
            for entry in entries:
                file = opened.get(entry.segment)
                if file is None:
                    file = opened[entry.segment] = self._segments[entry.segment].path.open("rb")
                file.seek(entry.offset)
                body = body_of(file.read(entry.length))
                if body is None:
                    raise Unavailable(
                        f"The spool's file {self._segments[entry.segment].path} was changed on disk.", code="VDT0619"
                    )
                yield spooled(entry, body)
        except OSError as error:
            raise _unwritable(self._folder, error) from error
        finally:
            for file in opened.values():
                file.close()

    def release(self, entries: Sequence[Entry]) -> None:
        """Forget the batches, which are the first ones; they are stored."""
        with self._condition:
            for entry in entries:
                taken = self._entries.popleft()
                assert taken is entry
                self.waiting_rows -= entry.rows
                self.waiting_bytes -= entry.length
                segment = self._segments[entry.segment]
                segment.waiting -= 1
                self._drop_if_done(segment)

    def _drop_if_done(self, segment: _Segment) -> None:
        if segment.waiting == 0 and segment is not self._current and segment.first in self._segments:
            del self._segments[segment.first]
            try:
                segment.path.unlink(missing_ok=True)
            except OSError as error:
                log.warning("the spool's file %s cannot be deleted: %s", segment.path.name, error)

    def close(self) -> None:
        """Let go of the files; what is waiting stays on disk."""
        with self._condition:
            self._closed = True
            while self._writing:
                self._condition.wait()
            if self._current is not None:
                segment, self._current = self._current, None
                os.close(segment.file)
                self._drop_if_done(segment)

    # -- after a crash

    def _take_over(self, found: Found) -> None:
        path, size, end = found.path, found.size, found.end
        segment = _Segment(int(path.stem), path, size)
        self._segments[segment.first] = segment
        self.damaged += len(found.damaged)
        for start, after in found.damaged:
            log.error("the spool's file %s is damaged from byte %d to %d", path.name, start, after)
        self._left_ids.update(found.record_ids)
        for entry in found.entries:
            self._entries.append(entry)
            self.waiting_rows += entry.rows
            self.waiting_bytes += entry.length
            segment.waiting += 1
            self._next = max(self._next, entry.number + 1)
        self._next = max(self._next, segment.first + 1)
        if end < size:
            log.warning("%d bytes at the end of %s were never acknowledged and are cut off", size - end, path.name)
            os.truncate(path, end)
            segment.size = end
        self._drop_if_done(segment)


def _part(table: str, lines: RowLines, source: str, at: int, record_ids: Sequence[str] | None) -> _Part:
    about = [source, at, lines.count, record_ids, *lines.form]
    return _Part(table, lines.count, about, lines.payload, lines.size)


def _unwritable(folder: Path, error: OSError) -> VedetteError:
    reason = (error.strerror or str(error)).lower()
    return Unavailable(
        f"The spool {folder} cannot be used: {reason}.", code="VDT0618", hint="Free disk space, or make it writable.",
        file=str(folder),
    )  # fmt: skip
