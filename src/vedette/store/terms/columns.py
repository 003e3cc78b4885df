"""Columns without terms in the index: in which rows a text can stand in them at all, as a condition that reads little."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from vedette.engine.dialect import identifier, quote
from vedette.kql import ticks
from vedette.kql.host import Field
from vedette.kql.types import Type
from vedette.store import catalog
from vedette.store.physical import LOAD, ROW, absent
from vedette.store.tables import StoredTable, constant_of
from vedette.store.terms.text import Needle

if TYPE_CHECKING:
    from vedette.store.terms.index import TermIndex

_WRITTEN: Final = {
    Type.INT: re.compile(r"-?[0-9]*"),
    Type.LONG: re.compile(r"-?[0-9]*"),
    Type.DECIMAL: re.compile(r"[0-9.e+-]*"),
    Type.REAL: re.compile(r"[0-9.einfa+-]*"),
    Type.TIMESPAN: re.compile(r"[0-9:.-]*"),
}
_DOTS: Final = {Type.DECIMAL: 1, Type.REAL: 1, Type.TIMESPAN: 2}
_NUMBER: Final = re.compile(r"-?([0-9]+)")
_MOMENT: Final = "0000-00-00t00:00:00.0000000z"
"""How the text of a datetime looks; a 0 stands for any digit."""
_YEAR: Final = 4
_ITEM: Final = re.compile(r"[0-9a-f-]*")
_GUID: Final = "hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh"
"""How a GUID's text looks; an h stands for any digit of 16."""
_CLASSES: Final = {"0": "0123456789", "h": "0123456789abcdef"}
_MOST: Final = 8
"""Ways in which a text may stand in an item's id that are asked for one by one."""

Conditions = list[str] | None
"""Conditions in SQL, of which a row meets one if it holds a text; none: no row does. None: any row may."""


def holding(field: Field, needle: Needle, table: StoredTable, index: TermIndex) -> Conditions:
    """The rows that can hold a needle in a column that has no terms, or is not simply stored."""
    stored = table.stored.get(field.name)
    if field.name == "_ItemId" and field.type is Type.STRING:
        return _item(needle, table, index)
    constant = None if stored else constant_of(catalog.Field(field.name, field.type), table.name, index.workspace_id)
    if constant is not None and field.type in (Type.STRING, Type.GUID, Type.DYNAMIC):
        value = table.name if field.name == "Type" else index.workspace_id
        return None if needle.text in value.lower() else []
    if stored is None and field.sql == absent(field.type):
        return []
    if field.type in (Type.STRING, Type.GUID, Type.DYNAMIC):
        return None
    return _plain(field, needle)


def left_out(physical: str, kind: Type, needle: Needle) -> str:
    """The rows that hold a needle in a column of strings or GUIDs whose terms were too many."""
    column = identifier(physical)
    text = column if kind is Type.STRING else f"CAST({column} AS VARCHAR)"
    return f"contains(lower({text}), {quote(needle.text)})"


def _plain(field: Field, needle: Needle) -> Conditions:
    """The same for a value that is written as text."""
    kind, text = field.type, needle.text
    if kind is Type.BOOL:
        return None if text in "true" or text in "false" else []
    column = field.sql or identifier(field.physical)
    if kind is Type.DATETIME:
        places = _places(needle, _MOMENT)
        if any(place + len(text) > _YEAR for place in places):
            return None
        return _year(column, int(text)) if len(text) == _YEAR and places else (None if places else [])
    form = _WRITTEN.get(kind)
    if form is None:
        return None
    if form.fullmatch(text) is None or text.count(".") > _DOTS.get(kind, 0):
        return []
    number = _NUMBER.fullmatch(text)
    if number is None:
        return None
    whole = (needle.bound_left or needle.whole_left) and (needle.bound_right or needle.whole_right)
    if kind in (Type.INT, Type.LONG):
        if not whole:
            return [f"contains(CAST({column} AS VARCHAR), {quote(text)})"]
        value = int(number[1])
        if str(value) != number[1] or value >= 2 ** (31 if kind is Type.INT else 63):
            return [] if str(value) != number[1] else None
        return [f"{column} = {-value}"] if text.startswith("-") else [f"{column} IN ({value}, {-value})"]
    return None


def _year(column: str, year: int) -> list[str]:
    if year < 1:
        return []
    first = ticks.parse_datetime(f"{year:04}-01-01")
    after = None if year == 9999 else ticks.parse_datetime(f"{year + 1:04}-01-01")
    return [f"({column} >= {first}{'' if after is None else f' AND {column} < {after}'})"]


def _item(needle: Needle, table: StoredTable, index: TermIndex) -> Conditions:
    """The rows whose id, which is made of the number of their load and their own, can hold a needle."""
    if _ITEM.fullmatch(needle.text) is None:
        return []
    found: list[str] = []
    for digits in _placed(needle):
        load, row = digits[:16], digits[16:]
        masks = [_mask(part) for part in (load, row)]
        if not index.has_load(table.name, *masks[0]) or not index.has_row(table, masks[1][1]):
            continue
        parts = [
            f"({identifier(name)} & {mask}) = {value}" if mask < 2**63 - 1 else f"{identifier(name)} = {value}"
            for name, (mask, value) in ((LOAD, masks[0]), (ROW, masks[1]))
            if mask
        ]
        found.append(f"({' AND '.join(parts)})")
        if len(found) > _MOST:
            return None
    return found


def _places(needle: Needle, form: str) -> list[int]:
    """Where a needle may begin in a text of a form."""
    text, size = needle.text, len(needle.text)
    found: list[int] = []
    for at in range(len(form) - size + 1):
        end = at + size
        if any(
            character not in _CLASSES.get(form[at + place], form[at + place]) for place, character in enumerate(text)
        ):
            continue
        inside = (at > 0 and form[at - 1].isalnum(), end < len(form) and form[end].isalnum())
        if (needle.bound_left and text[0].isalnum() and inside[0]) or (
            needle.bound_right and text[-1].isalnum() and inside[1]
        ):
            continue
        if (needle.whole_left and at) or (needle.whole_right and end < len(form)):
            continue
        found.append(at)
    return found


def _placed(needle: Needle) -> list[str]:
    """The ways in which a needle may stand in a GUID: its 32 digits, with a question mark for those that are not known."""
    found: list[str] = []
    for at in _places(needle, _GUID):
        whole = "?" * at + needle.text + "?" * (len(_GUID) - at - len(needle.text))
        digits = "".join(character for place, character in enumerate(whole) if _GUID[place] != "-")
        if digits[0] in "?01234567" and digits[16] in "?01234567":  # both numbers have 63 bits
            found.append(digits)
    return found


def _mask(digits: str) -> tuple[int, int]:
    """The bits that are known of a number, and their values."""
    mask = int("".join("0" if digit == "?" else "f" for digit in digits), 16)
    return mask & (2**63 - 1), int(digits.replace("?", "0"), 16)
