"""The log stores of an installation: one for each workspace, opened when it is first asked for."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
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
        self._open: dict[str, LogStore] = {}
        self._intakes: dict[str, Intake] = {}
        self._closed = False
        self._ending = threading.Event()

    def open(self, workspace_id: str) -> LogStore:
        """The workspace's store: the same object however often it is asked for. Its file is made if it is new."""
        key = workspace_id.lower()
        with self._guard:
            if self._closed:
                raise Closing("The log stores are closed.")
            store = self._open.get(key)
            if store is None:
                store = self._open[key] = self._make(key)
                if any(self._spool(key).glob("*.spool")):
                    # a server that was killed left what it had acknowledged: it belongs to the store
                    self._intakes[key] = Intake(store, self._spool(key), self._clock)
                    self._intakes[key].flush(stopped=self._ending.is_set)
                if self._ending.is_set():
                    store.end_queries()
            return store

    def intake(self, workspace_id: str) -> Intake:
        """The write path into the workspace's store: the same object however often it is asked for."""
        store = self.open(workspace_id)
        key = workspace_id.lower()
        with self._guard:
            if self._closed:
                raise Closing("The log stores are closed.")
            intake = self._intakes.get(key)
            if intake is None:
                intake = self._intakes[key] = Intake(store, self._spool(key), self._clock)
            return intake

    def remove(self, workspace_id: str) -> None:
        """Close the workspace's store, and delete its files for good."""
        key = workspace_id.lower()
        with self._guard:
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
                f"The folder {folder} of the workspace cannot be deleted: {reason}.", code="VDT0649", file=str(folder)
            ) from error

    def end_queries(self) -> None:
        """End all queries, in every store, and refuse others; what is written goes on.

        A store that is being opened is not waited for: it takes up what an earlier process left only as far as it has come.
        """
        self._ending.set()
        opened = self._open.copy()  # without the guard, which is held for as long as a store is opened
        for store in opened.values():
            store.end_queries()

    def close(self) -> None:
        """Close every store; each writes all it has into its file."""
        self.end_queries()
        with self._guard:
            self._closed = True
            intakes, self._intakes = list(self._intakes.values()), {}
        until = self._clock.monotonic() + _CLOSE_SECONDS
        for intake in intakes:
            intake.close(max(0.0, until - self._clock.monotonic()))
        with self._guard:
            stores, self._open = list(self._open.values()), {}
        for store in stores:
            store.close()

    def __enter__(self) -> Stores:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

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
