"""What is to be done with alerts at their source, and what came of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from vedette.core.database import Json, PlainText, UtcDateTime

revision = "0019_source_changes"
down_revision = "0018_destination_addresses"


def upgrade() -> None:
    op.create_table(
        "source_changes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), autoincrement=True, nullable=False),
        sa.Column("workspace_id", sa.String(36), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("alert_id", sa.String(36), nullable=False),
        sa.Column("source_id", PlainText, nullable=False),
        sa.Column("names", Json, nullable=False),
        sa.Column("subscription_id", PlainText, nullable=True),
        sa.Column("title", PlainText, nullable=False),
        sa.Column("action", sa.String(20), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", UtcDateTime, nullable=False),
        sa.Column("message", PlainText, nullable=True),
        sa.Column("hint", PlainText, nullable=True),
        sa.Column("actor_id", PlainText, nullable=False),
        sa.Column("actor_name", PlainText, nullable=False),
        sa.Column("asked_at", UtcDateTime, nullable=False),
        sa.Column("ended_at", UtcDateTime, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_source_changes"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_source_changes_workspace_id_workspaces", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_source_changes_incident", "source_changes", ["workspace_id", "number"])
    op.create_index("ix_source_changes_due", "source_changes", ["workspace_id", "state", "due_at"])
