"""Watches folders: a file is taken once, when it is complete.

A file is complete when its size and its time have stayed for some seconds, or when its time is older than that: then it was moved
there whole. What was loaded is remembered by its content, in the transaction of its rows, so that a server that is killed neither
loses nor doubles anything. A file that cannot be loaded is put into `failed/`, beside a text with the reason.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

from vedette.collect.files.folders import WatchedFolder
from vedette.core.clock import Clock
from vedette.core.errors import VedetteError
from vedette.store.report import LoadOptions, LoadReport, Outcome

log = logging.getLogger(__name__)

FAILED: Final = "failed"
LOADED: Final = "loaded"
REASON: Final = ".reason.txt"
EVERY: Final = 1.0
"""Seconds between two looks at the folders."""
SETTLED: Final = 3.0
"""Seconds that a file stays the same before it is taken."""
PATIENCE: Final = 15.0
"""Seconds that a file which cannot be loaded stays the same before it is put aside: its writer may only have paused."""
_UNFINISHED: Final = (".tmp", ".temp", ".part", ".partial", ".crdownload", ".filepart", ".swp", ".lock", "~", REASON)
_KEPT: Final = 100


class Loads(Protocol):
    """What loads files (`files.loader.FileLoader`)."""

    def load(
        self, paths: list[Path], options: LoadOptions | None = None, *, cancelled: Callable[[], bool] | None = None,
        within: Path | None = None,
    ) -> LoadReport:  # fmt: skip
        """Loads files that lie in a folder."""
        ...


@dataclass(frozen=True, slots=True)
class Problem:
    """A file of which nothing was taken."""

    file: Path
    at: datetime
    reason: str


@dataclass(slots=True)
class FolderState:
    """What has come of a folder since the server started. `problem` is why the folder itself cannot be read, if so."""

    files: int = 0
    rows: int = 0
    waiting: int = 0
    failed: int = 0
    problem: str | None = None
    problems: deque[Problem] = field(default_factory=lambda: deque(maxlen=_KEPT))


@dataclass(slots=True)
class _Seen:
    """A file as it was when it was last looked at."""

    mark: tuple[int, int]
    since: float
    done: bool = False
    refused: str | None = None


class FolderWatcher:
    """Watches the folders of one workspace."""

    def __init__(self, folders: Callable[[], list[WatchedFolder]], loader: Loads, clock: Clock) -> None:
        self._folders = folders
        self._loader = loader
        self._clock = clock
        self._seen: dict[Path, dict[Path, _Seen]] = {}
        self._states: dict[Path, FolderState] = {}
        self._stop = threading.Event()

    def state(self, folder: Path) -> FolderState:
        """What has come of a folder."""
        return self._states.get(folder) or FolderState()

    def run(self, stop: threading.Event) -> None:
        """Watches until the event is set."""
        self._stop = stop
        while not stop.is_set():
            try:
                self.look()
            except VedetteError as error:
                log.error("the watched folders cannot be looked at: %s", error)
            self._clock.wait(stop, EVERY)

    def look(self) -> None:
        """Looks at every folder once, and takes what is complete."""
        folders = self._folders()
        for gone in self._seen.keys() - {folder.path for folder in folders}:
            del self._seen[gone]
            self._states.pop(gone, None)
        for folder in folders:
            if not self._stop.is_set():
                self._look_at(folder)

    def _look_at(self, folder: WatchedFolder) -> None:
        state = self._states.setdefault(folder.path, FolderState())
        seen = self._seen.setdefault(folder.path, {})
        try:
            found = dict(_files(folder.path))
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            if state.problem != reason:
                log.error("the watched folder %s cannot be read: %s", folder.path, reason)
            state.problem = reason
            return
        state.problem = None
        for gone in seen.keys() - found.keys():
            del seen[gone]
        now = self._clock.monotonic()
        wall = self._clock.now().timestamp()
        for file, mark in found.items():
            known = seen.get(file)
            if known is None or known.mark != mark:
                known = seen[file] = _Seen(mark, now)
            if known.done or self._stop.is_set():
                continue
            still = now - known.since
            if still >= SETTLED or (still == 0 and wall - mark[1] / 1e9 >= SETTLED and known.refused is None):
                self._take(folder, file, known, state, still)
        state.waiting = sum(not one.done for one in seen.values())

    def _take(self, folder: WatchedFolder, file: Path, known: _Seen, state: FolderState, still: float) -> None:
        if known.refused is not None and still < PATIENCE:
            return
        try:
            report = self._loader.load(
                [file], LoadOptions(folder.table), cancelled=self._stop.is_set, within=folder.path
            )
        except VedetteError as error:
            self._refused(folder, file, known, state, still, [error])
            return
        if report.cancelled:
            return
        errors = [one.error for one in report.failed if one.error is not None]
        if any(error.status >= 500 for error in errors):
            known.since = self._clock.monotonic()  # the disk is full, or the store is closing: try again later
            log.error("the file %s could not be stored: %s", file, errors[0])
            return
        if report.bad:
            log.warning("of %s could not be read, and are in VedetteDeadLetter_CL, records: %d", file, report.bad)
        if report.rows:
            for note in report.notes:
                log.info("%s", note)
        reasons: list[VedetteError | str] = [*errors]
        loaded = [one for one in report.files if one.outcome in (Outcome.LOADED, Outcome.PRESENT)]
        if not loaded and report.unknown:
            reasons += [f"{one.path}: {one.reason}" for one in report.unknown]
        if reasons:
            self._refused(folder, file, known, state, still, reasons, rows=report.rows, rest=bool(loaded))
            return
        known.done = True
        state.files += 1
        state.rows += report.rows
        log.info("loaded %s, rows: %d", file, report.rows)
        for one in report.unknown:
            state.problems.append(Problem(one.path, self._clock.now(), one.reason))
        if folder.move:
            self._move(folder, file, LOADED)

    def _refused(
        self, folder: WatchedFolder, file: Path, known: _Seen, state: FolderState, still: float,
        reasons: list[VedetteError | str] | list[VedetteError], rows: int = 0, rest: bool = False,
    ) -> None:  # fmt: skip
        """A file of which something could not be loaded; its writer may not be done with it yet. `rest`: the rest of it is."""
        text = "\n".join([*map(str, reasons), *(["All else in it is loaded."] if rest else [])])
        state.rows += rows
        if still < PATIENCE:
            known.refused = text
            return
        known.done = True
        state.failed += 1
        state.problems.append(Problem(file, self._clock.now(), text))
        log.error("the file %s was put aside: %s", file, text.replace("\n", "; "))
        moved = self._move(folder, file, FAILED)
        if moved is not None:
            try:
                moved.with_name(moved.name + REASON).write_text(text + "\n", encoding="utf-8")
            except OSError as error:
                log.error("the reason for %s could not be written: %s", moved, error)

    def _move(self, folder: WatchedFolder, file: Path, where: str) -> Path | None:
        """A file into a folder beside, under its own path; None where that is not allowed: then it is only remembered."""
        target = folder.path / where / file.relative_to(folder.path)
        number = 1
        while target.exists():
            number += 1
            target = target.with_name(f"{file.stem}.{number}{file.suffix}")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(file, target)
        except OSError as error:
            log.warning("the file %s could not be moved: %s", file, error)
            return None
        return target


def _files(folder: Path) -> Iterator[tuple[Path, tuple[int, int]]]:
    """The files below a folder that are meant to be loaded, each with its size and time."""
    for entry in sorted(folder.iterdir()):
        if entry.name not in (FAILED, LOADED):
            yield from _below(entry)


def _below(entry: Path) -> Iterator[tuple[Path, tuple[int, int]]]:
    if entry.name.startswith(".") or entry.name.lower().endswith(_UNFINISHED) or entry.is_symlink():
        return
    if entry.is_dir():
        for inner in sorted(entry.iterdir()):
            yield from _below(inner)
        return
    try:
        about = entry.stat()
    except FileNotFoundError:
        return  # moved meanwhile
    if entry.is_file():
        yield entry, (about.st_size, about.st_mtime_ns)
