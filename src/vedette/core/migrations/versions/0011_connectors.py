"""Connectors: configured instances, where each stands with its endpoints, and the history of polls."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from vedette.core.database import Json, PlainText, UtcDateTime

revision = "0011_connectors"
down_revision = "0010_tables"


def upgrade() -> None:
    op.create_table(
        "connectors",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("workspace_id", sa.String(36), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("name", PlainText, nullable=False),
        sa.Column("folded_name", PlainText, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("settings", Json, nullable=False),
        sa.Column("secrets", Json, nullable=False),
        sa.Column("intervals", Json, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_connectors"),
        sa.UniqueConstraint("workspace_id", "folded_name", name="uq_connectors_workspace_id_folded_name"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_connectors_workspace_id_workspaces", ondelete="CASCADE"
        ),
    )
    op.create_table(
        "connector_endpoints",
        sa.Column("connector_id", sa.String(36), nullable=False),
        sa.Column("endpoint", sa.String(64), nullable=False),
        sa.Column("cursor", Json, nullable=False),
        sa.Column("due_at", UtcDateTime, nullable=False),
        sa.Column("throttled", sa.Integer, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("trouble", sa.String(32), nullable=True),
        sa.Column("message", PlainText, nullable=True),
        sa.Column("last_poll_at", UtcDateTime, nullable=True),
        sa.Column("last_success_at", UtcDateTime, nullable=True),
        sa.Column("fetched", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("connector_id", "endpoint", name="pk_connector_endpoints"),
        sa.ForeignKeyConstraint(
            ["connector_id"],
            ["connectors.id"],
            name="fk_connector_endpoints_connector_id_connectors",
            ondelete="CASCADE",
        ),
    )
    op.create_table(
        "connector_polls",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), autoincrement=True, nullable=False),
        sa.Column("connector_id", sa.String(36), nullable=False),
        sa.Column("endpoint", sa.String(64), nullable=False),
        sa.Column("started_at", UtcDateTime, nullable=False),
        sa.Column("ended_at", UtcDateTime, nullable=False),
        sa.Column("outcome", sa.String(32), nullable=False),
        sa.Column("fetched", sa.Integer, nullable=False),
        sa.Column("pages", sa.Integer, nullable=False),
        sa.Column("unknown", Json, nullable=False),
        sa.Column("message", PlainText, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_connector_polls"),
        sa.ForeignKeyConstraint(
            ["connector_id"], ["connectors.id"], name="fk_connector_polls_connector_id_connectors", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_connector_polls_of", "connector_polls", ["connector_id", "started_at"])
