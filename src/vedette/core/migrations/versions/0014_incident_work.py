"""Incidents: priority, tasks, bookmarks, merges and splits; and what each entity was merged of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from vedette.core.database import Json, PlainText, UtcDateTime

revision = "0014_incident_work"
down_revision = "0013_rule_exceptions"


def upgrade() -> None:
    op.add_column("incident_entities", sa.Column("records", Json, nullable=False, server_default="[]"))
    op.add_column("incidents", sa.Column("priority", sa.Integer, nullable=False, server_default="0"))
    op.add_column("incidents", sa.Column("priority_parts", Json, nullable=False, server_default="[]"))
    op.add_column("incidents", sa.Column("priority_stale", sa.Boolean, nullable=False, server_default=sa.true()))
    op.add_column("incidents", sa.Column("merged_into", sa.Integer, nullable=True))
    op.create_index("ix_incidents_priority", "incidents", ["workspace_id", "priority", "number"])
    op.create_index("ix_incidents_stale", "incidents", ["workspace_id", "priority_stale", "number"])
    op.add_column("incident_counters", sa.Column("watched", PlainText, nullable=True))
    _tasks()
    _bookmarks()
    _moves()


def _of(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["workspace_id", "number"],
        ["incidents.workspace_id", "incidents.number"],
        name=f"fk_{table}_incident",
        ondelete="CASCADE",
    )


def _tasks() -> None:
    op.create_table(
        "incident_tasks",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("workspace_id", sa.String(36), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("title", PlainText, nullable=False),
        sa.Column("description", PlainText, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("created_by_id", PlainText, nullable=False),
        sa.Column("created_by_name", PlainText, nullable=False),
        sa.Column("modified_at", UtcDateTime, nullable=False),
        sa.Column("completed_at", UtcDateTime, nullable=True),
        sa.Column("completed_by_name", PlainText, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_incident_tasks"),
        _of("incident_tasks"),
    )
    op.create_index("ix_incident_tasks_incident", "incident_tasks", ["workspace_id", "number", "position"])


def _bookmarks() -> None:
    op.create_table(
        "bookmarks",
        sa.Column("workspace_id", sa.String(36), nullable=False),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("number", sa.Integer, nullable=True),
        sa.Column("name", PlainText, nullable=False),
        sa.Column("notes", PlainText, nullable=False),
        sa.Column("labels", Json, nullable=False),
        sa.Column("query", PlainText, nullable=False),
        sa.Column("row", Json, nullable=False),
        sa.Column("entities", Json, nullable=False),
        sa.Column("event_time", sa.String(28), nullable=False),
        sa.Column("query_start", sa.String(28), nullable=True),
        sa.Column("query_end", sa.String(28), nullable=True),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("created_by_id", PlainText, nullable=False),
        sa.Column("created_by_name", PlainText, nullable=False),
        sa.Column("modified_at", UtcDateTime, nullable=False),
        sa.Column("modified_by_name", PlainText, nullable=False),
        sa.Column("deleted", sa.Boolean, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name="pk_bookmarks"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_bookmarks_workspace_id_workspaces", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_bookmarks_incident", "bookmarks", ["workspace_id", "number", "event_time"])
    op.create_table(
        "bookmark_entity_keys",
        sa.Column("workspace_id", sa.String(36), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("bookmark_id", sa.String(36), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "key", "bookmark_id", name="pk_bookmark_entity_keys"),
        sa.ForeignKeyConstraint(
            ["workspace_id", "bookmark_id"],
            ["bookmarks.workspace_id", "bookmarks.id"],
            name="fk_bookmark_entity_keys_bookmark",
            ondelete="CASCADE",
        ),
    )


def _moves() -> None:
    op.create_table(
        "incident_moves",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("workspace_id", sa.String(36), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("other", sa.Integer, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("by_id", PlainText, nullable=False),
        sa.Column("by_name", PlainText, nullable=False),
        sa.Column("body", Json, nullable=False),
        sa.Column("undone_at", UtcDateTime, nullable=True),
        sa.Column("undone_by_name", PlainText, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_incident_moves"),
        _of("incident_moves"),
    )
    op.create_index("ix_incident_moves_number", "incident_moves", ["workspace_id", "number"])
    op.create_index("ix_incident_moves_other", "incident_moves", ["workspace_id", "other"])
