"""Late events: how far a run has seen the log store, and the windows that are to be read again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from vedette.core.database import Json, UtcDateTime

revision = "0007_late_events"
down_revision = "0006_workspace_content"


def _big() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.add_column("rule_runs", sa.Column("read_to", _big(), nullable=True))
    op.create_index("ix_rule_runs_window", "rule_runs", ["workspace_id", "rule_id", "window_to"])
    op.create_table(
        "rule_arrivals",
        sa.Column("workspace_id", sa.String(36), nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", name="pk_rule_arrivals"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_rule_arrivals_workspace_id_workspaces", ondelete="CASCADE"
        ),
    )
    op.create_table(
        "rule_reopenings",
        sa.Column("tile", _big(), autoincrement=False, nullable=False),
        sa.Column("workspace_id", sa.String(36), nullable=False),
        sa.Column("rule_id", sa.String(200), nullable=False),
        sa.Column("window_from", UtcDateTime, nullable=False),
        sa.Column("window_to", UtcDateTime, nullable=False),
        sa.Column("query_from", UtcDateTime, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("tables", Json, nullable=False),
        sa.Column("first", UtcDateTime, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("retry_at", UtcDateTime, nullable=True),
        sa.Column("noted_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("tile", name="pk_rule_reopenings"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_rule_reopenings_workspace_id_workspaces", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_rule_reopenings_window", "rule_reopenings", ["workspace_id", "window_to"])
