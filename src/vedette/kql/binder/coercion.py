"""Conversions that KQL makes without being asked."""

from __future__ import annotations

from vedette.kql.types import NUMBERS, Type


def converts(given: Type, wanted: Type) -> bool:
    """Whether a value of one type may stand where another is wanted."""
    if given is wanted or Type.UNKNOWN in (given, wanted):
        return True
    if given in NUMBERS and wanted in NUMBERS:
        return True
    return wanted is Type.DYNAMIC or given is Type.DYNAMIC


def comparable(left: Type, right: Type) -> Type | None:
    """The type as which two values are compared by ==, != and `in`, or None where they may not be (rules 11, 12)."""
    if left is right:
        return None if left is Type.DYNAMIC else left
    if Type.UNKNOWN in (left, right):
        return right if left is Type.UNKNOWN else left
    if left in NUMBERS and right in NUMBERS:
        order = (Type.INT, Type.LONG, Type.REAL, Type.DECIMAL)
        return max(left, right, key=order.index)
    if Type.DYNAMIC in (left, right):
        return right if left is Type.DYNAMIC else left
    pair = {left, right}
    if Type.STRING in pair and pair & (NUMBERS | {Type.BOOL, Type.GUID}):
        return Type.STRING
    if Type.STRING in pair and pair & {Type.DATETIME, Type.TIMESPAN}:
        # text is read as the time it may be
        return next(iter(pair - {Type.STRING}))
    if Type.BOOL in pair and pair & NUMBERS:
        return next(iter(pair & NUMBERS))
    return None
