"""Automation rules, and what has come of each."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from vedette.core.database import Json, PlainText, UtcDateTime

revision = "0017_automation_rules"
down_revision = "0016_watchlist_revisions"


def upgrade() -> None:
    op.create_table(
        "automation_rules",
        sa.Column("workspace_id", sa.String(36), nullable=False),
        sa.Column("id", sa.String(200), nullable=False),
        sa.Column("name", PlainText, nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("triggers_on", sa.String(20), nullable=False),
        sa.Column("triggers_when", sa.String(20), nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=True),
        sa.Column("properties", Json, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("created_by", PlainText, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.Column("updated_by", PlainText, nullable=False),
        sa.Column("applied", sa.Integer, nullable=False),
        sa.Column("applied_at", UtcDateTime, nullable=True),
        sa.Column("errors", sa.Integer, nullable=False),
        sa.Column("error_at", UtcDateTime, nullable=True),
        sa.Column("error", PlainText, nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "id", name="pk_automation_rules"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_automation_rules_workspace_id_workspaces", ondelete="CASCADE"
        ),
    )
    op.create_index(
        "ix_automation_rules_trigger", "automation_rules", ["workspace_id", "triggers_when", "enabled", "place"]
    )
