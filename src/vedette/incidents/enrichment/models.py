"""The table of what is known of the entities of incidents, and of which of them are to be looked up."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKeyConstraint, Index, Integer, String
from sqlalchemy.orm import Mapped, Session, mapped_column

from vedette.core.database import Base
from vedette.incidents.merging import MergedEntity


class EnrichmentRow(Base):
    """Where an incident stands: what was found, and whether its entities are others since."""

    __tablename__ = "incident_enrichments"

    workspace_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    entities: Mapped[str] = mapped_column(String(64))
    """SHA-256 of the entities and their identifiers."""
    revision: Mapped[int] = mapped_column(Integer)
    """Counts the wishes: one that came while another was followed is followed, too."""
    waiting: Mapped[bool]
    attempts: Mapped[int] = mapped_column(Integer)
    due_at: Mapped[datetime | None]
    """Not before, after a failure; None: at once."""
    enriched_at: Mapped[datetime | None]
    found: Mapped[list[Any]]
    """What each enrichment brought."""

    __table_args__ = (
        Index("ix_incident_enrichments_waiting", "workspace_id", "waiting", "number"),
        ForeignKeyConstraint(
            ["workspace_id", "number"],
            ["incidents.workspace_id", "incidents.number"],
            name="fk_incident_enrichments_incident",
            ondelete="CASCADE",
        ),
    )


def want(session: Session, workspace_id: str, number: int, entities: str) -> None:
    """Have an incident looked up (again), in the transaction of the session; `entities` is their digest."""
    row = session.get(EnrichmentRow, (workspace_id, number))
    if row is None:
        row = EnrichmentRow(
            workspace_id=workspace_id, number=number, entities="", revision=0, waiting=True, attempts=0, due_at=None,
            enriched_at=None, found=[],
        )  # fmt: skip
        session.add(row)
    row.entities, row.revision, row.waiting, row.attempts, row.due_at = entities, row.revision + 1, True, 0, None


def entities_are(session: Session, workspace_id: str, number: int, entities: Iterable[MergedEntity]) -> None:
    """Have an incident looked up if these entities are others than those that it was looked up for."""
    digest = _digest(entities)
    row = session.get(EnrichmentRow, (workspace_id, number))
    if row is None or row.entities != digest:
        want(session, workspace_id, number, digest)


def _digest(entities: Iterable[MergedEntity]) -> str:
    told = sorted([one.id, one.type, sorted(one.identifiers.items())] for one in entities)
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()
