"""The tables of the core room."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from vedette.core.database import Base


class WorkspaceRow(Base):
    """A workspace: whose logs, rules and incidents these are."""

    __tablename__ = "workspaces"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    name: Mapped[str] = mapped_column(String(63))
    folded_name: Mapped[str] = mapped_column(String(63), unique=True)
    """The name in lower case: names are compared without case, as ARM does."""
    display_name: Mapped[str] = mapped_column(String(256))
    retention_days: Mapped[int]
    created_at: Mapped[datetime]
    archived_at: Mapped[datetime | None]
