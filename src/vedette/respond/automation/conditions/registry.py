"""The kinds of conditions, by name. A new kind is one file and one line here."""

from __future__ import annotations

from typing import Final

from vedette.detect.reading.fields import FieldReader
from vedette.respond.automation.conditions.boolean import BooleanKind
from vedette.respond.automation.conditions.contract import MAX_CONDITIONS, Condition, ConditionKind, Reading, When
from vedette.respond.automation.conditions.property import PropertyKind
from vedette.respond.automation.conditions.property_array import PropertyArrayKind
from vedette.respond.automation.conditions.property_array_changed import PropertyArrayChangedKind
from vedette.respond.automation.conditions.property_changed import PropertyChangedKind

_KINDS: Final[tuple[ConditionKind, ...]] = (
    PropertyKind(),
    PropertyArrayKind(),
    PropertyChangedKind(),
    PropertyArrayChangedKind(),
    BooleanKind(),
)
CONDITIONS: Final[dict[str, ConditionKind]] = {kind.type: kind for kind in _KINDS}


def read_conditions(fields: FieldReader, when: When) -> tuple[Condition, ...]:
    """The `conditions` of a trigger, all of which must hold; findings go where the reader's go."""
    return Reading(CONDITIONS, when).several(fields, "conditions", MAX_CONDITIONS)
