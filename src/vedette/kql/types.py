"""KQL's scalar types and the conversions between them that the language makes by itself."""

from __future__ import annotations

import enum
from collections.abc import Iterable


class Type(enum.Enum):
    """A KQL scalar type; the value is the name that queries and results use."""

    BOOL = "bool"
    INT = "int"
    LONG = "long"
    REAL = "real"
    DECIMAL = "decimal"
    STRING = "string"
    DATETIME = "datetime"
    TIMESPAN = "timespan"
    GUID = "guid"
    DYNAMIC = "dynamic"
    UNKNOWN = "unknown"
    """A column of an open schema whose type only the data tells (as in Microsoft's binder)."""

    def __str__(self) -> str:
        return self.value


INTEGERS = frozenset({Type.INT, Type.LONG})
NUMBERS = frozenset({Type.INT, Type.LONG, Type.REAL, Type.DECIMAL})
SUMMABLE = NUMBERS | {Type.TIMESPAN, Type.DATETIME}
ORDERABLE = SUMMABLE | {Type.BOOL, Type.STRING, Type.GUID}

TYPE_NAMES: dict[str, Type] = {
    "bool": Type.BOOL,
    "boolean": Type.BOOL,
    "int": Type.INT,
    "int8": Type.INT,
    "int16": Type.INT,
    "int32": Type.INT,
    "uint": Type.INT,
    "uint8": Type.INT,
    "uint16": Type.INT,
    "uint32": Type.INT,
    "long": Type.LONG,
    "int64": Type.LONG,
    "ulong": Type.LONG,
    "uint64": Type.LONG,
    "real": Type.REAL,
    "double": Type.REAL,
    "float": Type.REAL,
    "decimal": Type.DECIMAL,
    "string": Type.STRING,
    "datetime": Type.DATETIME,
    "date": Type.DATETIME,
    "timespan": Type.TIMESPAN,
    "time": Type.TIMESPAN,
    "guid": Type.GUID,
    "uuid": Type.GUID,
    "uniqueid": Type.GUID,
    "dynamic": Type.DYNAMIC,
}
"""Every spelling of a type that a query may use, with the type it names."""

_RANK = {Type.INT: 0, Type.LONG: 1, Type.REAL: 2, Type.DECIMAL: 3}


def widest(left: Type, right: Type) -> Type | None:
    """The number type that holds both, or None where one is not a number (rules 11 and 34)."""
    if left in _RANK and right in _RANK:
        return left if _RANK[left] >= _RANK[right] else right
    return None


def common(types: Iterable[Type]) -> Type | None:
    """The one type to which all of `types` convert by themselves, or None."""
    known = [t for t in types if t is not Type.UNKNOWN]
    if not known:
        return Type.UNKNOWN
    result: Type = known[0]
    for other in known[1:]:
        if other is result:
            continue
        wider = widest(result, other)
        if wider is None:
            return None
        result = wider
    return result
