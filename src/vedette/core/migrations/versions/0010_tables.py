"""What becomes of log rows: transformations of streams, and how long tables keep them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from vedette.core.database import Json, PlainText, UtcDateTime

revision = "0010_tables"
down_revision = "0008_watched_folders"


def upgrade() -> None:
    op.create_table(
        "transformations",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("workspace_id", sa.String(36), nullable=False),
        sa.Column("stream", PlainText, nullable=False),
        sa.Column("content", Json, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.Column("updated_by", PlainText, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_transformations"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_transformations_workspace_id_workspaces", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("workspace_id", "stream", name="uq_transformations_workspace_id_stream"),
    )
    op.create_table(
        "table_retention",
        sa.Column("workspace_id", sa.String(36), nullable=False),
        sa.Column("table_name", sa.String(128), nullable=False),
        sa.Column("interactive_days", sa.Integer, nullable=True),
        sa.Column("total_days", sa.Integer, nullable=True),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.Column("updated_by", PlainText, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "table_name", name="pk_table_retention"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_table_retention_workspace_id_workspaces", ondelete="CASCADE"
        ),
    )
