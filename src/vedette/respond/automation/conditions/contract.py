"""The contract that every kind of condition keeps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from vedette.detect.reading.fields import FieldReader
from vedette.respond.automation.facts import Scope

MAX_CONDITIONS: Final = 50
MAX_INNER: Final = 10
MAX_DEPTH: Final = 10


class When(StrEnum):
    """What triggers a rule on incidents."""

    CREATED = "Created"
    UPDATED = "Updated"


class Condition(Protocol):
    """One condition of a rule."""

    def holds(self, scope: Scope) -> bool:
        """Whether it is met."""
        ...

    def notes(self) -> Iterator[str]:
        """What of it Microsoft Sentinel would not understand; nothing, as a rule."""
        ...


class ConditionKind(Protocol):
    """A kind of condition: one file, one line in the registry."""

    @property
    def type(self) -> str:
        """Its `conditionType`."""
        ...

    def read(self, fields: FieldReader, reading: Reading) -> Condition | None:
        """The condition out of its `conditionProperties`; None, with a finding, where it cannot be read."""
        ...


@dataclass(frozen=True, slots=True)
class Reading:
    """What a condition is read with: the kinds, the trigger of its rule, and how deep it stands."""

    kinds: Mapping[str, ConditionKind]
    when: When
    depth: int = 0

    def several(self, fields: FieldReader, name: str, most: int) -> tuple[Condition, ...]:
        """The conditions of a list of the mapping, at most so many."""
        if len(fields.values(name)) > most:
            fields.wrong(name, f"'{name}' has at most {most} conditions, not {len(fields.values(name))}")
            return ()
        if self.depth > MAX_DEPTH:
            fields.wrong(name, f"conditions are nested deeper than {MAX_DEPTH} levels")
            return ()
        return tuple(one for part in fields.parts(name) if (one := self._one(part)) is not None)

    def _one(self, fields: FieldReader) -> Condition | None:
        fields.expect(("conditionType", "conditionProperties"), "a condition")
        fields.missing("conditionType")
        fields.missing("conditionProperties")
        given = fields.text("conditionType")
        inner = fields.part("conditionProperties")
        if given is None or inner is None:
            return None
        kind = next((one for one in self.kinds.values() if one.type.casefold() == given.casefold()), None)
        if kind is None:
            fields.wrong("conditionType", f"there is no kind of condition '{given}'", self.kinds, given)
            return None
        return kind.read(inner, Reading(self.kinds, self.when, self.depth + 1))


def all_notes(conditions: Iterable[Condition]) -> Iterator[str]:
    """The notes of several conditions."""
    for one in conditions:
        yield from one.notes()
