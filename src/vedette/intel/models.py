"""The room's table in the state: every object of STIX that came, in its newest version."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from vedette.core.database import Base


class IntelObjectRow(Base):
    """An object of a source. A deleted one stays, without being in force, so that the same version does not come back."""

    __tablename__ = "intel_objects"
    __table_args__ = (
        Index("ix_intel_objects_due", "workspace_id", "due_at"),
        Index("ix_intel_objects_changed", "workspace_id", "changed_at"),
        Index("ix_intel_objects_stix_id", "workspace_id", "stix_id"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    """Derived of the workspace, the source and the object's id of STIX."""
    workspace_id: Mapped[str] = mapped_column(String(36), ForeignKey("workspaces.id", ondelete="CASCADE"))
    source: Mapped[str]
    method: Mapped[str] = mapped_column(String(40))
    """How it came: TAXII, UploadAPI, File, Manual."""
    stix_id: Mapped[str]
    stix_type: Mapped[str]
    name: Mapped[str]
    pattern: Mapped[str | None]
    content: Mapped[dict[str, Any]]
    tags: Mapped[list[str]]
    """Those that people gave it here; its own are its labels."""
    created: Mapped[datetime | None]
    modified: Mapped[datetime | None]
    valid_from: Mapped[datetime | None]
    valid_until: Mapped[datetime | None]
    confidence: Mapped[int | None] = mapped_column(Integer)
    revoked: Mapped[bool]
    withdrawn_by: Mapped[str | None]
    """Who said here that it is not to be acted on, whatever its source says of later versions."""
    deleted: Mapped[bool]
    added_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    """When it became what it is, here; no two objects of a workspace have the same moment."""
    revision: Mapped[int] = mapped_column(Integer)
    """Counts changes."""
    writes: Mapped[int] = mapped_column(Integer)
    """Counts how often rows of this revision were written."""
    written_at: Mapped[datetime | None]
    written: Mapped[dict[str, Any] | None]
    """`pattern` and `pattern_type` that the rows had which were written last."""
    due_at: Mapped[datetime | None]
    """When rows are to be written next; None: never, unless it changes."""
