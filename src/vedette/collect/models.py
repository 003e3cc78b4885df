"""The collect room's table in the state: the folders that are watched."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from vedette.core.database import Base


class WatchedFolderRow(Base):
    """A folder whose files are loaded into a workspace."""

    __tablename__ = "watched_folders"
    __table_args__ = (UniqueConstraint("workspace_id", "path"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    workspace_id: Mapped[str] = mapped_column(String(36), ForeignKey("workspaces.id", ondelete="CASCADE"))
    path: Mapped[str]
    table_name: Mapped[str | None]
    move: Mapped[bool]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
