"""What a message adds for those who are new to the language: the right form of what was likely meant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from vedette.kql import syntax, ticks
from vedette.kql.bound import Constant, Expr
from vedette.kql.diagnostics import nearest
from vedette.kql.types import NUMBERS, Type

if TYPE_CHECKING:
    from vedette.kql.catalog import Catalog

_CONVERSIONS = {
    Type.DATETIME: "todatetime", Type.TIMESPAN: "totimespan", Type.STRING: "tostring", Type.BOOL: "tobool",
    Type.LONG: "tolong", Type.INT: "toint", Type.REAL: "toreal", Type.DECIMAL: "todecimal", Type.GUID: "toguid",
}  # fmt: skip
_LISTED = 6
"""Names that a message lists where none of them is near."""


def converted(value: Expr, wanted: Iterable[Type]) -> str:
    """How a value would be given as one of the types: `; write datetime(2026-01-01)`; empty where nothing is near."""
    types = set(wanted)
    text = value.value if isinstance(value, Constant) and isinstance(value.value, str) else None
    if value.type is Type.STRING and text is not None:
        if Type.TIMESPAN in types and ticks.parse_timespan(text) is not None and not text.isdigit():
            return f"; a timespan has no quotes: {text}"
        if Type.DATETIME in types:
            moment = text if ticks.parse_datetime(text) is not None else "2026-03-01 12:00"
            return f"; a point in time is written datetime({moment})"
        if types & NUMBERS and text.strip().lstrip("-").replace(".", "", 1).isdigit():
            return f"; a number has no quotes: {text.strip()}"
    if value.type is Type.DATETIME and types == {Type.TIMESPAN}:
        return "; a timespan is a duration such as 1d or 2h"
    if value.type in NUMBERS and Type.TIMESPAN in types and isinstance(value, Constant):
        return f"; a timespan has a unit, such as {value.value}d, {value.value}h or {value.value}m"
    if value.type is Type.DYNAMIC and len(types) > len(NUMBERS):
        return "; cast it first, for example with tolong() or tostring()"
    for type_ in (Type.DATETIME, Type.LONG, Type.REAL, Type.TIMESPAN, Type.STRING, Type.BOOL):
        if type_ in types and value.type in (Type.STRING, Type.DYNAMIC):
            return f"; convert it with {_CONVERSIONS[type_]}()"
    if Type.STRING in types:
        return "; convert it with tostring()"
    return ""


def compared(op: str, left: Expr, right: Expr) -> str:
    """How two values that cannot be compared would be."""
    for value, other in ((right, left), (left, right)):
        if other.type is Type.UNKNOWN or value.type is other.type:
            continue
        if value.type in (Type.STRING, Type.DYNAMIC) and other.type is not Type.STRING:
            return converted(value, {other.type})
        if value.type in NUMBERS and other.type in (Type.TIMESPAN, Type.DATETIME) and isinstance(value, Constant):
            return (
                converted(value, {Type.TIMESPAN})
                if other.type is Type.TIMESPAN
                else "; a point in time is datetime(...)"
            )
    return ""


def called(name: str, catalog: Catalog) -> bool:
    """Whether a name that is no column is that of a function."""
    return name in catalog.scalars or name in catalog.aggregates or name in catalog.windows


def nothing(left: syntax.Expression | None) -> str:
    """How one tests for null, where the text says `null` as other languages do."""
    what = left.name if isinstance(left, syntax.Name) else "x"
    return f"; to test for null, write isnull({what}), and isempty({what}) for text"


def quoted(op: str, node: syntax.Name) -> str:
    """That text stands in quotes."""
    return f'; text stands in quotes: {op} "{node.name}"'


def one_of(name: str, known: Sequence[str], what: str) -> str:
    """The nearest of the names, else some of them."""
    close = nearest(name, known)
    if close:
        return f"; did you mean '{close}'?"
    if not known:
        return f"; there is no {what} at all"
    listed = ", ".join(f"'{one}'" for one in sorted(known)[:_LISTED])
    more = f" and {len(known) - _LISTED} more" if len(known) > _LISTED else ""
    return f"; there are {listed}{more}"
