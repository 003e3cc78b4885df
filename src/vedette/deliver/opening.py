"""Open destinations, kept open while their configuration stays the same: a token is asked for once, not per delivery."""

from __future__ import annotations

import threading
from types import TracebackType

from vedette.core.database import State
from vedette.core.errors import NotFound
from vedette.core.outbound import Outbound
from vedette.core.redaction import Secret
from vedette.core.secrets import Secrets
from vedette.deliver.contract import Destination
from vedette.deliver.models import DestinationRow
from vedette.deliver.registry import Registry


class Openings:
    """Opens destinations by id, at their newest revision."""

    def __init__(self, state: State, secrets: Secrets, registry: Registry, outbound: Outbound | None = None) -> None:
        self._outbound = outbound or Outbound()
        self._state = state
        self._secrets = secrets
        self._registry = registry
        self._lock = threading.Lock()
        self._open: dict[str, tuple[int, Destination]] = {}

    def __enter__(self) -> Openings:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def get(self, destination_id: str) -> Destination:
        """The open destination. `NotFound` if it was deleted; other errors where its secrets cannot be read."""
        with self._state.session(read_only=True) as session:
            row = session.get(DestinationRow, destination_id)
            if row is None or row.deleted_at is not None:
                raise NotFound(f"There is no destination '{destination_id}'.", target=destination_id)
            kind, revision, workspace_id, inside = row.kind, row.revision, row.workspace_id, row.inside
            settings, references = dict(row.settings), dict(row.secrets)
        with self._lock:
            kept = self._open.get(destination_id)
            if kept is not None and kept[0] == revision:
                return kept[1]
            opened = self._opened(kind, workspace_id, settings, references, staged=False, inside=inside)
            self._open[destination_id] = (revision, opened)
        if kept is not None:
            kept[1].close()
        return opened

    def get_staged(self, destination_id: str) -> Destination | None:
        """The destination with the new values of rotations that wait for a test; None where there are none. To be closed."""
        with self._state.session(read_only=True) as session:
            row = session.get(DestinationRow, destination_id)
            if row is None or row.deleted_at is not None:
                return None
            kind, workspace_id, inside = row.kind, row.workspace_id, row.inside
            settings, references = dict(row.settings), dict(row.secrets)
        if not self._secrets.untested(references.values()):
            return None
        return self._opened(kind, workspace_id, settings, references, staged=True, inside=inside)

    def tested(self, destination_id: str, problem: str | None) -> None:
        """Record what came of the new values: with None they are in use from now on."""
        with self._state.session() as session:
            row = session.get(DestinationRow, destination_id)
            if row is None:
                return
            for reference in self._secrets.untested(row.secrets.values()):
                self._secrets.tested(reference, problem)
            if problem is None:
                row.revision += 1

    def _opened(
        self, kind: str, workspace_id: str, settings: dict[str, str], references: dict[str, str], *, staged: bool,
        inside: bool,
    ) -> Destination:  # fmt: skip
        secrets: dict[str, Secret] = {
            name: self._secrets.get(reference, workspace_id=workspace_id, staged=staged)
            for name, reference in references.items()
        }
        # Settings that were saved before a field came to be get its default.
        kind_of = self._registry.get(kind)
        defaults = {field.name: field.default for field in kind_of.manifest.fields if field.default is not None}
        return kind_of.open({**defaults, **settings}, secrets, self._outbound.also_inside(inside))

    def forget(self, destination_id: str) -> None:
        """Close a destination; the next use opens it anew (and asks for a new token)."""
        with self._lock:
            kept = self._open.pop(destination_id, None)
        if kept is not None:
            kept[1].close()

    def close(self) -> None:
        """Close every destination."""
        for destination_id in list(self._open):
            self.forget(destination_id)
