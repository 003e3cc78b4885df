"""How a condition compares the values of a property with its own: case never counts, and each operator has its negation."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from vedette.detect.reading.fields import FieldReader

_TESTS: Final[dict[str, Callable[[str, str], bool]]] = {
    "Equals": lambda value, wanted: value == wanted,
    "Contains": lambda value, wanted: wanted in value,
    "StartsWith": lambda value, wanted: value.startswith(wanted),
    "EndsWith": lambda value, wanted: value.endswith(wanted),
}
OPERATORS: Final = tuple(name for test in _TESTS for name in (test, f"Not{test}"))
MAX_VALUES: Final = 1000


@dataclass(frozen=True, slots=True)
class Comparison:
    """An operator and the values of a condition.

    It holds where any value of the property meets it for any value of the condition; a negation where none does, so also
    where the property has no value at all.
    """

    operator: str
    values: tuple[str, ...]

    def holds(self, found: Iterable[str]) -> bool:
        """Whether a property with these values meets it."""
        positive = self.operator.removeprefix("Not")
        test = _TESTS[positive]
        met = any(test(value.casefold(), wanted.casefold()) for value in found for wanted in self.values)
        return met == (positive == self.operator)

    @classmethod
    def read(cls, fields: FieldReader, known: Iterable[str] = ()) -> Comparison | None:
        """`operator` and `propertyValues`; where a property can have only `known` values, others are refused for equality."""
        fields.missing("operator")
        operator = fields.choice("operator", {name.casefold(): name for name in OPERATORS}, "")
        if not fields.has("propertyValues"):
            fields.missing("propertyValues")
            return None
        values = fields.values("propertyValues")
        if not values:
            fields.wrong("propertyValues", "'propertyValues' has a value at least")
        if len(values) > MAX_VALUES:
            fields.wrong("propertyValues", f"'propertyValues' has at most {MAX_VALUES:,} values, not {len(values):,}")
            return None
        proper = {name.casefold(): name for name in known}
        texts = []
        for value in values:
            if not isinstance(value, str):
                fields.wrong("propertyValues", "'propertyValues' is a list of texts")
                return None
            if not value and operator.removeprefix("Not") != "Equals":
                fields.wrong("propertyValues", f"an empty value has no meaning for '{operator}'")
            if proper and operator.removeprefix("Not") == "Equals" and value.casefold() not in proper:
                fields.wrong("propertyValues", f"'{value}' is not a value of this property", proper.values(), value)
            texts.append(value)
        return cls(operator, tuple(texts)) if operator and not fields.failed else None
