"""The store room's tables: watchlists and saved functions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from vedette.core.database import Json, PlainText, UtcDateTime

revision = "0006_workspace_content"
down_revision = "0005_deliver"


def upgrade() -> None:
    _watchlists()
    _functions()


def _of_workspace(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["workspace_id"], ["workspaces.id"], name=f"fk_{table}_workspace_id_workspaces", ondelete="CASCADE"
    )


def _watchlists() -> None:
    op.create_table(
        "watchlists",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("workspace_id", sa.String(36), nullable=False),
        sa.Column("alias", PlainText, nullable=False),
        sa.Column("folded_alias", PlainText, nullable=False),
        sa.Column("name", PlainText, nullable=False),
        sa.Column("description", PlainText, nullable=False),
        sa.Column("provider", PlainText, nullable=False),
        sa.Column("source", PlainText, nullable=False),
        sa.Column("search_key", PlainText, nullable=False),
        sa.Column("columns", Json, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("created_by", PlainText, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.Column("updated_by", PlainText, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_watchlists"),
        _of_workspace("watchlists"),
        sa.UniqueConstraint("workspace_id", "folded_alias", name="uq_watchlists_workspace_id_folded_alias"),
    )
    op.create_table(
        "watchlist_items",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("watchlist_id", sa.String(36), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("content", Json, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_watchlist_items"),
        sa.ForeignKeyConstraint(
            ["watchlist_id"], ["watchlists.id"], name="fk_watchlist_items_watchlist_id_watchlists", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_watchlist_items_watchlist", "watchlist_items", ["watchlist_id", "position"])


def _functions() -> None:
    op.create_table(
        "saved_functions",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("workspace_id", sa.String(36), nullable=False),
        sa.Column("name", PlainText, nullable=False),
        sa.Column("content", Json, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.Column("updated_by", PlainText, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_saved_functions"),
        _of_workspace("saved_functions"),
        sa.UniqueConstraint("workspace_id", "name", name="uq_saved_functions_workspace_id_name"),
    )
    op.create_table(
        "saved_function_revisions",
        sa.Column("function_id", sa.String(36), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("by", PlainText, nullable=False),
        sa.Column("content", Json, nullable=False),
        sa.PrimaryKeyConstraint("function_id", "revision", name="pk_saved_function_revisions"),
        sa.ForeignKeyConstraint(
            ["function_id"], ["saved_functions.id"], name="fk_saved_function_revisions_function_id_saved_functions",
            ondelete="CASCADE",
        ),
    )  # fmt: skip
