"""The incidents room's tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from vedette.core.database import Json, UtcDateTime

revision = "0004_incidents"
down_revision = "0003_detect"


def _big() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "alerts",
        sa.Column("workspace_id", sa.String(36), nullable=False),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("rule_id", sa.Text, nullable=False),
        sa.Column("run_id", sa.String(36), nullable=False),
        sa.Column("incident_number", sa.Integer, nullable=True),
        sa.Column("severity", sa.String(20), nullable=False),
        sa.Column("generated_at", UtcDateTime, nullable=False),
        sa.Column("start", sa.String(28), nullable=False),
        sa.Column("end", sa.String(28), nullable=False),
        sa.Column("body", Json, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name="pk_alerts"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_alerts_workspace_id_workspaces", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_alerts_incident", "alerts", ["workspace_id", "incident_number"])
    op.create_index("ix_alerts_rule", "alerts", ["workspace_id", "rule_id", "generated_at"])
    op.create_index("ix_alerts_run", "alerts", ["workspace_id", "run_id"])
    op.create_table(
        "incident_counters",
        sa.Column("workspace_id", sa.String(36), nullable=False),
        sa.Column("last_number", sa.Integer, nullable=False),
        sa.Column("last_change", _big(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", name="pk_incident_counters"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_incident_counters_workspace_id_workspaces", ondelete="CASCADE"
        ),
    )
    op.create_table(
        "incidents",
        sa.Column("workspace_id", sa.String(36), nullable=False),
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("severity", sa.String(20), nullable=False),
        sa.Column("severity_rank", sa.Integer, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("owner_id", sa.Text, nullable=True),
        sa.Column("owner_name", sa.Text, nullable=True),
        sa.Column("classification", sa.String(40), nullable=True),
        sa.Column("classification_reason", sa.String(40), nullable=True),
        sa.Column("classification_comment", sa.Text, nullable=True),
        sa.Column("labels", Json, nullable=False),
        sa.Column("revisions", Json, nullable=False),
        sa.Column("tactics", Json, nullable=False),
        sa.Column("techniques", Json, nullable=False),
        sa.Column("rule_ids", Json, nullable=False),
        sa.Column("rule_names", Json, nullable=False),
        sa.Column("product_names", Json, nullable=False),
        sa.Column("entity_names", Json, nullable=False),
        sa.Column("first_activity", sa.String(28), nullable=True),
        sa.Column("last_activity", sa.String(28), nullable=True),
        sa.Column("alert_count", sa.Integer, nullable=False),
        sa.Column("comment_count", sa.Integer, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("modified_at", UtcDateTime, nullable=False),
        sa.Column("modified_by", sa.Text, nullable=False),
        sa.Column("closed_at", UtcDateTime, nullable=True),
        sa.Column("change", _big(), nullable=False),
        sa.Column("group_key", sa.String(64), nullable=True),
        sa.Column("group_first", UtcDateTime, nullable=True),
        sa.Column("group_last", UtcDateTime, nullable=True),
        sa.Column("grouping", Json, nullable=True),
        sa.Column("search_text", sa.Text, nullable=False),
        sa.Column("summary", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "number", name="pk_incidents"),
        sa.UniqueConstraint("workspace_id", "id", name="uq_incidents_id"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_incidents_workspace_id_workspaces", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_incidents_change", "incidents", ["workspace_id", "change"])
    op.create_index("ix_incidents_created", "incidents", ["workspace_id", "created_at", "number"])
    op.create_index(
        "ix_incidents_facets", "incidents", ["workspace_id", "status", "severity", "owner_id", "owner_name"]
    )
    op.create_index("ix_incidents_group", "incidents", ["workspace_id", "group_key"])
    op.create_index("ix_incidents_severity", "incidents", ["workspace_id", "severity_rank", "number"])
    op.create_table(
        "incident_rules",
        sa.Column("workspace_id", sa.String(36), nullable=False),
        sa.Column("rule_id", sa.String(200), nullable=False),
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "rule_id", "number", name="pk_incident_rules"),
        sa.ForeignKeyConstraint(
            ["workspace_id", "number"],
            ["incidents.workspace_id", "incidents.number"],
            name="fk_incident_rules_incident",
            ondelete="CASCADE",
        ),
    )
    op.create_table(
        "incident_entities",
        sa.Column("workspace_id", sa.String(36), nullable=False),
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("type", sa.String(40), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("folded_name", sa.Text, nullable=False),
        sa.Column("identifiers", Json, nullable=False),
        sa.Column("keys", Json, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("alert_ids", Json, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "number", "id", name="pk_incident_entities"),
        sa.ForeignKeyConstraint(
            ["workspace_id", "number"],
            ["incidents.workspace_id", "incidents.number"],
            name="fk_incident_entities_incident",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_incident_entities_name", "incident_entities", ["workspace_id", "folded_name"])
    op.create_table(
        "incident_entity_keys",
        sa.Column("workspace_id", sa.String(36), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "key", "number", name="pk_incident_entity_keys"),
        sa.ForeignKeyConstraint(
            ["workspace_id", "number"],
            ["incidents.workspace_id", "incidents.number"],
            name="fk_incident_entity_keys_incident",
            ondelete="CASCADE",
        ),
    )
    op.create_table(
        "incident_comments",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("workspace_id", sa.String(36), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("author_id", sa.Text, nullable=False),
        sa.Column("author_name", sa.Text, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("modified_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_incident_comments"),
        sa.ForeignKeyConstraint(
            ["workspace_id", "number"],
            ["incidents.workspace_id", "incidents.number"],
            name="fk_incident_comments_incident",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_incident_comments_incident", "incident_comments", ["workspace_id", "number"])
    op.create_table(
        "incident_activities",
        sa.Column("id", _big(), autoincrement=True, nullable=False),
        sa.Column("workspace_id", sa.String(36), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("actor_id", sa.Text, nullable=False),
        sa.Column("actor_name", sa.Text, nullable=False),
        sa.Column("field", sa.String(60), nullable=True),
        sa.Column("revision", sa.Integer, nullable=True),
        sa.Column("old", Json, nullable=True),
        sa.Column("new", Json, nullable=True),
        sa.Column("title", sa.Text, nullable=True),
        sa.Column("detail", sa.Text, nullable=True),
        sa.Column("reference", sa.Text, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_incident_activities"),
        sa.ForeignKeyConstraint(
            ["workspace_id", "number"],
            ["incidents.workspace_id", "incidents.number"],
            name="fk_incident_activities_incident",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_incident_activities_incident", "incident_activities", ["workspace_id", "number", "id"])
    op.create_table(
        "log_outbox",
        sa.Column("id", _big(), autoincrement=True, nullable=False),
        sa.Column("workspace_id", sa.String(36), nullable=False),
        sa.Column("table_name", sa.String(100), nullable=False),
        sa.Column("row", Json, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("attempted", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_log_outbox"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_log_outbox_workspace_id_workspaces", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_log_outbox_workspace", "log_outbox", ["workspace_id", "id"])
