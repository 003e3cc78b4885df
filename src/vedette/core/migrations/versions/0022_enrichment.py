"""What is known of the entities of incidents; those that are open are looked up."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from vedette.core.database import Json, UtcDateTime

revision = "0022_enrichment"
down_revision = "0021_intel"


def upgrade() -> None:
    op.create_table(
        "incident_enrichments",
        sa.Column("workspace_id", sa.String(36), nullable=False),
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("entities", sa.String(64), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("waiting", sa.Boolean, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", UtcDateTime, nullable=True),
        sa.Column("enriched_at", UtcDateTime, nullable=True),
        sa.Column("found", Json, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "number", name="pk_incident_enrichments"),
        sa.ForeignKeyConstraint(
            ["workspace_id", "number"], ["incidents.workspace_id", "incidents.number"],
            name="fk_incident_enrichments_incident", ondelete="CASCADE",
        ),
    )  # fmt: skip
    op.create_index("ix_incident_enrichments_waiting", "incident_enrichments", ["workspace_id", "waiting", "number"])
    # Their digest is that of no entities: they are looked up, and once more when an alert comes in.
    op.execute(
        "INSERT INTO incident_enrichments (workspace_id, number, entities, revision, waiting, attempts, found) "
        "SELECT workspace_id, number, '', 1, TRUE, 0, '[]' FROM incidents WHERE status <> 'Closed'"
    )
