"""Accounts, grants and tokens as they are handed out, and how they are read from their rows."""

from __future__ import annotations

import functools
import getpass
import os
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from vedette.core.errors import Forbidden, NotFound, not_found
from vedette.core.ids import derived_id, is_uuid
from vedette.core.models import AccountRow, RoleAssignmentRow, TokenRow
from vedette.core.redaction import Secret
from vedette.core.roles import EVERYWHERE, Permission, Principal, PrincipalKind, Role

LOCAL_OPERATOR_ID: Final = derived_id("account", "local-operator")
LOCAL_OPERATOR_NAME: Final = "local-operator"


@dataclass(frozen=True, slots=True)
class Grant:
    """A role in a workspace, or (`workspace_id` is None) everywhere."""

    role: Role
    workspace_id: str | None


@dataclass(frozen=True, slots=True)
class Account:
    """A user or an API client, as it was when it was read."""

    id: str
    kind: PrincipalKind
    name: str
    display_name: str
    created_at: datetime
    disabled: bool
    has_password: bool
    grants: tuple[Grant, ...]


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """What is known of an API token; the token itself is not. A scope of None means no limit beyond the roles."""

    id: str
    account_id: str
    name: str
    permissions: tuple[Permission, ...] | None
    workspaces: tuple[str, ...] | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewToken:
    """A new API token: `text` is shown once and kept nowhere."""

    text: Secret
    info: TokenInfo


def local_operator(data_directory: Path | None = None) -> Principal:
    """Who uses the data directory directly: whoever may read its files may do everything.

    `Forbidden` if the directory belongs to another user of this machine (and this one is not its superuser).
    """
    if data_directory is not None and os.name == "posix" and data_directory.exists():
        owner, user = data_directory.stat().st_uid, os.geteuid()
        if user not in (owner, 0):
            raise Forbidden(
                f"The data directory {data_directory} belongs to another user.",
                hint="Run the command as its owner, or use a server and a token.",
            )
    return Principal(
        id=LOCAL_OPERATOR_ID,
        kind="local",
        name=LOCAL_OPERATOR_NAME,
        display_name=_user_name(),
        roles_by_workspace={EVERYWHERE: frozenset({Role.ADMINISTRATOR})},
    )


@functools.cache  # otherwise every request with the local token would have the system's list of users read
def _user_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return "Local operator"


def principal_of(
    session: Session,
    account: AccountRow,
    credential: str,
    permissions: Collection[str] | None = None,
    workspaces: Collection[str] | None = None,
) -> Principal:
    """The principal of an account, with the roles it has at this moment and the scope of its credential."""
    roles: dict[str, set[Role]] = {}
    for grant in _grants(session, account):
        roles.setdefault(grant.workspace_id or EVERYWHERE, set()).add(grant.role)
    return Principal(
        id=account.id,
        kind=account.kind,  # type: ignore[arg-type]  # only these kinds are written
        name=account.name,
        display_name=account.display_name,
        roles_by_workspace={workspace: frozenset(found) for workspace, found in roles.items()},
        scope_permissions=None if permissions is None else frozenset(_known(permissions)),
        scope_workspaces=None if workspaces is None else frozenset(workspaces),
        credential=credential,
    )


def _grants(session: Session, account: AccountRow) -> tuple[Grant, ...]:
    if account.kind == "local":
        return (Grant(Role.ADMINISTRATOR, None),)
    query = (
        select(RoleAssignmentRow)
        .where(RoleAssignmentRow.account_id == account.id)
        .order_by(RoleAssignmentRow.workspace_id, RoleAssignmentRow.role)
    )
    return tuple(Grant(Role(row.role), row.workspace_id) for row in session.scalars(query))


def find_assignment(
    session: Session, account_id: str, role: Role, workspace_id: str | None
) -> RoleAssignmentRow | None:
    """That role of that account in that workspace (None: everywhere), or None."""
    query = select(RoleAssignmentRow).where(
        RoleAssignmentRow.account_id == account_id,
        RoleAssignmentRow.role == role.value,
        RoleAssignmentRow.workspace_id.is_(None)
        if workspace_id is None
        else RoleAssignmentRow.workspace_id == workspace_id,
    )
    return session.scalars(query).one_or_none()


def find_account(session: Session, name_or_id: str) -> AccountRow | None:
    """The account of that name or id, or None."""
    found = session.get(AccountRow, name_or_id.lower()) if is_uuid(name_or_id) else None
    return found or find_by_name(session, name_or_id)


def find_by_name(session: Session, name: str) -> AccountRow | None:
    """The account of that name, without case, or None."""
    return session.scalars(select(AccountRow).where(AccountRow.folded_name == name.casefold())).one_or_none()


def missing_account(session: Session, name: str) -> NotFound:
    """The error for an account that is not there; it offers the nearest name."""
    return not_found("account", name, session.scalars(select(AccountRow.name).where(AccountRow.kind != "local")))


def account_of(session: Session, row: AccountRow) -> Account:
    """The account of a row."""
    return Account(
        id=row.id,
        kind=row.kind,  # type: ignore[arg-type]  # only these kinds are written
        name=row.name,
        display_name=row.display_name,
        created_at=row.created_at,
        disabled=row.disabled_at is not None,
        has_password=row.password_hash is not None,
        grants=_grants(session, row),
    )


def token_info(row: TokenRow) -> TokenInfo:
    """What may be known of the token of a row."""
    return TokenInfo(
        id=row.id,
        account_id=row.account_id,
        name=row.name,
        permissions=None if row.permissions is None else tuple(_known(row.permissions)),
        workspaces=None if row.workspaces is None else tuple(row.workspaces),
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
    )


def _known(permissions: Collection[str]) -> list[Permission]:
    """A permission that a later version has renamed or taken away is no permission."""
    return [permission for permission in Permission if permission.value in permissions]
