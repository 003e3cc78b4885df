"""Results: KQL types to the edge, values in their wire form."""

from __future__ import annotations

import decimal
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from vedette.engine.rowfunctions import parse_json
from vedette.kql import ticks
from vedette.kql.node import fact
from vedette.kql.types import Type


@fact
class ResultColumn:
    """A column of a result."""

    name: str
    type: Type


@dataclass(slots=True)
class Statistics:
    """What a query cost."""

    rows: int = 0
    elapsed: float = 0.0
    """Seconds from text to last row."""
    bins_kept: int = 0
    """Bins of time whose partial rows an earlier run has kept, and bins whose partial rows were made."""
    bins_made: int = 0


@dataclass(slots=True)
class Result:
    """The rows of a query.

    `rows` holds wire values: bool, numbers ("NaN", "Infinity", "-Infinity" as text), text, ISO datetimes with seven
    digits and Z, `[-][d.]hh:mm:ss[.fffffff]`, lower-case guids, plain JSON for dynamic; null is None.
    """

    columns: tuple[ResultColumn, ...]
    rows: list[list[object]]
    statistics: Statistics = field(default_factory=Statistics)
    partial: str | None = None
    """Why rows are missing, when a limit cut the result."""
    visualization: dict[str, object] | None = None
    """How the query says the rows should be drawn (`render`): `visualization`, the kind of chart, and its properties."""
    name: str | None = None
    """What `as`, `fork` or `facet` calls the table."""
    more: list[Result] = field(default_factory=list)
    """The further tables of a query that gives several: several statements, `fork`, `facet`."""

    def tables(self) -> list[Result]:
        """All tables of the query, in the order in which it gives them."""
        return [self, *self.more]

    def records(self) -> list[dict[str, object]]:
        """Rows as mappings from column name to value."""
        names = [column.name for column in self.columns]
        return [dict(zip(names, row, strict=True)) for row in self.rows]


def _real(value: float) -> object:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")


def _decimal(value: decimal.Decimal) -> object:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


_MAX_NESTING = 200
"""Levels of a dynamic value that leave as JSON; encoders of JSON give up soon after."""
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)


def _dynamic(text: str) -> object:
    """The JSON of a dynamic value; its text where it is nested too deeply to be written as part of an answer."""
    if text.count("[") + text.count("{") > _MAX_NESTING and _nesting(text) > _MAX_NESTING:
        return text
    return parse_json(text)


def _nesting(text: str) -> int:
    depth = deepest = 0
    for found in _BRACKETS.finditer(text):
        token = found[0]
        depth += (token in "[{") - (token in "]}")
        deepest = max(deepest, depth)
    return deepest


_WIRE: dict[Type, Callable[[Any], object]] = {
    Type.REAL: _real,
    Type.DECIMAL: _decimal,
    Type.DATETIME: ticks.format_datetime,
    Type.TIMESPAN: ticks.format_timespan,
    Type.GUID: str,
    Type.DYNAMIC: _dynamic,
}


def wire_columns(types: list[Type], columns: list[list[Any]]) -> list[list[object]]:
    """Rows of wire values out of columns of engine values."""
    converted: list[list[object]] = []
    for type_, values in zip(types, columns, strict=True):
        function = _WIRE.get(type_)
        if function is None:
            converted.append(values)
        elif type_ is Type.DYNAMIC:
            seen: dict[str, object] = {}
            converted.append([_remembered(seen, value) for value in values])
        else:
            converted.append([None if value is None else function(value) for value in values])
    return [list(row) for row in zip(*converted, strict=True)]


def _remembered(seen: dict[str, object], text: str | None) -> object:
    if text is None:
        return None
    if text not in seen:
        seen[text] = _dynamic(text)
    return seen[text]
