"""The tables of the connectors."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from vedette.core.database import Base, PlainText


class ConnectorRow(Base):
    """A configured instance of a connector."""

    __tablename__ = "connectors"
    __table_args__ = (UniqueConstraint("workspace_id", "folded_name"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    workspace_id: Mapped[str] = mapped_column(String(36), ForeignKey("workspaces.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(64))
    name: Mapped[str]
    folded_name: Mapped[str]
    enabled: Mapped[bool]
    settings: Mapped[dict[str, Any]]
    secrets: Mapped[dict[str, Any]]
    """Field → reference into the secret store."""
    intervals: Mapped[dict[str, Any]]
    """Endpoint → seconds, where it is not the manifest's."""
    revision: Mapped[int]
    """Counts changes: an open connection of an older revision is not used again."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class ConnectorEndpointRow(Base):
    """Where an instance stands with one endpoint."""

    __tablename__ = "connector_endpoints"

    connector_id: Mapped[str] = mapped_column(
        String(36), ForeignKey("connectors.id", ondelete="CASCADE"), primary_key=True
    )
    endpoint: Mapped[str] = mapped_column(String(64), primary_key=True)
    cursor: Mapped[dict[str, Any]]
    due_at: Mapped[datetime]
    throttled: Mapped[int]
    """Answers of 429 in a row."""
    failures: Mapped[int]
    """Failures in a row, of any kind."""
    trouble: Mapped[str | None] = mapped_column(String(32))
    """Why the last poll failed; None after a success."""
    message: Mapped[str | None]
    last_poll_at: Mapped[datetime | None]
    last_success_at: Mapped[datetime | None]
    fetched: Mapped[int] = mapped_column(BigInteger)
    """Objects that were fetched since the beginning."""


def begin(connector_id: str, endpoint: str, now: datetime) -> ConnectorEndpointRow:
    """An endpoint of which nothing was polled yet: it is due."""
    return ConnectorEndpointRow(
        connector_id=connector_id, endpoint=endpoint, cursor={}, due_at=now, throttled=0, failures=0, fetched=0
    )


class ConnectorPollRow(Base):
    """One poll: the history of an instance's health."""

    __tablename__ = "connector_polls"
    __table_args__ = (Index("ix_connector_polls_of", "connector_id", "started_at"),)

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)
    connector_id: Mapped[str] = mapped_column(String(36), ForeignKey("connectors.id", ondelete="CASCADE"))
    endpoint: Mapped[str] = mapped_column(String(64))
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime]
    outcome: Mapped[str] = mapped_column(String(32))
    """`ok`, or the trouble."""
    fetched: Mapped[int]
    pages: Mapped[int]
    unknown: Mapped[dict[str, Any]]
    message: Mapped[str | None]


class ConnectorDefinitionRow(Base):
    """A codeless connector's definition, as it was imported."""

    __tablename__ = "connector_definitions"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    source: Mapped[str] = mapped_column(PlainText)
    """The document that it stands in."""
    imported_at: Mapped[datetime]
