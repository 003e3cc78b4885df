"""Exceptions from rules, and what each has hidden."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from vedette.core.database import Json, PlainText, UtcDateTime

revision = "0013_rule_exceptions"
down_revision = "0012_connector_definitions"


def upgrade() -> None:
    op.create_table(
        "rule_exceptions",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("workspace_id", sa.String(36), nullable=False),
        sa.Column("rule_id", PlainText, nullable=False),
        sa.Column("conditions", Json, nullable=False),
        sa.Column("owner", PlainText, nullable=False),
        sa.Column("reason", PlainText, nullable=False),
        sa.Column("starts_at", UtcDateTime, nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("created_by", PlainText, nullable=False),
        sa.Column("removed_at", UtcDateTime, nullable=True),
        sa.Column("removed_by", PlainText, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_rule_exceptions"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_rule_exceptions_workspace_id_workspaces", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_rule_exceptions_rule", "rule_exceptions", ["workspace_id", "rule_id"])
    op.create_table(
        "rule_exception_hits",
        sa.Column("exception_id", sa.String(36), nullable=False),
        sa.Column("window_to", UtcDateTime, nullable=False),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("silenced", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("exception_id", "window_to", name="pk_rule_exception_hits"),
        sa.ForeignKeyConstraint(
            ["exception_id"],
            ["rule_exceptions.id"],
            name="fk_rule_exception_hits_exception_id_rule_exceptions",
            ondelete="CASCADE",
        ),
    )
