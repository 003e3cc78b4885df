"""Rules as the state database keeps them: in the public layout."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache
from typing import Any, Final

from sqlalchemy.orm import Session

from vedette.core.errors import InvalidInput
from vedette.detect.models import RuleRow
from vedette.detect.reading.document import Document
from vedette.detect.reading.layout import read_layout
from vedette.detect.reading.problems import RuleProblem
from vedette.detect.rule import AnalyticsRule


def rule_from_layout(content: dict[str, Any], rule_id: str) -> AnalyticsRule:
    """The rule that a kept layout describes. `InvalidInput` if somebody has changed it so that it cannot be read."""
    problems: list[RuleProblem] = []
    rule = read_layout(Document(content, "state", lambda _: None), problems, rule_id=rule_id)
    if rule is None:
        raise InvalidInput(f"The rule '{rule_id}' in the state database cannot be read: {problems[0].message}")
    return rule


def rule_of(row: RuleRow) -> AnalyticsRule:
    """The rule of a row, on or off as the row says.

    A revision that was read before needs no content: it may be deferred. A row that cannot be read is a rule that says so
    (`AnalyticsRule.unreadable`): its windows fail, with the reason, and no other rule is stopped by it.
    """
    try:
        rule = _cached(row.workspace_id, row.id, row.revision, row.content_hash, _Content(lambda: row.content))
    except Exception as error:  # whatever somebody has made of the row
        reason = str(error) if isinstance(error, InvalidInput) else f"{type(error).__name__}: {error}"
        return AnalyticsRule(
            row.id, str(row.name), enabled=row.enabled, query_frequency=_RETRIED, extra={"unreadable": reason}
        )
    return replace(rule, enabled=row.enabled)


class KnownRules:
    """The rules of a workspace that are on, by revision: hundreds of them are asked for at every round of the scheduler, and a
    rule that was read before takes no row of the database."""

    def __init__(self, workspace_id: str) -> None:
        self._workspace_id = workspace_id
        self._rules: dict[str, tuple[int, str, AnalyticsRule]] = {}

    def rule(self, session: Session, rule_id: str, revision: int, content_hash: str) -> AnalyticsRule:
        """The rule in this revision, which is in force; read as `rule_of` does where it is not known."""
        known = self._rules.get(rule_id)
        if known is not None and known[0] == revision and known[1] == content_hash:
            return known[2]
        rule = replace(rule_of(session.get_one(RuleRow, (self._workspace_id, rule_id))), enabled=True)
        if len(self._rules) >= _KNOWN:  # those of rules that are gone
            self._rules.clear()
        if rule.unreadable is None:  # what cannot be read is tried again
            self._rules[rule_id] = revision, content_hash, rule
        return rule


_KNOWN: Final = 20_000
_RETRIED: Final = timedelta(hours=1)
"""How often a rule that cannot be read is looked at."""


class _Content:
    """The layout as an argument that does not count: the same revision always has the same content. Asked for once."""

    def __init__(self, read: Callable[[], dict[str, Any]]) -> None:
        self._read: Callable[[], dict[str, Any]] | None = read

    def take(self) -> dict[str, Any]:
        """The layout; the row that it came from is let go."""
        assert self._read is not None
        read, self._read = self._read, None
        return read()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Content)

    def __hash__(self) -> int:
        return 0


@lru_cache(maxsize=4096)
def _cached(workspace_id: str, rule_id: str, revision: int, content_hash: str, content: _Content) -> AnalyticsRule:
    return rule_from_layout(content.take(), rule_id)
