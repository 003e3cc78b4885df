"""The log stores of an installation: one for each workspace, opened when it is first asked for."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final

from vedette.core.clock import Clock
from vedette.core.datadir import DataDirectory
from vedette.core.errors import Closing, Unavailable
from vedette.core.files import make_private_directory
from vedette.kql.host import ExternalSource
from vedette.store.content import WorkspaceContent
from vedette.store.intake import Intake
from vedette.store.logstore import LogStore
from vedette.store.partials.keeping import DEFAULT_BYTES

WorkspaceName = Callable[[str], str]
"""The name of the workspace with an id."""
_CLOSE_SECONDS: Final = 5.0
"""What all stores together move of what waits in their spools when they close; the rest is for the next start."""


class Stores:
    """The stores of a data directory. The caller holds the directory's lock."""

    def __init__(
        self,
        directory: DataDirectory,
        clock: Clock,
        *,
        name_of: WorkspaceName | None = None,
        memory: str | None = None,
        content_of: Callable[[str], WorkspaceContent] | None = None,
        external: ExternalSource | None = None,
        partial_bytes: int = DEFAULT_BYTES,
    ) -> None:
        self._partial_bytes = partial_bytes
        self._directory = directory
        self._clock = clock
        self._name_of = name_of
        self._memory = memory
        self._content_of = content_of
        self._external = external
        self._guard = threading.Lock()
        self._opening: dict[str, threading.Lock] = {}
        self._open: dict[str, LogStore] = {}
        self._intakes: dict[str, Intake] = {}
        self._closed = False
        self._ending = threading.Event()

    def open(self, workspace_id: str) -> LogStore:
        """The workspace's store: the same object however often it is asked for. Its file is made if it is new.

        What a server that was killed left in its spool is in the tables before the store is given; other workspaces do not wait for it.
        """
        key = workspace_id.lower()
        store = self._open.get(key)
        if store is not None and not self._closed:
            return store
        with self._alone(key):
            return self._opened(key)

    def intake(self, workspace_id: str) -> Intake:
        """The write path into the workspace's store: the same object however often it is asked for."""
        key = workspace_id.lower()
        with self._alone(key):
            store, intake = self._opened(key), self._intakes.get(key)
            if intake is None:
                intake = self._intakes[key] = Intake(store, self._spool(key), self._clock)
            return intake

    def remove(self, workspace_id: str) -> None:
        """Close the workspace's store, and delete its files for good."""
        key = workspace_id.lower()
        with self._alone(key):
            intake, store = self._intakes.pop(key, None), self._open.pop(key, None)
            if intake is not None:
                intake.close()
            if store is not None:
                store.close()
            folder = self._directory.workspace(key)
            try:
                if folder.exists():
                    shutil.rmtree(folder)
            except OSError as error:
                reason = (error.strerror or str(error)).lower()
                raise Unavailable(
                    f"The folder {folder} of the workspace cannot be deleted: {reason}.",
                    code="VDT0649",
                    file=str(folder),
                ) from error

    def end_queries(self) -> None:
        """End all queries, in every store, and refuse others; what is written goes on.

        A store that is being opened is not waited for: it takes up what an earlier process left only as far as it has come.
        """
        self._ending.set()
        with self._guard:
            stores = list(self._open.values())
        for store in stores:
            store.end_queries()

    def close(self) -> None:
        """Close every store; each writes all it has into its file."""
        self.end_queries()
        with self._guard:
            self._closed = True
            opening = list(self._opening.values())
        for turn in opening:
            with turn:  # what is being opened is there then, and nothing else comes
                pass
        intakes, self._intakes = list(self._intakes.values()), {}
        until = self._clock.monotonic() + _CLOSE_SECONDS
        for intake in intakes:
            intake.close(max(0.0, until - self._clock.monotonic()))
        stores, self._open = list(self._open.values()), {}
        for store in stores:
            store.close()

    def __enter__(self) -> Stores:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _alone(self, key: str) -> Iterator[None]:
        """Nobody else opens or removes the workspace's store meanwhile. Raises `Closing` where the stores are closed."""
        with self._guard:
            if self._closed:
                raise Closing("The log stores are closed.")
            turn = self._opening.setdefault(key, threading.Lock())
        with turn:
            if self._closed:
                raise Closing("The log stores are closed.")
            yield

    def _opened(self, key: str) -> LogStore:
        store = self._open.get(key)
        if store is not None:
            return store
        store, spool = self._make(key), self._spool(key)
        try:
            if any(spool.glob("*.spool")):
                # a server that was killed left what it had acknowledged: it belongs to the store
                intake = self._intakes[key] = Intake(store, spool, self._clock)
                intake.flush(stopped=self._ending.is_set)
        finally:
            with self._guard:
                self._open[key] = store
                ending = self._ending.is_set()
            if ending:
                store.end_queries()
        return store

    def _spool(self, workspace_id: str) -> Path:
        return self._directory.logs_file(workspace_id).with_name("spool")

    def _make(self, workspace_id: str) -> LogStore:
        file = self._directory.logs_file(workspace_id)
        try:
            make_private_directory(file.parent)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise Unavailable(
                f"The folder {file.parent} of the log store cannot be made: {reason}.", code="VDT0615", file=str(file)
            ) from error
        name = self._name_of(workspace_id) if self._name_of is not None else "default"
        content = None if self._content_of is None else self._content_of(workspace_id)
        return LogStore(
            file, self._clock, workspace_id=workspace_id, name=name, memory=self._memory, content=content,
            external=self._external, partial_bytes=self._partial_bytes,
        )  # fmt: skip
