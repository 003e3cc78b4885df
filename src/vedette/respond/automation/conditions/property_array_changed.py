"""`PropertyArrayChanged`: alerts, labels, tactics or comments have come to the incident."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from vedette.detect.reading.fields import FieldReader
from vedette.respond.automation.conditions.contract import Condition, Reading, When
from vedette.respond.automation.facts import Scope

CHANGED_ARRAYS: Final = ("Alerts", "Labels", "Tactics", "Comments")


@dataclass(frozen=True, slots=True)
class PropertyArrayChangedCondition:
    """An array that the update has added to."""

    array: str

    def holds(self, scope: Scope) -> bool:
        """Whether something was added."""
        facts = scope.facts
        if facts.before is None or facts.after is None:
            return False
        return self.array in facts.after.added_since(facts.before)

    def notes(self) -> Iterator[str]:
        """None."""
        return iter(())


class PropertyArrayChangedKind:
    """Reads it."""

    type = "PropertyArrayChanged"

    def read(self, fields: FieldReader, reading: Reading) -> Condition | None:
        """The condition; a rule for new incidents has none."""
        fields.expect(("arrayType", "changeType"), "a condition on what was added")
        fields.missing("arrayType")
        array = fields.choice("arrayType", {name.casefold(): name for name in CHANGED_ARRAYS}, "")
        fields.choice("changeType", {"added": "Added"}, "Added")
        if reading.when is not When.UPDATED:
            fields.wrong("arrayType", "nothing was added to a new incident: this condition is for updates")
        return None if fields.failed or not array else PropertyArrayChangedCondition(array)
