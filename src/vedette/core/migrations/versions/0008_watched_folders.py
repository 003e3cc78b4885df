"""The collect room's table: the folders that are watched."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from vedette.core.database import PlainText, UtcDateTime

revision = "0008_watched_folders"
down_revision = "0007_late_events"


def upgrade() -> None:
    op.create_table(
        "watched_folders",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("workspace_id", sa.String(36), nullable=False),
        sa.Column("path", PlainText, nullable=False),
        sa.Column("table_name", PlainText, nullable=True),
        sa.Column("move", sa.Boolean, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("created_by", PlainText, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_watched_folders"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_watched_folders_workspace_id_workspaces", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("workspace_id", "path", name="uq_watched_folders_workspace_id_path"),
    )
