"""Codeless definitions of connectors."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from vedette.core.database import PlainText, UtcDateTime

revision = "0012_connector_definitions"
down_revision = "0011_connectors"


def upgrade() -> None:
    op.create_table(
        "connector_definitions",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("source", PlainText, nullable=False),
        sa.Column("imported_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_connector_definitions"),
    )
