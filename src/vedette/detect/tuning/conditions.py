"""Conditions of exceptions: typed tests of one value of a result row, all of which must hold."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from vedette.core.errors import InvalidInput, nearest
from vedette.detect.entities.forms import address_form
from vedette.detect.entities.mapping import text_of
from vedette.detect.rule import JsonValue

MAX_CONDITIONS: Final = 20
MAX_VALUES: Final = 1000
MAX_CHARACTERS: Final = 2048


class Test(StrEnum):
    """How a value is compared; texts without regard to case, as Sentinel's entities are."""

    EQUALS = "equals"
    """Is one of the values."""
    STARTS_WITH = "startsWith"
    ENDS_WITH = "endsWith"
    CONTAINS = "contains"
    IN_NETWORK = "inNetwork"
    """Is an IP address in one of the networks (CIDR), or one of the addresses."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A test of the value in a result column. A list in that column passes only if each of its elements does."""

    column: str
    test: Test
    values: tuple[str, ...]

    def holds(self, row: Mapping[str, JsonValue]) -> bool:
        """Whether the row passes. A row without the column, or without a value there, does not."""
        value = row.get(self.column)
        if isinstance(value, list):
            return bool(value) and all(self._passes(text_of(one)) for one in value)
        return self._passes(text_of(value))

    def _passes(self, text: str) -> bool:
        if not text:
            return False
        folded = text.casefold()
        wanted = [value.casefold() for value in self.values]
        match self.test:
            case Test.EQUALS:
                return folded in wanted
            case Test.STARTS_WITH:
                return folded.startswith(tuple(wanted))
            case Test.ENDS_WITH:
                return folded.endswith(tuple(wanted))
            case Test.CONTAINS:
                return any(value in folded for value in wanted)
            case Test.IN_NETWORK:
                return _in_networks(text, self.values)

    def to_dict(self) -> dict[str, Any]:
        """As the API and the state database write it."""
        return {"column": self.column, "test": self.test.value, "values": list(self.values)}

    def __str__(self) -> str:
        return f"{self.column} {self.test.value} {', '.join(self.values)}"


def _in_networks(text: str, networks: Sequence[str]) -> bool:
    try:
        address = ipaddress.ip_address(address_form(text.strip()))
    except ValueError:
        return False
    return any(address in ipaddress.ip_network(network, strict=False) for network in networks)


def read_conditions(given: Sequence[Mapping[str, Any]]) -> tuple[Condition, ...]:
    """Conditions as the API writes them. `InvalidInput` names the one that is wrong, and how."""
    if not given:
        raise InvalidInput(
            "An exception needs at least one condition; to silence a rule altogether, switch it off.",
            target="conditions",
        )
    if len(given) > MAX_CONDITIONS:
        raise InvalidInput(f"An exception has at most {MAX_CONDITIONS} conditions.", target="conditions")
    return tuple(_read(number, one) for number, one in enumerate(given, 1))


def _read(number: int, given: Mapping[str, Any]) -> Condition:
    column, test, values = given.get("column"), given.get("test", "equals"), given.get("values")
    if not isinstance(column, str) or not column.strip():
        raise InvalidInput(f"Condition {number} names no column.", target="conditions")
    known = {one.value.casefold(): one for one in Test}
    found = known.get(str(test).casefold())
    if found is None:
        near = nearest(str(test), [one.value for one in Test])
        raise InvalidInput(
            f"Condition {number}: '{test}' is not a test.",
            target="conditions",
            hint=f"Did you mean {near}?" if near else f"Tests are {', '.join(Test)}.",
        )
    texts = [text_of(value).strip() for value in values] if isinstance(values, list | tuple) else []
    if not texts or not all(texts):
        raise InvalidInput(f"Condition {number} needs values, none of them empty.", target="conditions")
    if len(texts) > MAX_VALUES or any(len(text) > MAX_CHARACTERS for text in texts):
        raise InvalidInput(
            f"Condition {number} has too many values ({MAX_VALUES:,}) or too long ones ({MAX_CHARACTERS:,} characters).",
            target="conditions",
        )
    if found is Test.IN_NETWORK:
        for text in texts:
            try:
                ipaddress.ip_network(text, strict=False)
            except ValueError:
                raise InvalidInput(f"Condition {number}: '{text}' is no network.", target="conditions") from None
    return Condition(column.strip(), found, tuple(dict.fromkeys(texts)))
