"""`PropertyChanged`: severity, status or owner have changed, from or to something where that is said."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from vedette.detect.reading.fields import FieldReader
from vedette.detect.rule import Severity
from vedette.incidents.journal import IncidentState
from vedette.incidents.vocabulary import Status
from vedette.respond.automation.conditions.contract import Condition, Reading, When
from vedette.respond.automation.conditions.operators import Comparison
from vedette.respond.automation.facts import Scope

_PROPERTIES: Final[dict[str, tuple[Callable[[IncidentState], tuple[str, ...]], tuple[str, ...]]]] = {
    "IncidentSeverity": (lambda state: (state.severity,), tuple(Severity)),
    "IncidentStatus": (lambda state: (state.status,), tuple(Status)),
    "IncidentOwner": (lambda state: state.owner, ()),
}
CHANGED_PROPERTIES: Final = tuple(_PROPERTIES)
CHANGES: Final = ("ChangedFrom", "ChangedTo")


@dataclass(frozen=True, slots=True)
class PropertyChangedCondition:
    """A property that is another than before the update; with a comparison of what it was, or of what it became."""

    name: str
    change: str | None
    comparison: Comparison | None

    def holds(self, scope: Scope) -> bool:
        """Whether it changed so. What counts is the update, not what rules before this one have made of it."""
        facts = scope.facts
        if facts.before is None or facts.after is None:
            return False
        get, _ = _PROPERTIES[self.name]
        old, new = get(facts.before), get(facts.after)
        if old == new:
            return False
        return self.comparison is None or self.comparison.holds(old if self.change == "ChangedFrom" else new)

    def notes(self) -> Iterator[str]:
        """None."""
        return iter(())


class PropertyChangedKind:
    """Reads it."""

    type = "PropertyChanged"

    def read(self, fields: FieldReader, reading: Reading) -> Condition | None:
        """The condition; a rule for new incidents has none."""
        fields.expect(("propertyName", "changeType", "operator", "propertyValues"), "a condition on a change")
        fields.missing("propertyName")
        name = fields.choice("propertyName", {name.casefold(): name for name in _PROPERTIES}, "")
        change = fields.choice("changeType", {name.casefold(): name for name in CHANGES}, "") or None
        if reading.when is not When.UPDATED:
            fields.wrong("propertyName", "a new incident has not changed: this condition is for updates")
        comparison = None
        if change is not None:
            comparison = Comparison.read(fields, _PROPERTIES[name][1] if name else ())
        elif fields.values("propertyValues"):
            fields.wrong("propertyValues", "values need a 'changeType' that says whether they were before or after")
        return None if fields.failed or not name else PropertyChangedCondition(name, change, comparison)
