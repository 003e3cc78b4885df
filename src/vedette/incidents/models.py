"""The tables of the incidents room."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    true,
)
from sqlalchemy.orm import Mapped, mapped_column

from vedette.core.database import Base, Json

_BIG = BigInteger().with_variant(Integer, "sqlite")


class AlertRow(Base):
    """An alert. A later run over its window may complete it with events that came since; it never says less than before."""

    __tablename__ = "alerts"

    workspace_id: Mapped[str] = mapped_column(
        String(36), ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True
    )
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    rule_id: Mapped[str] = mapped_column(Text)
    run_id: Mapped[str] = mapped_column(String(36))
    incident_number: Mapped[int | None] = mapped_column(Integer)
    severity: Mapped[str] = mapped_column(String(20))
    generated_at: Mapped[datetime]
    start: Mapped[str] = mapped_column(String(28))
    """A KQL datetime with its seven digits; so is `end`."""
    end: Mapped[str] = mapped_column(String(28))
    body: Mapped[dict[str, Any]]
    """Everything else; see `records.py`."""

    __table_args__ = (
        Index("ix_alerts_incident", "workspace_id", "incident_number"),
        Index("ix_alerts_rule", "workspace_id", "rule_id", "generated_at"),
        Index("ix_alerts_run", "workspace_id", "run_id"),
    )


class IncidentCounterRow(Base):
    """The last incident number and the last modification of a workspace."""

    __tablename__ = "incident_counters"

    workspace_id: Mapped[str] = mapped_column(
        String(36), ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True
    )
    last_number: Mapped[int] = mapped_column(Integer)
    last_change: Mapped[int] = mapped_column(_BIG)
    watched: Mapped[str | None] = mapped_column(Text)
    """The watchlists' state that priorities were last computed with."""


class IncidentRow(Base):
    """An incident. Fields that people may change have a revision each, in `revisions`."""

    __tablename__ = "incidents"

    workspace_id: Mapped[str] = mapped_column(
        String(36), ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    id: Mapped[str] = mapped_column(String(36))
    title: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text)
    severity: Mapped[str] = mapped_column(String(20))
    severity_rank: Mapped[int] = mapped_column(Integer)
    status: Mapped[str] = mapped_column(String(20))
    owner_id: Mapped[str | None] = mapped_column(Text)
    owner_name: Mapped[str | None] = mapped_column(Text)
    classification: Mapped[str | None] = mapped_column(String(40))
    classification_reason: Mapped[str | None] = mapped_column(String(40))
    classification_comment: Mapped[str | None] = mapped_column(Text)
    labels: Mapped[list[str]]
    revisions: Mapped[dict[str, Any]]
    tactics: Mapped[list[str]]
    techniques: Mapped[list[str]]
    rule_ids: Mapped[list[str]]
    rule_names: Mapped[list[str]]
    product_names: Mapped[list[str]]
    entity_names: Mapped[list[str]]
    first_activity: Mapped[str | None] = mapped_column(String(28))
    last_activity: Mapped[str | None] = mapped_column(String(28))
    alert_count: Mapped[int] = mapped_column(Integer)
    comment_count: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime]
    modified_at: Mapped[datetime]
    modified_by: Mapped[str] = mapped_column(Text)
    closed_at: Mapped[datetime | None]
    change: Mapped[int] = mapped_column(_BIG)
    """The workspace's modification that last touched this incident: what changed since is an index away."""
    group_key: Mapped[str | None] = mapped_column(String(64))
    """What an alert must share to come in here; None where alerts are not grouped."""
    group_first: Mapped[datetime | None]
    """When the group's first alert was raised; `group_last`: its last."""
    group_last: Mapped[datetime | None]
    grouping: Mapped[dict[str, Any] | None]
    """Why its alerts are together: the rule's method and what they share."""
    search_text: Mapped[str] = mapped_column(Text)
    """Everything that the queue's search looks through, folded."""
    summary: Mapped[str] = mapped_column(Text)
    """The incident as a line of the queue, as JSON: thousands of lines are read at once."""
    priority: Mapped[int] = mapped_column(Integer, server_default="0")
    """0 to 100; `priority_parts` says of what."""
    priority_parts: Mapped[list[Any]] = mapped_column(server_default="[]")
    priority_stale: Mapped[bool] = mapped_column(server_default=true())
    """What it rests on has changed elsewhere: a verdict on its rule, a watchlist, another incident."""
    merged_into: Mapped[int | None] = mapped_column(Integer)
    """The incident that has its alerts now."""

    __table_args__ = (
        UniqueConstraint("workspace_id", "id", name="uq_incidents_id"),
        Index("ix_incidents_change", "workspace_id", "change"),
        Index("ix_incidents_created", "workspace_id", "created_at", "number"),
        Index("ix_incidents_severity", "workspace_id", "severity_rank", "number"),
        Index("ix_incidents_group", "workspace_id", "group_key"),
        Index("ix_incidents_priority", "workspace_id", "priority", "number"),
        Index("ix_incidents_stale", "workspace_id", "priority_stale", "number"),
        Index("ix_incidents_facets", "workspace_id", "status", "severity", "owner_id", "owner_name"),
    )


