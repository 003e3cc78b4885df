"""The folders that a workspace watches: list, add, remove."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import select

from vedette.collect.models import WatchedFolderRow
from vedette.core.audit import Audit
from vedette.core.clock import Clock
from vedette.core.database import State
from vedette.core.errors import Conflict, InvalidInput, not_found
from vedette.core.ids import IdSource, new_id
from vedette.core.roles import Permission, Principal
from vedette.store.reading.forms import check_table_name

GIVEN = "settings"
"""The id of a folder that the server was started with."""


@dataclass(frozen=True, slots=True)
class WatchedFolder:
    """A folder that is watched. `table` is the table of all its files, if given; with `move`, what is loaded goes into `loaded/`."""

    id: str
    path: Path
    table: str | None = None
    move: bool = False
    created_at: datetime | None = None
    created_by: str = ""


class WatchedFolders:
    """The watched folders of one workspace. `given` are those that the server was started with; they cannot be removed."""

    def __init__(
        self, state: State, workspace_id: str, clock: Clock, audit: Audit, *, data: Path, given: Sequence[Path] = (),
        ids: IdSource = new_id,
    ) -> None:  # fmt: skip
        self._state = state
        self._workspace = workspace_id
        self._clock = clock
        self._audit = audit
        self._data = data
        self._new_id = ids
        self._given = [WatchedFolder(GIVEN, path.expanduser().absolute()) for path in given]

    def list(self) -> list[WatchedFolder]:
        """Every folder, by its path."""
        with self._state.session(read_only=True) as session:
            rows = session.scalars(
                select(WatchedFolderRow)
                .where(WatchedFolderRow.workspace_id == self._workspace)
                .order_by(WatchedFolderRow.path)
            ).all()
            kept = [
                WatchedFolder(row.id, Path(row.path), row.table_name, row.move, row.created_at, row.created_by)
                for row in rows
            ]
        known = {one.path for one in kept}
        return [*(one for one in self._given if one.path not in known), *kept]

    def add(self, path: Path, by: Principal, *, table: str | None = None, move: bool = False) -> WatchedFolder:
        """Watches a folder. Who may add one may have the server read any file that it may read.

        Raises `Forbidden`, `InvalidInput` if it is no folder that can be watched, and `Conflict` if it is watched already.
        """
        by.require(self._workspace, Permission.SETTINGS_WRITE)
        if table is not None:
            check_table_name(table)
        checked = check_folder(path, self._data)
        with self._state.session() as session:
            for one in self.list():
                if one.path == checked or one.path in checked.parents or checked in one.path.parents:
                    raise Conflict(
                        f"The folder {checked} is watched already, by {one.path}.", code="VDT0653", target=str(path)
                    )
            row = WatchedFolderRow(
                id=self._new_id(), workspace_id=self._workspace, path=str(checked), table_name=table, move=move,
                created_at=self._clock.now(), created_by=by.name,
            )  # fmt: skip
            session.add(row)
            self._audit.record(by, "watched_folder.add", str(checked), self._workspace, {"table": table, "move": move})
            return WatchedFolder(row.id, checked, table, move, row.created_at, row.created_by)

    def remove(self, identifier: str, by: Principal) -> None:
        """Watches a folder no longer; its files stay. Takes its id or its path. Raises `Forbidden` or `NotFound`."""
        by.require(self._workspace, Permission.SETTINGS_WRITE)
        found = next((one for one in self.list() if identifier in (one.id, str(one.path))), None)
        if found is None:
            raise not_found("watched folder", identifier, [str(one.path) for one in self.list()])
        if found.id == GIVEN:
            raise Conflict(
                f"The folder {found.path} is watched because the server was started with it.", code="VDT0653",
                hint="Start the server without --watch and without VEDETTE_WATCH.",
            )  # fmt: skip
        with self._state.session() as session:
            row = session.get(WatchedFolderRow, found.id)
            if row is not None:
                session.delete(row)
            self._audit.record(by, "watched_folder.remove", str(found.path), self._workspace, {})


def check_folder(path: Path, data: Path) -> Path:
    """The folder's own path, if it can be watched: it is there, and it is not the data directory, around or within it."""
    try:
        found = path.expanduser().resolve(strict=True)
    except OSError as error:
        raise _not_watched(path, (error.strerror or str(error)).lower()) from None
    if not path.expanduser().is_absolute():
        raise _not_watched(path, "it is not an absolute path")
    if not found.is_dir():
        raise _not_watched(path, "it is not a folder")
    own = data.expanduser().absolute().resolve()
    if found == own or own in found.parents or found in own.parents:
        raise _not_watched(path, "the data directory is there")
    return found


def _not_watched(path: Path, why: str) -> InvalidInput:
    return InvalidInput(f"The folder {path} cannot be watched: {why}.", code="VDT0652", target=str(path))
