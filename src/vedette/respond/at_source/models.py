"""The table of what is to be done with alerts at their source, and what came of it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from vedette.core.database import Base


class SourceChangeRow(Base):
    """One alert that is to be moved to another state at its source."""

    __tablename__ = "source_changes"

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)
    workspace_id: Mapped[str] = mapped_column(String(36), ForeignKey("workspaces.id", ondelete="CASCADE"))
    number: Mapped[int] = mapped_column(Integer)
    """The incident's."""
    alert_id: Mapped[str] = mapped_column(String(36))
    """The alert here."""
    source_id: Mapped[str] = mapped_column(Text)
    """The alert there: its SystemAlertId."""
    names: Mapped[list[str]]
    """Everything that it may be known as there."""
    subscription_id: Mapped[str | None] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    action: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(20))
    """waiting, done, failed, or replaced by a later wish."""
    attempts: Mapped[int] = mapped_column(Integer)
    due_at: Mapped[datetime]
    message: Mapped[str | None] = mapped_column(Text)
    hint: Mapped[str | None] = mapped_column(Text)
    actor_id: Mapped[str] = mapped_column(Text)
    actor_name: Mapped[str] = mapped_column(Text)
    asked_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        Index("ix_source_changes_incident", "workspace_id", "number"),
        Index("ix_source_changes_due", "workspace_id", "state", "due_at"),
    )
