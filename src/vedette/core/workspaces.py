"""Workspaces: whose logs, rules, incidents and rights something belongs to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from vedette.core.audit import Audit
from vedette.core.clock import Clock, SystemClock
from vedette.core.database import State
from vedette.core.errors import Conflict, InvalidInput, NotFound, not_found
from vedette.core.ids import IdSource, is_uuid, new_id
from vedette.core.models import WorkspaceRow
from vedette.core.roles import EVERYWHERE, SYSTEM, Permission, Principal

DEFAULT_NAME: Final = "default"
DEFAULT_RETENTION_DAYS: Final = 90
MAX_RETENTION_DAYS: Final = 4383
"""Twelve years, the longest total retention of a Log Analytics table."""

_KNOWN_SECONDS: Final = 1.0
"""For how long a workspace is taken for what it was, should another process have changed it."""
_MOST_KNOWN: Final = 1_000
_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class Workspace:
    """A workspace as it was when it was read. `archived_at` is None while it is in use."""

    id: str
    name: str
    display_name: str
    retention_days: int
    created_at: datetime
    archived_at: datetime | None = None


class Workspaces:
    """The workspaces of one state. Names are compared without case, as ARM does. `default` is always there.

    `by` is who asks for a change: it is checked, and written to the audit trail.
    """

    def __init__(self, state: State, clock: Clock | None = None, new_id: IdSource = new_id) -> None:
        self._state = state
        self._clock = clock or SystemClock()
        self._new_id = new_id
        self._audit = Audit(state, self._clock)
        self._known: tuple[int, float, dict[str, Workspace]] = (-1, 0.0, {})

    def default(self) -> Workspace:
        """The workspace that is meant where none is named; made when it is first asked for."""
        with self._state.session(read_only=True) as session:
            row = _by_name(session, DEFAULT_NAME)
        if row is None:
            with self._state.session() as session:
                row = _by_name(session, DEFAULT_NAME)  # again, now that nobody else can make it
                if row is None:
                    row = self._add(session, DEFAULT_NAME, "Default", DEFAULT_RETENTION_DAYS, SYSTEM)
        return _workspace(row)

    def get(self, name_or_id: str) -> Workspace:
        """The workspace of that name or id; `NotFound` names the nearest one."""
        known = self._as_known()
        if (workspace := known.get(name_or_id)) is not None:
            return workspace
        with self._state.session(read_only=True) as session:
            row = self._row(session, name_or_id)
            if row is not None:
                known[name_or_id] = workspace = _workspace(row)
                return workspace
        self.default()  # it may be the one that is meant, and is among those that the error names
        with self._state.session(read_only=True) as session:
            return _workspace(self._find(session, name_or_id))

    def _as_known(self) -> dict[str, Workspace]:
        """What is known of workspaces since the state was last written, and for no longer than a moment: every request asks for one, and
        to ask the database takes as long as many a query. Empty for who is within a transaction."""
        if self._state.within:
            return {}
        changes, until, known = self._known
        now = self._clock.monotonic()
        if changes != self._state.changes or now >= until or len(known) > _MOST_KNOWN:
            known = {}
            self._known = self._state.changes, now + _KNOWN_SECONDS, known
        return known

    def list(self, *, archived: bool = False) -> list[Workspace]:
        """Every workspace in use, by name; with `archived` also those that are not."""
        self.default()
        query = select(WorkspaceRow).order_by(WorkspaceRow.folded_name)
        if not archived:
            query = query.where(WorkspaceRow.archived_at.is_(None))
        with self._state.session(read_only=True) as session:
            return [_workspace(row) for row in session.scalars(query)]

    def create(
        self,
        name: str,
        *,
        display_name: str | None = None,
        retention_days: int = DEFAULT_RETENTION_DAYS,
        by: Principal = SYSTEM,
    ) -> Workspace:
        """Make a workspace. `Conflict` if the name is taken, `InvalidInput` if it is not a name."""
        by.require(EVERYWHERE, Permission.WORKSPACES_WRITE)
        _check_name(name)
        _check_retention(retention_days)
        shown = _check_display_name(display_name or name)
        self.default()
        with self._state.session() as session:
            if _by_name(session, name) is not None:
                raise Conflict(f"There is a workspace '{name}' already.", target=name)
            return _workspace(self._add(session, name, shown, retention_days, by))

    def update(
        self,
        name_or_id: str,
        *,
        display_name: str | None = None,
        retention_days: int | None = None,
        by: Principal = SYSTEM,
    ) -> Workspace:
        """Change what is given and leave the rest."""
        self.default()
        with self._state.session() as session:
            row = self._find_to_change(session, name_or_id, by)
            if display_name is not None:
                row.display_name = _check_display_name(display_name)
            if retention_days is not None:
                _check_retention(retention_days)
                row.retention_days = retention_days
            session.flush()
            detail = {"display_name": row.display_name, "retention_days": row.retention_days}
            self._audit.record(by, "workspaces/update", row.name, row.id, detail)
            return _workspace(row)

    def archive(self, name_or_id: str, *, by: Principal = SYSTEM) -> Workspace:
        """Take a workspace out of use; its data stays. `Conflict` for the default workspace."""
        self.default()
        with self._state.session() as session:
            row = self._find_to_change(session, name_or_id, by)
            if row.folded_name == DEFAULT_NAME:
                raise Conflict("The default workspace cannot be archived.", target=row.name)
            if row.archived_at is None:
                row.archived_at = self._clock.now()
                session.flush()
                self._audit.record(by, "workspaces/archive", row.name, row.id)
            return _workspace(row)

    def restore(self, name_or_id: str, *, by: Principal = SYSTEM) -> Workspace:
        """Take an archived workspace into use again."""
        self.default()
        with self._state.session() as session:
            row = self._find_to_change(session, name_or_id, by)
            if row.archived_at is not None:
                row.archived_at = None
                session.flush()
                self._audit.record(by, "workspaces/restore", row.name, row.id)
            return _workspace(row)

    def delete(self, name_or_id: str, *, by: Principal = SYSTEM) -> Workspace:
        """Delete an archived workspace with every row of state that belongs to it.

        Its log files are the caller's to remove. `Conflict` if it was not archived first.
        """
        self.default()
        with self._state.session() as session:
            row = self._find_to_change(session, name_or_id, by)
            if row.archived_at is None:
                raise Conflict(
                    f"The workspace '{row.name}' is in use.", target=row.name, hint="Archive it first, then delete it."
                )
            workspace = _workspace(row)
            session.delete(row)
            self._audit.record(by, "workspaces/delete", workspace.name, workspace.id)
            return workspace

    def _add(self, session: Session, name: str, display_name: str, retention_days: int, by: Principal) -> WorkspaceRow:
        row = WorkspaceRow(
            id=self._new_id(),
            name=name,
            folded_name=name.lower(),
            display_name=display_name,
            retention_days=retention_days,
            created_at=self._clock.now(),
            archived_at=None,
        )
        session.add(row)
        session.flush()
        self._audit.record(by, "workspaces/create", name, row.id, {"retention_days": retention_days})
        return row

    def _row(self, session: Session, name_or_id: str) -> WorkspaceRow | None:
        return session.get(WorkspaceRow, name_or_id.lower()) if is_uuid(name_or_id) else _by_name(session, name_or_id)

    def _find(self, session: Session, name_or_id: str) -> WorkspaceRow:
        row = self._row(session, name_or_id)
        if row is None:
            raise self._missing(session, name_or_id)
        return row

    def _find_to_change(self, session: Session, name_or_id: str, by: Principal) -> WorkspaceRow:
        row = self._find(session, name_or_id)
        by.require(row.id, Permission.WORKSPACES_WRITE)
        return row

    def _missing(self, session: Session, name_or_id: str) -> NotFound:
        return not_found("workspace", name_or_id, session.scalars(select(WorkspaceRow.name)))


def in_use() -> Select[str]:
    """The ids of the workspaces that are not archived, for the condition of a statement."""
    return select(WorkspaceRow.id).where(WorkspaceRow.archived_at.is_(None))


def _by_name(session: Session, name: str) -> WorkspaceRow | None:
    return session.scalars(select(WorkspaceRow).where(WorkspaceRow.folded_name == name.lower())).one_or_none()


def _workspace(row: WorkspaceRow) -> Workspace:
    return Workspace(row.id, row.name, row.display_name, row.retention_days, row.created_at, row.archived_at)


def _check_name(name: str) -> None:
    if is_uuid(name):
        raise InvalidInput(f"The workspace name '{name}' could be taken for an id.", target=name, hint="Choose a word.")
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            f"'{name}' is not a workspace name.",
            target=name,
            hint="Use 1 to 63 letters, digits and hyphens (A-Z, a-z, 0-9, -), with no hyphen at either end.",
        )


def _check_display_name(name: str) -> str:
    stripped = name.strip()
    if not stripped or len(stripped) > 256 or not stripped.isprintable():
        raise InvalidInput("A workspace's display name has 1 to 256 printable characters.", target=name)
    return stripped


def _check_retention(days: int) -> None:
    if not 1 <= days <= MAX_RETENTION_DAYS:
        raise InvalidInput(f"A retention of {days} days is not possible.", hint=f"Use 1 to {MAX_RETENTION_DAYS} days.")
