"""The core room's tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from vedette.core.database import UtcDateTime

revision = "0001_core"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "workspaces",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("name", sa.String(63), nullable=False),
        sa.Column("folded_name", sa.String(63), nullable=False),
        sa.Column("display_name", sa.String(256), nullable=False),
        sa.Column("retention_days", sa.Integer, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("archived_at", UtcDateTime, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_workspaces"),
        sa.UniqueConstraint("folded_name", name="uq_workspaces_folded_name"),
    )
