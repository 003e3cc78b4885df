"""The tables of the deliver room."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, true
from sqlalchemy.orm import Mapped, mapped_column

from vedette.core.database import Base


class DestinationRow(Base):
    """A configured destination. A deleted one stays for the sake of its deliveries, without name, values and secrets."""

    __tablename__ = "destinations"
    __table_args__ = (UniqueConstraint("workspace_id", "folded_name"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    workspace_id: Mapped[str] = mapped_column(String(36), ForeignKey("workspaces.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(64))
    name: Mapped[str]
    folded_name: Mapped[str | None]
    enabled: Mapped[bool]
    every_detection: Mapped[bool]
    """True: deliver what any detection finds. False: only the detections in `destination_detections`."""
    settings: Mapped[dict[str, Any]]
    secrets: Mapped[dict[str, Any]]
    """Field → reference into the secret store."""
    inside: Mapped[bool] = mapped_column(server_default=true())
    """Whether it may be in a private network or on this machine: an administrator of the installation entered the address."""
    revision: Mapped[int]
    """Counts changes of settings and secrets: an open destination of an older revision is not used again."""
    failures: Mapped[int]
    """Deliveries that failed in a row."""
    held_until: Mapped[datetime | None]
    """Nothing is sent before: the other side asked to wait, or does not work."""
    last_success_at: Mapped[datetime | None]
    last_attempt_at: Mapped[datetime | None]
    last_error: Mapped[dict[str, Any] | None]
    """Why the last attempt failed; None after a success."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]


class DestinationDetectionRow(Base):
    """A detection that a destination takes."""

    __tablename__ = "destination_detections"

    destination_id: Mapped[str] = mapped_column(
        String(36), ForeignKey("destinations.id", ondelete="CASCADE"), primary_key=True
    )
    detection_id: Mapped[str] = mapped_column(primary_key=True)


class DeliveryRow(Base):
    """A detection run on its way to a destination: the outbox, and afterwards the delivery log."""

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("destination_id", "remote_key"),
        Index("ix_deliveries_state_next_attempt_at", "state", "next_attempt_at"),
        Index("ix_deliveries_workspace_id_created_at", "workspace_id", "created_at"),
        Index("ix_deliveries_detection_id_run_id", "detection_id", "run_id"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    workspace_id: Mapped[str] = mapped_column(String(36), ForeignKey("workspaces.id", ondelete="CASCADE"))
    destination_id: Mapped[str] = mapped_column(String(36), ForeignKey("destinations.id", ondelete="CASCADE"))
    detection_id: Mapped[str]
    run_id: Mapped[str]
    remote_key: Mapped[str] = mapped_column(String(36))
    """The id that the incident gets at the destination: one run makes one delivery to a destination."""
    incident_number: Mapped[int | None]
    title: Mapped[str]
    payload: Mapped[dict[str, Any]]
    """The run (`DetectionRun.to_json`) as it was when it matched."""
    state: Mapped[str] = mapped_column(String(16))
    attempts: Mapped[int]
    next_attempt_at: Mapped[datetime]
    claim: Mapped[str | None] = mapped_column(String(36))
    """Whose attempt is under way; another one may take over after `claimed_until`."""
    claimed_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    last_attempt_at: Mapped[datetime | None]
    last_error: Mapped[dict[str, Any] | None]
    remote_id: Mapped[str | None]
    remote_url: Mapped[str | None]


class DeliveryAttemptRow(Base):
    """One attempt of a delivery. Without `ended_at` it is under way, or the process ended in the middle of it."""

    __tablename__ = "delivery_attempts"

    delivery_id: Mapped[str] = mapped_column(
        String(36), ForeignKey("deliveries.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(String(16))
    """`delivered`, `repeated` (it had been there already) or `failed`."""
    error: Mapped[dict[str, Any] | None]
