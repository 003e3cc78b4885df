"""Campaigns: signals that belong together and are stages of one attack, each told as one alert that grows.

What is found is a function of the signals alone: not of the order in which they came, nor of what was found before. A campaign's
identity is its first signal: as further ones join, it is the same one. Two that a later signal joins have the earlier's identity from
then on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from vedette.detect.alerts.details import Details
from vedette.detect.alerts.limits import AlertLimits
from vedette.detect.alerts.moments import wire_datetime
from vedette.detect.correlation.linking import Linked
from vedette.detect.correlation.settings import MOST_STAGES, settings_of
from vedette.detect.correlation.signals import KILL_CHAIN, Row, Signal, signals_of
from vedette.detect.correlation.stages import Chain, longest_chain
from vedette.detect.correlation.story import described, titled, told
from vedette.detect.rule import AnalyticsRule, JsonValue


@dataclass(frozen=True, slots=True)
class Campaign:
    """Signals of one attack, by their places among all that are linked, and the chain of stages that shows it."""

    linked: Linked
    places: tuple[int, ...]
    chain: Chain

    @property
    def signals(self) -> tuple[Signal, ...]:
        """Its signals in their order."""
        return tuple(self.linked.signals[place] for place in self.places)

    @property
    def id(self) -> str:
        """The id of its first signal that is more than context."""
        return next(signal.id for signal in self.signals if signal.stages)

    @property
    def rows(self) -> list[Row]:
        """The rows of its signals."""
        return [signal.row for signal in self.signals]

    def to_dict(self) -> dict[str, Any]:
        """The campaign as programs see it: where it started, its stages, its impact, its signals."""
        return told(self.linked, self.places, self.chain)

    def details(self, own: Details, limits: AlertLimits) -> Details:
        """What its alert says of itself; `own` is what the rule says."""
        stages = sorted({stage for signal in self.signals for stage in signal.stages})
        techniques = sorted(
            {technique for signal in self.signals for technique in signal.techniques} | {*own.techniques}
        )
        story = self.to_dict()
        return replace(
            own, title=titled(self.chain)[: limits.title_characters],
            description=described(story, limits.description_characters),
            tactics=tuple(KILL_CHAIN[stage] for stage in stages),
            techniques=tuple(one for one in techniques if "." not in one),
            sub_techniques=tuple(one for one in techniques if "." in one),
        )  # fmt: skip


def campaigns_of(
    rule: AnalyticsRule,
    columns: Sequence[str],
    rows: Sequence[Sequence[JsonValue]],
    since: datetime,
    lookback: timedelta,
) -> list[Campaign]:
    """The campaigns among the signals in the rows of a Fusion query, of which a signal with a stage was raised at or after `since`."""
    least, fresh = settings_of(rule.extra).minimum_stages, wire_datetime(since)
    raised = columns.index("RaisedTime") if "RaisedTime" in columns else None
    if raised is None or all(str(row[raised] or "") < fresh for row in rows):
        return []  # nothing has come, as in most windows
    signals = signals_of(columns, rows)
    linked = Linked(signals, lookback)
    found = []
    for places in linked.campaigns():
        some = [signals[place] for place in places if signals[place].stages]
        if all(signal.raised < fresh for signal in some) or len({signal.detection for signal in some}) < least:
            continue
        chain = longest_chain(some, MOST_STAGES)
        if len(chain) >= least:
            found.append(Campaign(linked, tuple(places), chain))
    return sorted(found, key=lambda campaign: campaign.signals[0].order)
