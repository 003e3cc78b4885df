"""Columns without terms in the index: whether a text can stand in them at all."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from vedette.kql.host import Field
from vedette.kql.types import Type
from vedette.store import catalog
from vedette.store.physical import absent
from vedette.store.tables import StoredTable, constant_of
from vedette.store.terms.text import Needle

if TYPE_CHECKING:
    from vedette.store.terms.index import TermIndex

_WRITTEN: Final = {
    Type.INT: re.compile(r"[0-9-]*"),
    Type.LONG: re.compile(r"[0-9-]*"),
    Type.DECIMAL: re.compile(r"[0-9.e+-]*"),
    Type.REAL: re.compile(r"[0-9.einfa+-]*"),
    Type.DATETIME: re.compile(r"[0-9tz:.-]*"),
    Type.TIMESPAN: re.compile(r"[0-9:.-]*"),
    Type.GUID: re.compile(r"[0-9a-f-]*"),
}
_DOTS: Final = {Type.DECIMAL: 1, Type.REAL: 1, Type.DATETIME: 1, Type.TIMESPAN: 2}
_HEX: Final = re.compile(r"[0-9a-f-]*")
_GUID: Final = re.compile(r"([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-[0-9a-f]{4}-[0-9a-f]{12}")


def plain_flags(kind: Type, needle: Needle) -> bool:
    """Whether no value of a type can hold the needle when it is written as text."""
    if kind is Type.BOOL:
        return needle.text not in "true" and needle.text not in "false"
    form = _WRITTEN.get(kind)
    return form is not None and (form.fullmatch(needle.text) is None or needle.text.count(".") > _DOTS.get(kind, 0))


def computed_flags(field: Field, needle: Needle, table: StoredTable, index: TermIndex) -> bool:
    """Whether no row's value can hold the needle in a column that is not simply stored."""
    stored = table.stored.get(field.name)
    if field.type not in (Type.STRING, Type.GUID, Type.DYNAMIC):
        return (stored is None and field.sql == absent(field.type)) or plain_flags(field.type, needle)
    if field.name == "_ItemId":
        return stored is None and _no_item(needle.text, index)
    if stored is not None:
        return False
    constant = constant_of(catalog.Field(field.name, field.type), table.name, index.workspace_id)
    if constant is not None:
        value = table.name if field.name == "Type" else index.workspace_id
        return needle.text not in value.lower()
    return field.sql == absent(field.type)


def _no_item(text: str, index: TermIndex) -> bool:
    """Whether no row's id, which is made of the number of its load and its own, can hold a text in lower case."""
    if _HEX.fullmatch(text) is None:
        return True
    parts = _GUID.fullmatch(text)
    if parts is None:
        return max(map(len, text.split("-"))) > 12
    number = int("".join(parts.groups()), 16)
    return number >= 2**63 or not index.is_load(number)
