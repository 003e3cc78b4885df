"""What an incident is about, in one sentence; and why its alerts are together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from vedette.detect.reading.durations import parse_duration
from vedette.detect.rule import MatchingMethod
from vedette.incidents.grouping import CAMPAIGN
from vedette.incidents.merging import MergedEntity
from vedette.incidents.models import AlertRow, IncidentRow

_ROLES = (
    ("", ("Account", "Mailbox", "SecurityGroup")),
    ("on", ("Host", "AzureResource", "IoTDevice")),
    ("from", ("IP",)),
)
_SHOWN = 2


def story(incident: IncidentRow, entities: Sequence[MergedEntity], alerts: Sequence[AlertRow]) -> str:
    """One sentence: who and where, what was seen, how often and when; of a campaign, where it started and how far it came."""
    told = next((alert.body["campaign"] for alert in alerts if alert.body.get("campaign") is not None), None)
    if told is not None:
        return _campaign(told)
    parts: list[str] = []
    placed: set[str] = set()
    for preposition, types in _ROLES:
        names = [entity.entity.title for entity in entities if entity.type in types]
        if names:
            parts.append(f"{preposition} {_listed(names)}".strip())
            placed.update(types)
    others = [entity.entity.title for entity in entities if entity.type not in placed]
    who = " ".join(parts)
    if others:
        who = f"{who}, with {_listed(others)}" if who else _listed(others)
    rows = sum(alert.body["rows"] for alert in alerts)
    seen = f"{_count(len(alerts), 'alert')} over {_count(rows, 'result row')}" if alerts else "no alert yet"
    when = _when(incident.first_activity, incident.last_activity)
    tactics = f" ({', '.join(_spaced(tactic) for tactic in incident.tactics)})" if incident.tactics else ""
    subject = f"{incident.title}: {who}" if who else incident.title
    return f"{subject}; {seen}{when}{tactics}."


def _campaign(told: Mapping[str, Any]) -> str:
    start, reached = told["start"], _spaced(told["impact"]["tactic"])
    resources = _listed(_last(one) for one in told["impact"]["resources"])
    signals = _count(len(told["signalIds"]), "alert" if not told["contextualSignals"] else "signal")
    return (
        f"An attack in {_count(len(told['stages']), 'stage')}, seen in {signals}: it started with '{start['title']}' at "
        f"{start['timeUtc'][:16].replace('T', ' ')} UTC and reached {reached}{f', on {resources}' if resources else ''}."
    )


def _last(resource: Mapping[str, str]) -> str:
    """What people call a resource: of an Azure resource's id the last part."""
    return resource["name"].rstrip("/").rpartition("/")[2] if resource["type"] == "AzureResource" else resource["name"]


def together(incident: IncidentRow, entities: Sequence[MergedEntity], alerts: Sequence[AlertRow]) -> list[str]:
    """Why the alerts are one incident, a clause each: the rule's setting first, then what they have in common."""
    campaign = incident.grouping if incident.grouping and incident.grouping["method"] == CAMPAIGN else None
    if len(alerts) < 2 and campaign is None:
        return []
    clauses = []
    if campaign is not None:
        stages = ", ".join(_spaced(stage) for stage in campaign["shared"])
        clauses.append(f"Fusion sees stages of one attack in {_count(len(campaign['alertIds']), 'alert')}: {stages}")
    rules = list(dict.fromkeys(alert.body["rule"] for alert in alerts))
    if incident.grouping is not None and campaign is None:
        length = parse_duration(incident.grouping["lookback"])
        within = f" within {_length(int(length.total_seconds()))}" if length is not None else ""
        match incident.grouping["method"]:
            case MatchingMethod.ANY_ALERT.value:
                clauses.append(f"All alerts of the rule '{rules[0]}'{within} come together")
            case _:
                shared = ", ".join(incident.grouping["shared"])
                clauses.append(f"The rule '{rules[0]}' puts alerts{within} together that share {shared}")
    for entity in entities:
        if len(set(entity.alert_ids)) == len(alerts) > 1:
            number = "Both" if len(alerts) == 2 else f"All {len(alerts)}"
            clauses.append(f"{number} alerts name the {_kind(entity.type)} {entity.entity.title}")
        if len(clauses) >= 6:
            break
    if len(rules) > 1:
        clauses.append(f"They come from {len(rules)} rules: {_listed(rules)}")
    return clauses


def _listed(names: Iterable[str]) -> str:
    distinct = list(dict.fromkeys(names))
    shown = distinct[:_SHOWN]
    more = len(distinct) - len(shown)
    if more > 0:
        return f"{', '.join(shown)} and {more} more"
    return " and ".join(shown)


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _when(first: str | None, last: str | None) -> str:
    if first is None or last is None:
        return ""
    start, end = first[:16].replace("T", " "), last[:16].replace("T", " ")
    if start == end:
        return f" at {start} UTC"
    if start[:10] == end[:10]:
        return f" between {start} and {end[11:]} UTC"
    return f" between {start} and {end} UTC"


def _length(seconds: int) -> str:
    for size, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size and seconds % size == 0:
            return _count(seconds // size, name)
    return _count(seconds, "second")


def _kind(entity_type: str) -> str:
    """``account``, ``file hash``, ``IP``."""
    return entity_type if entity_type.isupper() else _spaced(entity_type).lower()


def _spaced(words: str) -> str:
    """``InitialAccess`` → ``Initial Access``; names in capitals stay."""
    spaced = ""
    for before, letter in zip(" " + words, words):
        spaced += f" {letter}" if letter.isupper() and before.islower() else letter
    return spaced
