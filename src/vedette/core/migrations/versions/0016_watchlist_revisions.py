"""What watchlists and their items were at earlier revisions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from vedette.core.database import Json, PlainText, UtcDateTime

revision = "0016_watchlist_revisions"
down_revision = "0015_secrets"


def upgrade() -> None:
    op.add_column("watchlist_items", sa.Column("since", sa.Integer, nullable=False, server_default="1"))
    op.create_table(
        "watchlist_revisions",
        sa.Column("watchlist_id", sa.String(36), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("by", PlainText, nullable=False),
        sa.Column("content", Json, nullable=False),
        sa.PrimaryKeyConstraint("watchlist_id", "revision", name="pk_watchlist_revisions"),
        sa.ForeignKeyConstraint(
            ["watchlist_id"],
            ["watchlists.id"],
            name="fk_watchlist_revisions_watchlist_id_watchlists",
            ondelete="CASCADE",
        ),
    )
    op.create_table(
        "watchlist_former_items",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("until", sa.Integer, nullable=False),
        sa.Column("watchlist_id", sa.String(36), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("content", Json, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.Column("since", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", "until", name="pk_watchlist_former_items"),
        sa.ForeignKeyConstraint(
            ["watchlist_id"],
            ["watchlists.id"],
            name="fk_watchlist_former_items_watchlist_id_watchlists",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_watchlist_former_items_until", "watchlist_former_items", ["watchlist_id", "until"])
    _note_what_there_is()


def _note_what_there_is() -> None:
    """Watchlists of earlier versions have one revision: what they are."""
    lists = sa.table(
        "watchlists", sa.column("id"), sa.column("revision"), sa.column("name"), sa.column("description"), sa.column("provider"),
        sa.column("source"), sa.column("search_key"), sa.column("columns", Json), sa.column("updated_at", UtcDateTime),
        sa.column("updated_by"),
    )  # fmt: skip
    items = sa.table("watchlist_items", sa.column("watchlist_id"), sa.column("since"))
    kept = sa.table(
        "watchlist_revisions", sa.column("watchlist_id"), sa.column("revision"), sa.column("at", UtcDateTime), sa.column("by"),
        sa.column("content", Json),
    )  # fmt: skip
    connection = op.get_bind()
    for one in connection.execute(sa.select(lists)).all():
        connection.execute(items.update().where(items.c.watchlist_id == one.id).values(since=one.revision))
        count = connection.scalar(sa.select(sa.func.count()).select_from(items).where(items.c.watchlist_id == one.id))
        content = {
            "name": one.name, "description": one.description, "provider": one.provider, "source": one.source,
            "searchKey": one.search_key, "columns": one.columns["names"], "items": count,
        }  # fmt: skip
        connection.execute(
            kept.insert().values(
                watchlist_id=one.id, revision=one.revision, at=one.updated_at, by=one.updated_by, content=content
            )
        )
