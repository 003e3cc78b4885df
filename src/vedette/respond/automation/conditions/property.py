"""`Property`: the values of a property of the incident or of its entities."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from vedette.detect.reading.fields import FieldReader
from vedette.respond.automation.conditions.contract import Condition, Reading, When
from vedette.respond.automation.conditions.operators import Comparison
from vedette.respond.automation.facts import Scope
from vedette.respond.automation.properties import PROPERTIES, Property


@dataclass(frozen=True, slots=True)
class PropertyCondition:
    """A property compared with values."""

    about: Property
    comparison: Comparison
    named: bool = False
    """Whether a value names an analytics rule otherwise than by the id of its resource."""

    def holds(self, scope: Scope) -> bool:
        """Whether it is met: by the item of an array where one is looked at, by the incident else."""
        found = scope.item.get(self.about.name)
        return self.comparison.holds(self.about.get(scope.facts) if found is None else found)

    def notes(self) -> Iterator[str]:
        """Microsoft Sentinel has no condition on who owns an incident, and knows analytics rules by their resources alone."""
        if self.about.ours:
            yield f"Microsoft Sentinel has no condition on '{self.about.name}'."
        if self.named:
            yield f"'{self.about.name}' names a rule; Microsoft Sentinel wants the id of its resource there."


class PropertyKind:
    """Reads it."""

    type = "Property"

    def read(self, fields: FieldReader, reading: Reading) -> Condition | None:
        """The condition; a property that no rule of this trigger can see is refused."""
        fields.expect(("propertyName", "operator", "propertyValues"), "a condition on a property")
        fields.missing("propertyName")
        names = {name.casefold(): one for name, one in PROPERTIES.items()}
        given = fields.text("propertyName")
        about = None if given is None else names.get(given.casefold())
        if given is not None and about is None:
            fields.wrong("propertyName", f"there is no property '{given}'", PROPERTIES, given)
        if about is not None and about.update_only and reading.when is not When.UPDATED:
            fields.wrong(
                "propertyName", f"'{about.name}' is only known of an update, and this rule is for new incidents"
            )
        comparison = Comparison.read(fields, about.known if about else ())
        if about is None or comparison is None or fields.failed:
            return None
        wanted = tuple(about.wanted(value) for value in comparison.values)
        named = about.rules and any(old == new for old, new in zip(comparison.values, wanted, strict=True))
        return PropertyCondition(about, Comparison(comparison.operator, wanted), named)
