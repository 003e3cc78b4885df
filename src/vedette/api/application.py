"""The application: one opened data directory, with its state, its stores and the services on them.

Both the server and a command that works without one are built on it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType

from vedette.api.services import WorkspaceServices
from vedette.core.audit import Audit
from vedette.core.clock import Clock, SystemClock
from vedette.core.errors import NotFound
from vedette.core.identity import Identity
from vedette.core.secrets import Secrets
from vedette.core.settings import Settings
from vedette.core.workspaces import Workspace, Workspaces
from vedette.store.stores import Stores


class Application:
    """A data directory that this process holds. Close it, or use it as a context manager."""

    def __init__(
        self, settings: Settings, clock: Clock | None = None, *, purpose: str = "vedette",
        on_wait: Callable[[str], None] | None = None,
    ) -> None:  # fmt: skip
        """Locks the directory (waiting as the settings say), and brings its state up to date."""
        self.settings = settings
        self.clock = clock or SystemClock()
        self.directory = settings.data_directory()
        self._held = ExitStack()
        self._guard = threading.Lock()
        self._services: dict[str, WorkspaceServices] = {}
        with ExitStack() as opening:
            opening.enter_context(self.directory.lock(purpose, wait=settings.lock_wait, on_wait=on_wait))
            self.state = settings.open_state()
            opening.callback(self.state.dispose)
            self.state.upgrade()
            self.audit = Audit(self.state, self.clock)
            self.identity = Identity(self.state, self.clock)
            key = settings.secrets_key.get_secret_value() if settings.secrets_key else None
            self.secrets = Secrets(self.state, self.directory.secrets_key_file, self.clock, key=key)
            self.workspaces = Workspaces(self.state, self.clock)
            self.stores = Stores(self.directory, self.clock, names=self._names)
            opening.callback(self.stores.close)
            self._held = opening.pop_all()

    def _names(self, name_or_id: str) -> tuple[str, str] | None:
        try:
            workspace = self.workspaces.get(name_or_id)
        except NotFound:
            return None
        return workspace.id, workspace.name

    def workspace(self, name_or_id: str) -> Workspace:
        """A workspace by name or id; `default` is made when it is first asked for."""
        return self.workspaces.default() if name_or_id == "default" else self.workspaces.get(name_or_id)

    def services(self, workspace: Workspace) -> WorkspaceServices:
        """The services of a workspace; the same object however often it is asked for."""
        with self._guard:
            held = self._services.get(workspace.id)
            if held is None:
                held = self._services[workspace.id] = WorkspaceServices(self, workspace)
            return held

    def close(self) -> None:
        """Closes the stores and the state, and lets go of the directory."""
        self._held.close()

    def __enter__(self) -> Application:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
