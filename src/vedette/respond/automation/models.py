"""The table of automation rules."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from vedette.core.database import Base

RULE_ID_LENGTH: Final = 200


class AutomationRuleRow(Base):
    """An automation rule, and what has come of it."""

    __tablename__ = "automation_rules"

    workspace_id: Mapped[str] = mapped_column(
        String(36), ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True
    )
    id: Mapped[str] = mapped_column(String(RULE_ID_LENGTH), primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    place: Mapped[int] = mapped_column(Integer)
    """Its order among the rules of its trigger."""
    enabled: Mapped[bool]
    triggers_on: Mapped[str] = mapped_column(String(20))
    triggers_when: Mapped[str] = mapped_column(String(20))
    expires_at: Mapped[datetime | None]
    properties: Mapped[dict[str, Any]]
    """The properties of its resource."""
    revision: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(Text)
    updated_at: Mapped[datetime]
    updated_by: Mapped[str] = mapped_column(Text)
    applied: Mapped[int] = mapped_column(Integer)
    """How often it was applied."""
    applied_at: Mapped[datetime | None]
    errors: Mapped[int] = mapped_column(Integer)
    """How often something of it could not be done."""
    error_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (Index("ix_automation_rules_trigger", "workspace_id", "triggers_when", "enabled", "place"),)
