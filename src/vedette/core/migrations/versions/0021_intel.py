"""Objects of threat intelligence."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from vedette.core.database import Json, PlainText, UtcDateTime

revision = "0021_intel"
down_revision = "0020_kept_bins"


def upgrade() -> None:
    op.create_table(
        "intel_objects",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("workspace_id", sa.String(36), nullable=False),
        sa.Column("source", PlainText, nullable=False),
        sa.Column("method", sa.String(40), nullable=False),
        sa.Column("stix_id", PlainText, nullable=False),
        sa.Column("stix_type", PlainText, nullable=False),
        sa.Column("name", PlainText, nullable=False),
        sa.Column("pattern", PlainText, nullable=True),
        sa.Column("content", Json, nullable=False),
        sa.Column("tags", Json, nullable=False),
        sa.Column("created", UtcDateTime, nullable=True),
        sa.Column("modified", UtcDateTime, nullable=True),
        sa.Column("valid_from", UtcDateTime, nullable=True),
        sa.Column("valid_until", UtcDateTime, nullable=True),
        sa.Column("confidence", sa.Integer, nullable=True),
        sa.Column("revoked", sa.Boolean, nullable=False),
        sa.Column("withdrawn_by", PlainText, nullable=True),
        sa.Column("deleted", sa.Boolean, nullable=False),
        sa.Column("added_at", UtcDateTime, nullable=False),
        sa.Column("changed_at", UtcDateTime, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("writes", sa.Integer, nullable=False),
        sa.Column("written_at", UtcDateTime, nullable=True),
        sa.Column("written", Json, nullable=True),
        sa.Column("due_at", UtcDateTime, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_intel_objects"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_intel_objects_workspace_id_workspaces", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_intel_objects_due", "intel_objects", ["workspace_id", "due_at"])
    op.create_index("ix_intel_objects_changed", "intel_objects", ["workspace_id", "changed_at"])
    op.create_index("ix_intel_objects_stix_id", "intel_objects", ["workspace_id", "stix_id"])
