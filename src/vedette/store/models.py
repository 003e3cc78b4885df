"""The store room's tables in the state: watchlists, and the functions that a workspace saves."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from vedette.core.database import Base


class WatchlistRow(Base):
    """A watchlist, without its items."""

    __tablename__ = "watchlists"
    __table_args__ = (UniqueConstraint("workspace_id", "folded_alias"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    workspace_id: Mapped[str] = mapped_column(String(36), ForeignKey("workspaces.id", ondelete="CASCADE"))
    alias: Mapped[str]
    folded_alias: Mapped[str]
    name: Mapped[str]
    description: Mapped[str]
    provider: Mapped[str]
    source: Mapped[str]
    search_key: Mapped[str]
    columns: Mapped[dict[str, Any]]
    """`names`: the columns of the items, in order."""
    revision: Mapped[int]
    """Counts changes of the watchlist and of its items."""
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    updated_at: Mapped[datetime]
    updated_by: Mapped[str]


class WatchlistItemRow(Base):
    """An item of a watchlist."""

    __tablename__ = "watchlist_items"
    __table_args__ = (Index("ix_watchlist_items_watchlist", "watchlist_id", "position"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    watchlist_id: Mapped[str] = mapped_column(String(36), ForeignKey("watchlists.id", ondelete="CASCADE"))
    position: Mapped[int]
    content: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    since: Mapped[int] = mapped_column(server_default="1")
    """The revision that brought it as it is."""


class WatchlistRevisionRow(Base):
    """What a watchlist was at a revision, without its items."""

    __tablename__ = "watchlist_revisions"

    watchlist_id: Mapped[str] = mapped_column(
        String(36), ForeignKey("watchlists.id", ondelete="CASCADE"), primary_key=True
    )
    revision: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    by: Mapped[str]
    content: Mapped[dict[str, Any]]
    """name, description, provider, source, searchKey, columns, items."""


class FormerItemRow(Base):
    """An item as it was from the revision `since` up to, and not at, the revision `until`."""

    __tablename__ = "watchlist_former_items"
    __table_args__ = (Index("ix_watchlist_former_items_until", "watchlist_id", "until"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    until: Mapped[int] = mapped_column(primary_key=True)
    watchlist_id: Mapped[str] = mapped_column(String(36), ForeignKey("watchlists.id", ondelete="CASCADE"))
    position: Mapped[int]
    content: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    since: Mapped[int]


class FunctionRow(Base):
    """A saved function as it is now. Names are case-sensitive, as they are in KQL."""

    __tablename__ = "saved_functions"
    __table_args__ = (UniqueConstraint("workspace_id", "name"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    workspace_id: Mapped[str] = mapped_column(String(36), ForeignKey("workspaces.id", ondelete="CASCADE"))
    name: Mapped[str]
    """The alias that queries call it by."""
    content: Mapped[dict[str, Any]]
    """displayName, parameters, body, category, description, version, equivalentBuiltIn, source."""
    revision: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    updated_by: Mapped[str]


class FunctionRevisionRow(Base):
    """What a function was from some time on."""

    __tablename__ = "saved_function_revisions"

    function_id: Mapped[str] = mapped_column(
        String(36), ForeignKey("saved_functions.id", ondelete="CASCADE"), primary_key=True
    )
    revision: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    by: Mapped[str]
    content: Mapped[dict[str, Any]]


class TransformationRow(Base):
    """The transformation of a stream."""

    __tablename__ = "transformations"
    __table_args__ = (UniqueConstraint("workspace_id", "stream"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    workspace_id: Mapped[str] = mapped_column(String(36), ForeignKey("workspaces.id", ondelete="CASCADE"))
    stream: Mapped[str]
    content: Mapped[dict[str, Any]]
    """`columns`: [name, type] pairs; `flows`: [query, table] pairs."""
    revision: Mapped[int]
    updated_at: Mapped[datetime]
    updated_by: Mapped[str]


class RetentionRow(Base):
    """How long a table keeps its rows. The table `*` stands for all that have no row of their own."""

    __tablename__ = "table_retention"

    workspace_id: Mapped[str] = mapped_column(
        String(36), ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True
    )
    table_name: Mapped[str] = mapped_column(String(128), primary_key=True)
    interactive_days: Mapped[int | None]
    total_days: Mapped[int | None]
    updated_at: Mapped[datetime]
    updated_by: Mapped[str]
