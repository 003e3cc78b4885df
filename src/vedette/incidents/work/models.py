"""The tables of what people do with incidents: tasks, bookmarks, merges and splits."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from vedette.core.database import Base


def _of_incident(table: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["workspace_id", "number"],
        ["incidents.workspace_id", "incidents.number"],
        name=f"fk_{table}_incident",
        ondelete="CASCADE",
    )


class TaskRow(Base):
    """Something to be done about an incident."""

    __tablename__ = "incident_tasks"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    workspace_id: Mapped[str] = mapped_column(String(36))
    number: Mapped[int] = mapped_column(Integer)
    position: Mapped[int] = mapped_column(Integer)
    title: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime]
    created_by_id: Mapped[str] = mapped_column(Text)
    created_by_name: Mapped[str] = mapped_column(Text)
    modified_at: Mapped[datetime]
    completed_at: Mapped[datetime | None]
    completed_by_name: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        Index("ix_incident_tasks_incident", "workspace_id", "number", "position"),
        _of_incident("incident_tasks"),
    )


class BookmarkRow(Base):
    """A row of a query's result that somebody kept, with or without an incident."""

    __tablename__ = "bookmarks"

    workspace_id: Mapped[str] = mapped_column(
        String(36), ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True
    )
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    number: Mapped[int | None] = mapped_column(Integer)
    name: Mapped[str] = mapped_column(Text)
    notes: Mapped[str] = mapped_column(Text)
    labels: Mapped[list[str]]
    query: Mapped[str] = mapped_column(Text)
    row: Mapped[dict[str, Any]]
    entities: Mapped[list[Any]]
    event_time: Mapped[str] = mapped_column(String(28))
    query_start: Mapped[str | None] = mapped_column(String(28))
    query_end: Mapped[str | None] = mapped_column(String(28))
    created_at: Mapped[datetime]
    created_by_id: Mapped[str] = mapped_column(Text)
    created_by_name: Mapped[str] = mapped_column(Text)
    modified_at: Mapped[datetime]
    modified_by_name: Mapped[str] = mapped_column(Text)
    deleted: Mapped[bool]
    revision: Mapped[int] = mapped_column(Integer)

    __table_args__ = (Index("ix_bookmarks_incident", "workspace_id", "number", "event_time"),)


class BookmarkKeyRow(Base):
    """Keys of a bookmark's entities, by which it is found."""

    __tablename__ = "bookmark_entity_keys"

    workspace_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    bookmark_id: Mapped[str] = mapped_column(String(36), primary_key=True)

    __table_args__ = (
        ForeignKeyConstraint(
            ["workspace_id", "bookmark_id"],
            ["bookmarks.workspace_id", "bookmarks.id"],
            name="fk_bookmark_entity_keys_bookmark",
            ondelete="CASCADE",
        ),
    )


class MoveRow(Base):
    """Alerts and bookmarks that somebody moved from one incident (`other`) into another (`number`)."""

    __tablename__ = "incident_moves"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    workspace_id: Mapped[str] = mapped_column(String(36))
    kind: Mapped[str] = mapped_column(String(10))
    """`merge`, or `split`."""
    number: Mapped[int] = mapped_column(Integer)
    other: Mapped[int] = mapped_column(Integer)
    at: Mapped[datetime]
    by_id: Mapped[str] = mapped_column(Text)
    by_name: Mapped[str] = mapped_column(Text)
    body: Mapped[dict[str, Any]]
    """What moved, and what the fields were before and after: what an undo needs."""
    undone_at: Mapped[datetime | None]
    undone_by_name: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        Index("ix_incident_moves_number", "workspace_id", "number"),
        Index("ix_incident_moves_other", "workspace_id", "other"),
        _of_incident("incident_moves"),
    )
