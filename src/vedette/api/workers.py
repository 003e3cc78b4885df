"""The threads of a running server: the work of the installation, and that of each workspace while it is in use."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from vedette.api.application import Application

Work = Mapping[str, Callable[[threading.Event], None]]
_ALL: Final = ""
"""Stands for the installation among the workspaces."""
_END_SECONDS: Final = 10.0
"""What all work together has to come to its end with the server; what waits for others over the network may take longer."""


@dataclass(slots=True)
class _Crew:
    stop: threading.Event = field(default_factory=threading.Event)
    threads: list[threading.Thread] = field(default_factory=list)


class Workers:
    """Starts the work, follows workspaces as they are made, archived and restored, and ends all of it."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._guard = threading.RLock()
        self._crews: dict[str, _Crew] = {}
        self._ended = False

    def start(self) -> None:
        """Starts everything. Raises VedetteError where a store does not open, for one."""
        with self._guard:
            if self._ended:
                return
            # Told before it looks: what is made meanwhile waits for the guard, and is found then.
            self._application.workspaces_changed = self.follow
            self._application.workspace_ended = self.end_workspace
            self._begin(_ALL, self._application.background())
            self.follow()

    def follow(self) -> None:
        """Starts the work of workspaces that came into use, and tells that of others to end."""
        with self._guard:
            if self._ended:
                return
            current = {one.id: one for one in self._application.workspaces.list()}
            for identity, crew in list(self._crews.items()):
                if identity != _ALL and identity not in current:
                    crew.stop.set()
            for identity, workspace in current.items():
                known = self._crews.get(identity)
                if known is not None and known.stop.is_set():
                    self._join(self._crews.pop(identity).threads, 30)
                if identity not in self._crews:
                    work = self._application.services(workspace).background()
                    self._begin(identity, {f"{name} of {workspace.name}": run for name, run in work.items()})

    def end_workspace(self, workspace_id: str) -> None:
        """Ends the work of a workspace, and returns when it has ended."""
        with self._guard:
            ended = self._crews.pop(workspace_id, None)
        if ended is not None:
            ended.stop.set()
            self._join(ended.threads, 30)

    def end(self) -> None:
        """Ends all work; waits some seconds for all of it."""
        with self._guard:
            self._ended = True
            crews, self._crews = list(self._crews.values()), {}
        for crew in crews:
            crew.stop.set()
        self._application.deliverer.wake()
        self._application.collector.wake()
        self._join([thread for crew in crews for thread in crew.threads], _END_SECONDS)

    def _begin(self, identity: str, work: Work) -> None:
        crew = self._crews[identity] = _Crew()
        for name, run in work.items():
            thread = threading.Thread(target=run, args=(crew.stop,), name=name, daemon=True)
            crew.threads.append(thread)
            thread.start()

    def _join(self, threads: Sequence[threading.Thread], seconds: float) -> None:
        clock = self._application.clock
        until = clock.monotonic() + seconds
        for thread in threads:
            thread.join(timeout=max(0.0, until - clock.monotonic()))
