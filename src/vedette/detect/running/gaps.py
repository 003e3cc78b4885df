"""Gaps to try again: what the ledger says of them, followed row by row, so that a round does not ask for each gap anew.

A rule that fails for weeks has thousands of gaps. They are read once; after that, only rows that came to the ledger since.
Rows are only added, and writers take turns, so whoever has seen a row has seen all before it.
"""

from __future__ import annotations

import threading
from collections.abc import Container
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import aliased

from vedette.core.database import State
from vedette.detect.models import RunRow
from vedette.detect.running.windows import READ, DueWindow, Window, WindowOutcome

_READ = frozenset(outcome.value for outcome in READ)


@dataclass(slots=True)
class _Gap:
    rule_id: str
    window: Window
    tried: int = 0


class Gaps:
    """The gaps of one workspace's rules that were given up after failures, and not for their age. Safe for several threads."""

    def __init__(self, state: State, workspace_id: str) -> None:
        self._state = state
        self._workspace_id = workspace_id
        self._guard = threading.Lock()
        self._seen: int | None = None
        self._open: dict[str, dict[int, _Gap]] = {}
        """By rule and by the gap's row."""
        self._works: dict[str, bool] = {}
        """Of rules with gaps, and of those with rows since: whether the last row is of a window that was read."""
        self._misread: set[str] = set()
        """Of the same rules, those whose last run ended at a place in the query's text: a table or column was not known."""

    def to_fill(self, most: int, also: Container[str] = ()) -> list[DueWindow]:
        """The gaps, oldest first, that were tried fewer than `most` times: of rules whose last run went well, and of these."""
        with self._guard:
            self._follow()
            due = [
                DueWindow(gap.rule_id, gap.window, gap.tried + 1, row)
                for rule_id, gaps in self._open.items()
                if self._works.get(rule_id) or rule_id in also
                for row, gap in gaps.items()
                if gap.tried < most
            ]
        return sorted(due, key=lambda entry: (entry.window.start, entry.rule_id))

    def works(self, rule_id: str) -> bool:
        """Whether the rule's last run went well, a run since `to_fill` included."""
        with self._guard:
            self._follow()
            return self._works.get(rule_id, False)

    def misread(self) -> list[str]:
        """The rules whose last run failed because the query does not fit what the workspace has."""
        with self._guard:
            self._follow()
            return sorted(self._misread)

    def _note(self, rule_id: str, outcome: str, error: dict[str, Any] | None) -> None:
        self._works[rule_id] = outcome in _READ
        if outcome not in _READ and error is not None and error.get("line") is not None:
            self._misread.add(rule_id)
        else:
            self._misread.discard(rule_id)

    def _follow(self) -> None:
        with self._state.session(read_only=True) as session:
            if self._seen is None:
                self._begin(session.execute)
                return
            # by the key alone: rows of other workspaces since are few, and an index on the workspace would read all of its rows
            rows = session.execute(
                select(
                    RunRow.id, RunRow.workspace_id, RunRow.rule_id, RunRow.run_id, RunRow.outcome, RunRow.settled,
                    RunRow.fills, RunRow.window_from, RunRow.window_to, RunRow.error,
                ).where(RunRow.id > self._seen).order_by(RunRow.id)
            ).all()  # fmt: skip
        for row, workspace_id, rule_id, run_id, outcome, settled, fills, start, end, error in rows:
            self._seen = row
            if workspace_id != self._workspace_id:
                continue
            self._note(rule_id, outcome, error)
            gaps = self._open.get(rule_id, {})
            if fills is None and settled and run_id is not None and outcome == WindowOutcome.GAP.value:
                self._open.setdefault(rule_id, {})[row] = _Gap(rule_id, Window(start, end))
            elif fills in gaps and settled:
                del gaps[fills]
            elif fills in gaps:
                gaps[fills].tried += 1

    def _begin(self, execute: Any) -> None:
        filling, latest = aliased(RunRow), aliased(RunRow)
        mine: list[ColumnElement[bool]] = [
            RunRow.workspace_id == self._workspace_id, RunRow.outcome == WindowOutcome.GAP.value,
            RunRow.settled.is_(True), RunRow.fills.is_(None), RunRow.run_id.is_not(None),
        ]  # fmt: skip
        filled = select(filling.id).where(filling.fills == RunRow.id, filling.settled.is_(True)).exists()
        tried = select(func.count()).where(filling.fills == RunRow.id).scalar_subquery()
        self._seen = execute(select(func.max(RunRow.id))).scalar() or 0
        for row, rule_id, start, end, count in execute(
            select(RunRow.id, RunRow.rule_id, RunRow.window_from, RunRow.window_to, tried).where(*mine, ~filled)
        ).all():
            self._open.setdefault(rule_id, {})[row] = _Gap(rule_id, Window(start, end), count)
        for rule_id in self._open:
            last = (
                select(latest.outcome, latest.error)
                .where(latest.workspace_id == self._workspace_id, latest.rule_id == rule_id)
                .order_by(latest.id.desc())
                .limit(1)
            )
            self._note(rule_id, *execute(last).one())
