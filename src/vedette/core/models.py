"""The tables of the core room."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from vedette.core.database import Base


class WorkspaceRow(Base):
    """A workspace: whose logs, rules and incidents these are."""

    __tablename__ = "workspaces"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    name: Mapped[str] = mapped_column(String(63))
    folded_name: Mapped[str] = mapped_column(String(63), unique=True)
    """The name in lower case: names are compared without case, as ARM does."""
    display_name: Mapped[str]
    retention_days: Mapped[int]
    created_at: Mapped[datetime]
    archived_at: Mapped[datetime | None]


class AuditRow(Base):
    """One entry of the audit trail. A trigger refuses to change or delete it."""

    __tablename__ = "audit"

    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor_id: Mapped[str] = mapped_column(String(36))
    actor_kind: Mapped[str] = mapped_column(String(16))
    actor_name: Mapped[str]
    action: Mapped[str] = mapped_column(String(64))
    target: Mapped[str]
    workspace_id: Mapped[str | None] = mapped_column(String(36), index=True)
    """No foreign key: the trail outlives the workspace."""
    detail: Mapped[dict[str, Any]]
    hash: Mapped[str] = mapped_column(String(64))
    """SHA-256 over this entry and the hash of the one before."""


class AuditHeadRow(Base):
    """Where the audit trail ends, so that entries missing at its end are noticed. One row."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sequence: Mapped[int]
    hash: Mapped[str] = mapped_column(String(64))


class AccountRow(Base):
    """A user or an API client."""

    __tablename__ = "accounts"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    name: Mapped[str]
    folded_name: Mapped[str] = mapped_column(unique=True)
    display_name: Mapped[str]
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]
    password_hash: Mapped[str | None]


class RoleAssignmentRow(Base):
    """A role of an account, in one workspace or (workspace_id is null) everywhere."""

    __tablename__ = "role_assignments"
    # Null equals nothing, so this says nothing about what is granted everywhere; writers take turns and look first.
    __table_args__ = (UniqueConstraint("account_id", "role", "workspace_id"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    account_id: Mapped[str] = mapped_column(String(36), ForeignKey("accounts.id", ondelete="CASCADE"))
    role: Mapped[str] = mapped_column(String(32))
    workspace_id: Mapped[str | None] = mapped_column(
        String(36), ForeignKey("workspaces.id", ondelete="CASCADE"), index=True
    )
    created_at: Mapped[datetime]


class TokenRow(Base):
    """An API token: its hash, its scope and its life."""

    __tablename__ = "tokens"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    account_id: Mapped[str] = mapped_column(String(36), ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    hash: Mapped[str] = mapped_column(String(64))
    permissions: Mapped[list[str] | None]
    workspaces: Mapped[list[str] | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


class SignInRow(Base):
    """A one-time sign-in: worth one session, for a short time."""

    __tablename__ = "sign_ins"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    account_id: Mapped[str] = mapped_column(String(36), ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    hash: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]


class SessionRow(Base):
    """A session of the console: the hash of its cookie, and when it ends."""

    __tablename__ = "sessions"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    account_id: Mapped[str] = mapped_column(String(36), ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    hash: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]
    source: Mapped[str]


class SecretRow(Base):
    """A secret: encrypted with the key of that id, or (`backend` is not `state`) kept elsewhere at a locator."""

    __tablename__ = "secrets"
    __table_args__ = (UniqueConstraint("name", "workspace_id"),)  # and as with roles, writers look first

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    workspace_id: Mapped[str | None] = mapped_column(
        String(36), ForeignKey("workspaces.id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str]
    backend: Mapped[str] = mapped_column(String(32), server_default="state")
    locator: Mapped[str | None]
    key_id: Mapped[str] = mapped_column(String(16), index=True)
    nonce: Mapped[bytes]
    ciphertext: Mapped[bytes]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    warned_at: Mapped[datetime | None]
    """When somebody was last told that it is due."""


class SecretRotationRow(Base):
    """A new value beside the one that a secret has. It is used once it was found to work (`verified_at`)."""

    __tablename__ = "secret_rotations"

    secret_id: Mapped[str] = mapped_column(String(36), ForeignKey("secrets.id", ondelete="CASCADE"), primary_key=True)
    backend: Mapped[str] = mapped_column(String(32))
    locator: Mapped[str | None]
    key_id: Mapped[str] = mapped_column(String(16))
    nonce: Mapped[bytes]
    ciphertext: Mapped[bytes]
    staged_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    tested_at: Mapped[datetime | None]
    verified_at: Mapped[datetime | None]
    problem: Mapped[str | None]
    """Why the last test of the new value failed."""
