"""The tables of the detect room: rules with their revisions, what each rule has covered, and where it goes on."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, Float, ForeignKey, ForeignKeyConstraint, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from vedette.core.database import Base, Json

RULE_ID_LENGTH = 200


class RuleRow(Base):
    """An analytics rule of a workspace, in its revision in force."""

    __tablename__ = "analytics_rules"

    workspace_id: Mapped[str] = mapped_column(
        String(36), ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True
    )
    id: Mapped[str] = mapped_column(String(RULE_ID_LENGTH), primary_key=True)
    given_id: Mapped[str | None] = mapped_column(Text)
    """The id that the rule's file gives, where another rule has it already."""
    name: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(String(60))
    severity: Mapped[str] = mapped_column(String(20))
    enabled: Mapped[bool] = mapped_column(Boolean)
    content: Mapped[dict[str, Any]]
    """The rule in the public layout."""
    content_hash: Mapped[str] = mapped_column(String(64))
    revision: Mapped[int] = mapped_column(Integer)
    source: Mapped[dict[str, Any]]
    """Where it came from: file, line, format."""
    original: Mapped[Any] = mapped_column(Json)
    """Its own text there, as it was read."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    updated_by: Mapped[str] = mapped_column(Text)


class RuleRevisionRow(Base):
    """What a rule was at some time; rows are only added."""

    __tablename__ = "analytics_rule_revisions"

    workspace_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    rule_id: Mapped[str] = mapped_column(String(RULE_ID_LENGTH), primary_key=True)
    revision: Mapped[int] = mapped_column(Integer, primary_key=True)
    content: Mapped[dict[str, Any]]
    content_hash: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(Text)

    __table_args__ = (
        ForeignKeyConstraint(
            ["workspace_id", "rule_id"],
            ["analytics_rules.workspace_id", "analytics_rules.id"],
            name="fk_analytics_rule_revisions_rule",
            ondelete="CASCADE",
        ),
    )


class ScheduleRow(Base):
    """Where a rule's coverage goes on."""

    __tablename__ = "rule_schedules"

    workspace_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    rule_id: Mapped[str] = mapped_column(String(RULE_ID_LENGTH), primary_key=True)
    covered_to: Mapped[datetime]
    """The end of the last window that is settled: the next one starts here."""
    attempts: Mapped[int] = mapped_column(Integer)
    """How often the next window has failed so far."""
    retry_at: Mapped[datetime | None]
    suppressed_until: Mapped[datetime | None]

    __table_args__ = (
        ForeignKeyConstraint(
            ["workspace_id", "rule_id"],
            ["analytics_rules.workspace_id", "analytics_rules.id"],
            name="fk_rule_schedules_rule",
            ondelete="CASCADE",
        ),
    )


