"""The deliver room's tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from vedette.core.database import Json, PlainText, UtcDateTime

revision = "0005_deliver"
down_revision = "0004_incidents"


def upgrade() -> None:
    _destinations()
    _deliveries()


def _destinations() -> None:
    op.create_table(
        "destinations",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("workspace_id", sa.String(36), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("name", PlainText, nullable=False),
        sa.Column("folded_name", PlainText, nullable=True),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("every_detection", sa.Boolean, nullable=False),
        sa.Column("settings", Json, nullable=False),
        sa.Column("secrets", Json, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("held_until", UtcDateTime, nullable=True),
        sa.Column("last_success_at", UtcDateTime, nullable=True),
        sa.Column("last_attempt_at", UtcDateTime, nullable=True),
        sa.Column("last_error", Json, nullable=True),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.Column("deleted_at", UtcDateTime, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_destinations"),
        _of_workspace("destinations"),
        sa.UniqueConstraint("workspace_id", "folded_name", name="uq_destinations_workspace_id_folded_name"),
    )
    op.create_table(
        "destination_detections",
        sa.Column("destination_id", sa.String(36), nullable=False),
        sa.Column("detection_id", PlainText, nullable=False),
        sa.PrimaryKeyConstraint("destination_id", "detection_id", name="pk_destination_detections"),
        _of_destination("destination_detections"),
    )


def _deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("workspace_id", sa.String(36), nullable=False),
        sa.Column("destination_id", sa.String(36), nullable=False),
        sa.Column("detection_id", PlainText, nullable=False),
        sa.Column("run_id", PlainText, nullable=False),
        sa.Column("remote_key", sa.String(36), nullable=False),
        sa.Column("incident_number", sa.Integer, nullable=True),
        sa.Column("title", PlainText, nullable=False),
        sa.Column("payload", Json, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_attempt_at", UtcDateTime, nullable=False),
        sa.Column("claim", sa.String(36), nullable=True),
        sa.Column("claimed_until", UtcDateTime, nullable=True),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("finished_at", UtcDateTime, nullable=True),
        sa.Column("last_attempt_at", UtcDateTime, nullable=True),
        sa.Column("last_error", Json, nullable=True),
        sa.Column("remote_id", PlainText, nullable=True),
        sa.Column("remote_url", PlainText, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
        _of_workspace("deliveries"),
        _of_destination("deliveries"),
        sa.UniqueConstraint("destination_id", "remote_key", name="uq_deliveries_destination_id_remote_key"),
    )
    op.create_index("ix_deliveries_state_next_attempt_at", "deliveries", ["state", "next_attempt_at"])
    op.create_index("ix_deliveries_workspace_id_created_at", "deliveries", ["workspace_id", "created_at"])
    op.create_index("ix_deliveries_detection_id_run_id", "deliveries", ["detection_id", "run_id"])
    op.create_table(
        "delivery_attempts",
        sa.Column("delivery_id", sa.String(36), nullable=False),
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("started_at", UtcDateTime, nullable=False),
        sa.Column("ended_at", UtcDateTime, nullable=True),
        sa.Column("outcome", sa.String(16), nullable=True),
        sa.Column("error", Json, nullable=True),
        sa.PrimaryKeyConstraint("delivery_id", "number", name="pk_delivery_attempts"),
        sa.ForeignKeyConstraint(
            ["delivery_id"],
            ["deliveries.id"],
            name="fk_delivery_attempts_delivery_id_deliveries",
            ondelete="CASCADE",
        ),
    )


def _of_workspace(table: str) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_workspace_id_workspaces"
    return sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=name, ondelete="CASCADE")


def _of_destination(table: str) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_destination_id_destinations"
    return sa.ForeignKeyConstraint(["destination_id"], ["destinations.id"], name=name, ondelete="CASCADE")
