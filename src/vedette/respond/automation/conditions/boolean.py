"""`Boolean`: all of some conditions, or any of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from vedette.detect.reading.fields import FieldReader
from vedette.respond.automation.conditions.contract import MAX_INNER, Condition, Reading, all_notes
from vedette.respond.automation.facts import Scope


@dataclass(frozen=True, slots=True)
class BooleanCondition:
    """Conditions, joined by `And` or by `Or`."""

    operator: str
    conditions: tuple[Condition, ...]

    def holds(self, scope: Scope) -> bool:
        """Whether all, or any, of them hold."""
        return (all if self.operator == "And" else any)(one.holds(scope) for one in self.conditions)

    def notes(self) -> Iterator[str]:
        """Those of the conditions."""
        return all_notes(self.conditions)


class BooleanKind:
    """Reads it."""

    type = "Boolean"

    def read(self, fields: FieldReader, reading: Reading) -> Condition | None:
        """The condition."""
        fields.expect(("operator", "innerConditions"), "a group of conditions")
        fields.missing("operator")
        operator = fields.choice("operator", {"and": "And", "or": "Or"}, "")
        if not fields.values("innerConditions"):
            fields.wrong("innerConditions", "a group has a condition at least")
        conditions = reading.several(fields, "innerConditions", MAX_INNER)
        return None if fields.failed or not operator else BooleanCondition(operator, conditions)
