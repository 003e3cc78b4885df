"""The detect room's tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from vedette.core.database import Json, UtcDateTime

revision = "0003_detect"
down_revision = "0001_core"


def _big() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "analytics_rules",
        sa.Column("workspace_id", sa.String(36), nullable=False),
        sa.Column("id", sa.String(200), nullable=False),
        sa.Column("given_id", sa.Text, nullable=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("kind", sa.String(60), nullable=False),
        sa.Column("severity", sa.String(20), nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("content", Json, nullable=False),
        sa.Column("content_hash", sa.String(64), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("source", Json, nullable=False),
        sa.Column("original", Json, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.Column("updated_by", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name="pk_analytics_rules"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_analytics_rules_workspace_id_workspaces", ondelete="CASCADE"
        ),
    )
    op.create_table(
        "analytics_rule_revisions",
        sa.Column("workspace_id", sa.String(36), nullable=False),
        sa.Column("rule_id", sa.String(200), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("content", Json, nullable=False),
        sa.Column("content_hash", sa.String(64), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "rule_id", "revision", name="pk_analytics_rule_revisions"),
        sa.ForeignKeyConstraint(
            ["workspace_id", "rule_id"],
            ["analytics_rules.workspace_id", "analytics_rules.id"],
            name="fk_analytics_rule_revisions_rule",
            ondelete="CASCADE",
        ),
    )
    op.create_table(
        "rule_schedules",
        sa.Column("workspace_id", sa.String(36), nullable=False),
        sa.Column("rule_id", sa.String(200), nullable=False),
        sa.Column("covered_to", UtcDateTime, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("retry_at", UtcDateTime, nullable=True),
        sa.Column("suppressed_until", UtcDateTime, nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "rule_id", name="pk_rule_schedules"),
        sa.ForeignKeyConstraint(
            ["workspace_id", "rule_id"],
            ["analytics_rules.workspace_id", "analytics_rules.id"],
            name="fk_rule_schedules_rule",
            ondelete="CASCADE",
        ),
    )
    op.create_table(
        "rule_runs",
        sa.Column("id", _big(), autoincrement=True, nullable=False),
        sa.Column("workspace_id", sa.String(36), nullable=False),
        sa.Column("rule_id", sa.String(200), nullable=False),
        sa.Column("run_id", sa.String(36), nullable=True),
        sa.Column("run_type", sa.String(20), nullable=False),
        sa.Column("window_from", UtcDateTime, nullable=False),
        sa.Column("window_to", UtcDateTime, nullable=False),
        sa.Column("query_from", UtcDateTime, nullable=True),
        sa.Column("outcome", sa.String(20), nullable=False),
        sa.Column("settled", sa.Boolean, nullable=False),
        sa.Column("fills", _big(), nullable=True),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("alerts", sa.Integer, nullable=False),
        sa.Column("exhaustiveness", sa.String(20), nullable=True),
        sa.Column("reason", sa.Text, nullable=True),
        sa.Column("error", Json, nullable=True),
        sa.Column("duration", sa.Float, nullable=False),
        sa.Column("query_hash", sa.String(64), nullable=True),
        sa.Column("revision", sa.Integer, nullable=True),
        sa.Column("search_id", sa.String(36), nullable=True),
        sa.Column("trace_id", sa.String(32), nullable=True),
        sa.Column("recorded_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_rule_runs"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_rule_runs_workspace_id_workspaces", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_rule_runs_rule", "rule_runs", ["workspace_id", "rule_id", "id"])
    gaps = sa.text("outcome = 'GAP'")
    op.create_index("ix_rule_runs_gaps", "rule_runs", ["workspace_id"], sqlite_where=gaps, postgresql_where=gaps)
    filling, tiling = sa.text("fills IS NOT NULL"), sa.text("settled AND fills IS NULL")
    op.create_index("ix_rule_runs_fills", "rule_runs", ["fills"], sqlite_where=filling, postgresql_where=filling)
    op.create_index(
        "uq_rule_runs_tile",
        "rule_runs",
        ["workspace_id", "rule_id", "window_from"],
        unique=True,
        sqlite_where=tiling,
        postgresql_where=tiling,
    )