class IncidentRuleRow(Base):
    """Which rules have raised an incident's alerts."""

    __tablename__ = "incident_rules"

    workspace_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    rule_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)

    __table_args__ = (
        ForeignKeyConstraint(
            ["workspace_id", "number"],
            ["incidents.workspace_id", "incidents.number"],
            name="fk_incident_rules_incident",
            ondelete="CASCADE",
        ),
    )


class IncidentEntityRow(Base):
    """An entity of an incident, merged from its alerts."""

    __tablename__ = "incident_entities"

    workspace_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    type: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(Text)
    folded_name: Mapped[str] = mapped_column(Text)
    identifiers: Mapped[dict[str, Any]]
    keys: Mapped[list[str]]
    """Strong keys, by which further alerts find it."""
    position: Mapped[int] = mapped_column(Integer)
    """Entities keep the order in which they were first seen."""
    alert_ids: Mapped[list[str]]
    records: Mapped[list[Any]] = mapped_column(server_default="[]")
    """What was seen of it: identifiers as they came, and the alerts that they came with."""

    __table_args__ = (
        Index("ix_incident_entities_name", "workspace_id", "folded_name"),
        ForeignKeyConstraint(
            ["workspace_id", "number"],
            ["incidents.workspace_id", "incidents.number"],
            name="fk_incident_entities_incident",
            ondelete="CASCADE",
        ),
    )


class EntityKeyRow(Base):
    """Keys of entities, to find the incidents that one is in."""

    __tablename__ = "incident_entity_keys"

    workspace_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    """SHA-256 of the key: keys may be long."""
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)

    __table_args__ = (
        ForeignKeyConstraint(
            ["workspace_id", "number"],
            ["incidents.workspace_id", "incidents.number"],
            name="fk_incident_entity_keys_incident",
            ondelete="CASCADE",
        ),
    )


class CommentRow(Base):
    """A comment on an incident."""

    __tablename__ = "incident_comments"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    workspace_id: Mapped[str] = mapped_column(String(36))
    number: Mapped[int] = mapped_column(Integer)
    message: Mapped[str] = mapped_column(Text)
    author_id: Mapped[str] = mapped_column(Text)
    author_name: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    modified_at: Mapped[datetime]

    __table_args__ = (
        Index("ix_incident_comments_incident", "workspace_id", "number"),
        ForeignKeyConstraint(
            ["workspace_id", "number"],
            ["incidents.workspace_id", "incidents.number"],
            name="fk_incident_comments_incident",
            ondelete="CASCADE",
        ),
    )


class ActivityRow(Base):
    """What happened to an incident; rows are only added. A change has the field with its old and its new value."""

    __tablename__ = "incident_activities"

    id: Mapped[int] = mapped_column(_BIG, primary_key=True, autoincrement=True)
    workspace_id: Mapped[str] = mapped_column(String(36))
    number: Mapped[int] = mapped_column(Integer)
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(40))
    actor_id: Mapped[str] = mapped_column(Text)
    actor_name: Mapped[str] = mapped_column(Text)
    field: Mapped[str | None] = mapped_column(String(60))
    revision: Mapped[int | None] = mapped_column(Integer)
    old: Mapped[Any] = mapped_column(Json, nullable=True)
    new: Mapped[Any] = mapped_column(Json, nullable=True)
    title: Mapped[str | None] = mapped_column(Text)
    detail: Mapped[str | None] = mapped_column(Text)
    reference: Mapped[str | None] = mapped_column(Text)
    """The id of what it is about: an alert, a comment, a delivery."""

    __table_args__ = (
        Index("ix_incident_activities_incident", "workspace_id", "number", "id"),
        ForeignKeyConstraint(
            ["workspace_id", "number"],
            ["incidents.workspace_id", "incidents.number"],
            name="fk_incident_activities_incident",
            ondelete="CASCADE",
        ),
    )


class LogOutboxRow(Base):
    """A row for SecurityAlert, SecurityIncident or another table that is still to be appended to the log table."""

    __tablename__ = "log_outbox"

    id: Mapped[int] = mapped_column(_BIG, primary_key=True, autoincrement=True)
    workspace_id: Mapped[str] = mapped_column(String(36), ForeignKey("workspaces.id", ondelete="CASCADE"))
    table_name: Mapped[str] = mapped_column(String(100))
    row: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    attempted: Mapped[bool]
    """Whether an append may have been cut off: the table is asked before it is tried again."""

    __table_args__ = (Index("ix_log_outbox_workspace", "workspace_id", "id"),)
