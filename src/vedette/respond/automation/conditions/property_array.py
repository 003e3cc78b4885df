"""`PropertyArray`: the items of an array of the incident, of which any must meet all conditions on an item."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from vedette.detect.reading.fields import FieldReader
from vedette.respond.automation.conditions.contract import MAX_INNER, Condition, Reading, all_notes
from vedette.respond.automation.facts import Scope

KEY: Final = "IncidentCustomDetailsKey"
VALUE: Final = "IncidentCustomDetailsValue"
LABEL: Final = "IncidentLabel"
ARRAYS: Final = ("CustomDetails", "CustomDetailValues", "Labels")


@dataclass(frozen=True, slots=True)
class PropertyArrayCondition:
    """An array, and the conditions on an item of it."""

    array: str
    conditions: tuple[Condition, ...]

    def holds(self, scope: Scope) -> bool:
        """Whether one item meets all conditions; without any, whether there is an item."""
        return any(all(one.holds(item) for one in self.conditions) for item in self._items(scope))

    def notes(self) -> Iterator[str]:
        """Those of the conditions on an item."""
        return all_notes(self.conditions)

    def _items(self, scope: Scope) -> Iterator[Scope]:
        details = scope.facts.custom_details
        match self.array:
            case "CustomDetails":
                for key, values in details.items():
                    yield scope.within(KEY, key).within(VALUE, *values)
            case "CustomDetailValues":
                # Within one custom detail its own values, otherwise those of all.
                within = scope.item.get(VALUE)
                for value in within if within is not None else (v for values in details.values() for v in values):
                    yield scope.within(VALUE, value)
            case _:
                for label in scope.facts.incident.labels:
                    yield scope.within(LABEL, label)


class PropertyArrayKind:
    """Reads it."""

    type = "PropertyArray"

    def read(self, fields: FieldReader, reading: Reading) -> Condition | None:
        """The condition."""
        fields.expect(("arrayType", "arrayConditionType", "itemConditions"), "a condition on an array")
        fields.missing("arrayType")
        array = fields.choice("arrayType", {name.casefold(): name for name in ARRAYS}, "")
        fields.choice("arrayConditionType", {"anyitem": "AnyItem"}, "AnyItem")
        conditions = reading.several(fields, "itemConditions", MAX_INNER)
        return PropertyArrayCondition(array, conditions) if array and not fields.failed else None
