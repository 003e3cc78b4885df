"""Which alerts come into one incident: what they must share, by the rule's configuration, and why they are together."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from vedette.detect.alerts.alert import Alert
from vedette.detect.entities.entity import Entity, identity
from vedette.detect.reading.durations import format_iso8601
from vedette.detect.rule import AnalyticsRule, MatchingMethod, canonical_json

MAX_ALERTS: Final = 150
"""Alerts of one incident; further ones start another of the same kind (Sentinel's limit)."""

CAMPAIGN: Final = "Fusion"
"""Why the alerts of a campaign's incident are together, where a rule's grouping has a matching method."""


@dataclass(frozen=True, slots=True)
class Grouping:
    """What an alert must share with an incident's alerts to come in, as a key, and in words for its reader."""

    key: str
    method: MatchingMethod
    shared: tuple[str, ...]
    lookback: str

    def to_dict(self) -> dict[str, Any]:
        """As it is kept with the incident."""
        return {"method": self.method.value, "shared": list(self.shared), "lookback": self.lookback}


def grouping_of(rule: AnalyticsRule, alert: Alert) -> Grouping | None:
    """The group of an alert, or None where it makes an incident of its own.

    Alerts are together when every selected thing is equal: the sets of entities (all, or of the selected types) and the
    selected details. An alert that has nothing of what is selected shares nothing with any other.
    """
    configuration = rule.incident.grouping
    if not configuration.enabled:
        return None
    method = configuration.matching_method
    if method is MatchingMethod.ANY_ALERT:
        parts: list[object] = []
        shared: list[str] = []
    else:
        chosen = alert.entities
        if method is MatchingMethod.SELECTED:
            chosen = tuple(entity for entity in alert.entities if entity.type in configuration.group_by_entities)
        parts, shared = [sorted({identity(entity) for entity in chosen})], _names(chosen)
        found = bool(chosen)
        if method is MatchingMethod.SELECTED:
            details = _details(rule, alert)
            parts.append([[name, sorted(values)] for name, values in details])
            shared += [f"{name} {', '.join(values)}" for name, values in details if values]
            found = found or any(values for _, values in details)
        if not found:
            return None
    digest = hashlib.sha256(
        canonical_json([rule.id.lower(), method.value, parts]).encode(errors="surrogatepass")
    ).hexdigest()
    return Grouping(digest, method, tuple(shared), format_iso8601(configuration.lookback))


def _details(rule: AnalyticsRule, alert: Alert) -> list[tuple[str, tuple[str, ...]]]:
    configuration = rule.incident.grouping
    own = {"DisplayName": (alert.title,), "Severity": (alert.severity.value,)}
    details = [(name, own[name]) for name in configuration.group_by_alert_details]
    return details + [(name, alert.custom_details.get(name, ())) for name in configuration.group_by_custom_details]


_SHOWN: Final = 5


def _names(entities: Sequence[Entity]) -> list[str]:
    names = [f"{entity.type} {entity.title}" for entity in entities[:_SHOWN]]
    more = len(entities) - len(names)
    return [*names, f"{more} more entities"] if more > 0 else names
