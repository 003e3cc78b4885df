"""Signals: the rows that a rule of kind Fusion has found, typed, with the entities that they name.

What one row says is read as the rest of the product reads it: entities by `detect/entities`, tactics by MITRE ATT&CK's names.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from vedette.detect.alerts.moments import from_wire
from vedette.detect.attack import TACTICS, tactic_named, technique_named
from vedette.detect.entities.entity import Entity
from vedette.detect.entities.mapping import embedded_entities
from vedette.detect.rule import JsonValue, Severity

KILL_CHAIN: Final = (*TACTICS[: TACTICS.index("Impact")], "InhibitResponseFunction", "ImpairProcessControl", "Impact")
"""Tactics as stages, in their order; those of industrial control systems stand before what they lead to."""
_PLACES: Final = {tactic: place for place, tactic in enumerate(KILL_CHAIN)} | {"PreAttack": 0}
_SEVERITIES: Final = {severity.value.casefold(): severity for severity in Severity}
_LONG_AGO: Final = datetime(1, 1, 1, tzinfo=UTC)
_BEFORE: Final = timedelta(days=366)
_AHEAD: Final = timedelta(days=1)
"""How long before it was raised, and by wrong clocks after that, a signal's events may have been."""

Row = Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Signal:
    """One alert, anomaly or activity. `stages` are its tactics' places in `KILL_CHAIN`: none for context."""

    id: str
    kind: str
    detection: str
    """What has seen it: a rule, or a product's kind of alert. The same for all that one detection sees."""
    title: str
    product: str
    severity: Severity
    stages: frozenset[int]
    techniques: tuple[str, ...]
    start: datetime
    end: datetime
    first: str
    """When it began, as wire text; `last` is when it ended, `raised` when it was told."""
    last: str
    raised: str
    entities: tuple[Entity, ...]
    row: Row

    @property
    def order(self) -> tuple[str, str]:
        """Signals are in the order of their first event, whatever the order in which they came."""
        return self.first, self.id

    @property
    def tactics(self) -> tuple[str, ...]:
        """Its tactics in the order of the kill chain."""
        return tuple(KILL_CHAIN[stage] for stage in sorted(self.stages))


def signals_of(columns: Sequence[str], rows: Iterable[Sequence[JsonValue]]) -> list[Signal]:
    """The signals in the rows of a Fusion query, each id once, in their order."""
    found: dict[str, Signal] = {}
    for values in rows:
        signal = _signal(dict(zip(columns, values)))
        found.setdefault(signal.id, signal)
    return sorted(found.values(), key=lambda signal: signal.order)


def _signal(row: Row) -> Signal:
    first, last, raised = (str(row.get(name) or "") for name in ("StartTime", "EndTime", "RaisedTime"))
    first, last = _likely(first, raised), _likely(last, raised)
    first, last = first or last or raised, last or first or raised
    first, last = min(first, last), max(first, last)
    title = str(row.get("Title") or row.get("Detection") or row.get("Kind"))
    return Signal(
        id=str(row.get("SignalId")),
        kind=str(row.get("Kind")),
        detection=str(row.get("Detection") or title).casefold(),
        title=" ".join(title.split()),
        product=str(row.get("Product") or ""),
        severity=_SEVERITIES.get(str(row.get("Severity") or "").strip().casefold(), Severity.INFORMATIONAL),
        stages=frozenset(_stages(row.get("Tactics"))),
        techniques=tuple(dict.fromkeys(one for text in _texts(row.get("Techniques")) if (one := technique_named(text)))),
        start=_moment(first),
        end=_moment(last),
        first=first,
        last=last,
        raised=raised,
        entities=tuple(dict.fromkeys(embedded_entities(row.get("Entities")))),
        row={**row, "StartTime": first, "EndTime": last},
    )  # fmt: skip


def _likely(told: str, raised: str) -> str:
    """When an event was, as it is told; nothing where it cannot have been then: products write year 1 where they do not know."""
    moment, known = _moment(told), _moment(raised)
    if known == _LONG_AGO:
        return told
    return told if known - _BEFORE <= moment <= known + _AHEAD else ""


def _moment(text: str) -> datetime:
    try:
        return from_wire(text)
    except ValueError:
        return _LONG_AGO


def _stages(value: JsonValue) -> Iterator[int]:
    for text in _texts(value):
        place = _PLACES.get(tactic_named(text) or "")
        if place is not None:
            yield place


def _texts(value: JsonValue) -> list[str]:
    """The texts of a list, of its JSON text, or of a text with commas."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = json.loads(value)
        except ValueError:
            return []
    if isinstance(value, list):
        return [str(one) for one in value if isinstance(one, str)]
    return [] if value is None else str(value).split(",")