class RunRow(Base):
    """The coverage ledger: one row for each run and for each window that was not run; rows are only added. (One that a clock which
    was far ahead has settled can cease to be: `Ledger.upcoming`.)

    The windows of the rows that settle (`settled` and not filling an earlier gap) tile a rule's time.
    """

    __tablename__ = "rule_runs"

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)
    workspace_id: Mapped[str] = mapped_column(String(36), ForeignKey("workspaces.id", ondelete="CASCADE"))
    rule_id: Mapped[str] = mapped_column(String(RULE_ID_LENGTH))
    """Kept when the rule is deleted: what was covered stays known."""
    run_id: Mapped[str | None] = mapped_column(String(36))
    run_type: Mapped[str] = mapped_column(String(20))
    window_from: Mapped[datetime]
    window_to: Mapped[datetime]
    query_from: Mapped[datetime | None]
    """The query read from here to `window_to`."""
    outcome: Mapped[str] = mapped_column(String(20))
    settled: Mapped[bool] = mapped_column(Boolean)
    fills: Mapped[int | None] = mapped_column(BigInteger().with_variant(Integer, "sqlite"))
    """The row of the window that this run fills (a gap) or reads again (late events), or tried to."""
    attempt: Mapped[int] = mapped_column(Integer)
    rows: Mapped[int] = mapped_column(BigInteger)
    alerts: Mapped[int] = mapped_column(Integer)
    exhaustiveness: Mapped[str | None] = mapped_column(String(20))
    reason: Mapped[str | None] = mapped_column(Text)
    error: Mapped[dict[str, Any] | None]
    duration: Mapped[float] = mapped_column(Float)
    query_hash: Mapped[str | None] = mapped_column(String(64))
    revision: Mapped[int | None] = mapped_column(Integer)
    search_id: Mapped[str | None] = mapped_column(String(36))
    trace_id: Mapped[str | None] = mapped_column(String(32))
    recorded_at: Mapped[datetime]
    read_to: Mapped[int | None] = mapped_column(BigInteger().with_variant(Integer, "sqlite"))
    """The position of the log store whose rows the run has seen for certain; None where that was not asked."""
    bins_kept: Mapped[int | None] = mapped_column(Integer)
    """Bins of time whose partial results an earlier run has kept, and bins whose were made; None where none are kept."""
    bins_made: Mapped[int | None] = mapped_column(Integer)

    __table_args__ = (
        Index("ix_rule_runs_rule", "workspace_id", "rule_id", "id"),
        Index("ix_rule_runs_window", "workspace_id", "rule_id", "window_to"),
        Index(
            "ix_rule_runs_gaps",
            "workspace_id",
            sqlite_where=text("outcome = 'GAP'"),
            postgresql_where=text("outcome = 'GAP'"),
        ),
        Index(
            "ix_rule_runs_fills",
            "fills",
            sqlite_where=text("fills IS NOT NULL"),
            postgresql_where=text("fills IS NOT NULL"),
        ),
        # Whatever goes wrong, no window is settled twice.
        Index(
            "uq_rule_runs_tile",
            "workspace_id",
            "rule_id",
            "window_from",
            unique=True,
            sqlite_where=text("settled AND fills IS NULL"),
            postgresql_where=text("settled AND fills IS NULL"),
        ),
    )


class ArrivalsRow(Base):
    """Up to which position of its log store a workspace's late events are noted."""

    __tablename__ = "rule_arrivals"

    workspace_id: Mapped[str] = mapped_column(
        String(36), ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(BigInteger)


class ReopeningRow(Base):
    """A window that was read before some of its events had arrived, and is to be read again."""

    __tablename__ = "rule_reopenings"

    tile: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False
    )
    """The window's row in the ledger."""
    workspace_id: Mapped[str] = mapped_column(String(36), ForeignKey("workspaces.id", ondelete="CASCADE"))
    rule_id: Mapped[str] = mapped_column(String(RULE_ID_LENGTH))
    window_from: Mapped[datetime]
    window_to: Mapped[datetime]
    query_from: Mapped[datetime]
    position: Mapped[int] = mapped_column(BigInteger)
    """The position of the log store that a run must have seen to be done with it."""
    rows: Mapped[int] = mapped_column(BigInteger)
    tables: Mapped[Any] = mapped_column(Json)
    first: Mapped[datetime]
    """The earliest of the late events."""
    attempts: Mapped[int] = mapped_column(Integer)
    retry_at: Mapped[datetime | None]
    noted_at: Mapped[datetime]

    __table_args__ = (Index("ix_rule_reopenings_window", "workspace_id", "window_to"),)


class ExceptionRow(Base):
    """An exception from a rule. It never changes but for its end: what it hid stays explained."""

    __tablename__ = "rule_exceptions"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    workspace_id: Mapped[str] = mapped_column(String(36), ForeignKey("workspaces.id", ondelete="CASCADE"))
    rule_id: Mapped[str] = mapped_column(Text)
    """Kept when the rule is deleted or replaced: exceptions stand beside rules, not in them."""
    conditions: Mapped[Any] = mapped_column(Json)
    owner: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    starts_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(Text)
    removed_at: Mapped[datetime | None]
    removed_by: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (Index("ix_rule_exceptions_rule", "workspace_id", "rule_id"),)


class ExceptionHitRow(Base):
    """What an exception hid in one window: as it was last searched."""

    __tablename__ = "rule_exception_hits"

    exception_id: Mapped[str] = mapped_column(
        String(36), ForeignKey("rule_exceptions.id", ondelete="CASCADE"), primary_key=True
    )
    window_to: Mapped[datetime] = mapped_column(primary_key=True)
    rows: Mapped[int] = mapped_column(BigInteger)
    silenced: Mapped[bool] = mapped_column(Boolean)
    """Whether the run raised nothing because of what was hidden."""
