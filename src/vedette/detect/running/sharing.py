"""Rules that are due together share a look at their tables: whose result it shows to be empty need not be run.

Most runs of most rules find nothing, and what such a run takes is mostly its own beginning: parsing, binding, planning. A look, even
for one rule, has that behind it, and is worth what the runs take that it is likely to spare. So it is known of each rule what its
runs take, and how often a look has spared one; a rule that nearly always has rows to judge is soon left out, and tried again
now and then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from vedette.core.clock import Clock
from vedette.detect.alerts.alert import Outcome, RuleRun
from vedette.detect.rule import AnalyticsRule, RuleKind
from vedette.detect.running.ledger import Ledger

MOST: Final = 256
"""Rules of one look."""
_MOST_REMEMBERED: Final = 10_000
_PATIENCE: Final = 2.0
"""How much longer than it is worth a look may take."""
_SHORTEST: Final = 0.5
"""Seconds that every look may take."""
_SLOWLY: Final = 0.25
"""How much of the last run counts for what is expected of the next."""
_LEAST: Final = 0.01
_AGAIN: Final = 1.02
"""By how much a rule that is left out becomes more likely each time, until it is tried again."""


class Found(Protocol):
    """What a look tells of a query: whether its result is empty for certain, its share of the look's seconds, and whether it was tried."""

    @property
    def empty(self) -> bool: ...

    @property
    def seconds(self) -> float: ...

    @property
    def tried(self) -> bool: ...


class Looks(Protocol):
    """A log store that looks for several queries at once (`store.shared_scans`)."""

    def look(self, asked: Sequence[tuple[str, datetime, datetime, float]], seconds: float) -> Sequence[Found]:
        """Of each (text, start, end, seconds that it is worth) what one look tells; nothing of whose look failed."""
        ...


@dataclass(slots=True)
class _Expected:
    """What is expected of a rule: the seconds of a run, and how likely a look is to spare it."""

    seconds: float
    spared: float = 1.0

    @property
    def worth(self) -> float:
        return self.seconds * self.spared


@dataclass(frozen=True, slots=True)
class Candidate:
    """A window that is due: its rule, and the time that its query would read."""

    rule: AnalyticsRule
    start: datetime
    end: datetime


class Sharing:
    """Shared looks for the rules of one workspace."""

    def __init__(self, looks: Looks, ledger: Ledger, clock: Clock) -> None:
        self._looks = looks
        self._ledger = ledger
        self._clock = clock
        self._expected: dict[tuple[str, str], _Expected] | None = None
        self._to_run: set[tuple[str, datetime]] = set()
        """Windows that a look has not spared, and that wait for their turn."""

    def note(self, run: RuleRun) -> None:
        """Learn from a run what the rule's runs take. A rule whose query fails is run, until it works again."""
        known, key = self._all(), (run.rule.id, run.query_hash)
        if run.outcome is Outcome.ERROR:
            known.pop(key, None)
        elif key in known:
            known[key].seconds += _SLOWLY * (run.duration - known[key].seconds)
        else:
            known[key] = _Expected(run.duration)

    def takes(self, rule: AnalyticsRule) -> bool:
        """Whether a look can say anything of a rule's runs: an empty result is one without an alert, and its query has worked."""
        return (
            rule.kind is RuleKind.SCHEDULED
            and rule.not_runnable is None
            and not rule.trigger.met(0)
            and (rule.id, rule.query_hash) in self._all()
        )

    def spared(self, candidates: Sequence[Candidate]) -> list[float | None]:
        """Of each window the seconds that it took to tell that nothing is in it; None where its query must be run."""
        found: list[float | None] = [None] * len(candidates)
        chosen = [
            place for place, one in enumerate(candidates)
            if (one.rule.id, one.end) not in self._to_run and self.takes(one.rule)
        ][:MOST]  # fmt: skip
        expected = {place: self._of(candidates[place].rule) for place in chosen}
        worth = sum(one.worth for one in expected.values())
        if not chosen:
            return found
        asked = [
            (candidates[place].rule.query, candidates[place].start, candidates[place].end, expected[place].worth)
            for place in chosen
        ]
        if len(self._to_run) > _MOST_REMEMBERED:
            self._to_run.clear()
        told = self._looks.look(asked, max(_SHORTEST, _PATIENCE * worth))
        for place, answer in zip(chosen, told, strict=True):
            one = expected[place]
            if answer.empty:
                found[place] = answer.seconds
            else:
                self._to_run.add((candidates[place].rule.id, candidates[place].end))
            if answer.tried:
                one.spared += _SLOWLY * (float(answer.empty) - one.spared)
            else:
                one.spared = min(1.0, max(_LEAST, one.spared) * _AGAIN)
        return found

    def _of(self, rule: AnalyticsRule) -> _Expected:
        return self._all()[rule.id, rule.query_hash]

    def _all(self) -> dict[tuple[str, str], _Expected]:
        if self._expected is None:
            self._expected = {key: _Expected(seconds) for key, seconds in self._ledger.means().items()}
        return self._expected
