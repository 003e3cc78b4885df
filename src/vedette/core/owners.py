"""Owners: the users who are Administrator of a place, be it a workspace or the whole installation. A place keeps its last one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import select
from sqlalchemy.orm import Session

from vedette.core.errors import Conflict
from vedette.core.models import AccountRow, RoleAssignmentRow, WorkspaceRow
from vedette.core.roles import EVERYWHERE, Role


def owned(session: Session) -> set[str]:
    """The places that have an owner: `EVERYWHERE`, and the ids of workspaces in use.

    An owner is a user, not an API client, who is not disabled. Who is Administrator everywhere owns every workspace.
    """
    query = (
        select(RoleAssignmentRow.workspace_id)
        .join(AccountRow, AccountRow.id == RoleAssignmentRow.account_id)
        .where(
            RoleAssignmentRow.role == Role.ADMINISTRATOR.value,
            AccountRow.kind == "user",
            AccountRow.disabled_at.is_(None),
        )
        .distinct()
    )
    granted = set(session.scalars(query))
    in_use = set(session.scalars(select(WorkspaceRow.id).where(WorkspaceRow.archived_at.is_(None))))
    return {EVERYWHERE, *in_use} if None in granted else {one for one in granted if one in in_use}


@contextmanager
def keeping_owners(session: Session, name: str) -> Iterator[None]:
    """Lets a change to the account of that name through unless a place loses its last owner by it; then `Conflict`."""
    before = owned(session)
    yield
    session.flush()
    lost = before - owned(session)
    if not lost:
        return
    if EVERYWHERE in lost:
        place = "of the installation"
    else:
        names = session.scalars(select(WorkspaceRow.name).where(WorkspaceRow.id.in_(lost)).order_by(WorkspaceRow.name))
        place = "of the workspace " + ", ".join(f"'{one}'" for one in names)
    raise Conflict(
        f"'{name}' is the last administrator {place}.",
        code="VDT0440",
        target=name,
        hint="Give the role Administrator there to another user first.",
    )
