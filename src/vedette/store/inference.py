"""The schema of a table that nobody declared, out of its first rows.

JSON says much by itself: booleans, numbers, objects and arrays. Texts become datetime where every one of them is a date and time.
In CSV everything is text, so there booleans, numbers, and JSON objects and arrays are told by their form. The suffixes that Log
Analytics gave to columns of custom logs (`_s`, `_d`, `_b`, `_t`, `_g`) are taken at their word where every value agrees.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from vedette.kql.types import Type
from vedette.store.batch import Batch, RawColumn
from vedette.store.catalog import STANDARD, Field
from vedette.store.conversion import FAILED, to_bool, to_guid, to_real, to_ticks

MAX_COLUMNS: Final = 500
"""Columns that a custom table of Log Analytics may have; further fields go into the hidden column."""
MAX_NAME: Final = 256

_MOMENT: Final = re.compile(r"\d{4}-\d{1,2}-\d{1,2}[T ]\d{1,2}:\d\d|\d{1,2}/\d{1,2}/\d{4},? \d{1,2}:\d\d", re.ASCII)
_LONG: Final = re.compile(r"0|-?[1-9]\d{0,17}", re.ASCII)
_REAL: Final = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)

_SUFFIXES: Final[dict[str, tuple[Type, Callable[[object], object]]]] = {
    "_d": (Type.REAL, to_real),
    "_b": (Type.BOOL, to_bool),
    "_t": (Type.DATETIME, to_ticks),
    "_g": (Type.GUID, to_guid),
}
_STANDARD_TYPES: Final = {field.name: field.type for field in STANDARD}


class FieldEvidence:
    """What the values of one field have been so far."""

    def __init__(self, name: str, *, custom_log: bool) -> None:
        self.name = name
        self._json: set[Type] = set()
        self._texts: set[Type] = {Type.DATETIME}
        self._native: set[Type] = set()
        self._suffix = _SUFFIXES.get(name[-2:]) if custom_log else None
        self._suffix_agrees = True
        self._text_only = custom_log and name.endswith("_s")
        self._seen_text = False
        self._declared = False

    def look(self, column: RawColumn, *, text_form: bool) -> None:
        """Take note of some values; `text_form` says that all of them are text whatever they mean (CSV)."""
        if column.native is not None:
            if any(value is not None for value in column.values):
                self._native.add(column.native)
            return
        self._declared |= text_form  # a header names a column even where no row fills it
        values = [value for value in column.values if value is not None and value != ""]
        kinds = set(map(type, values))
        for kind in kinds:
            self._json.add(_JSON_TYPES.get(kind, Type.DYNAMIC))
        if str in kinds:
            texts = [value for value in values if isinstance(value, str)]
            self._look_at_texts(texts, text_form=text_form)
        if self._suffix is not None and self._suffix_agrees:
            convert = self._suffix[1]
            self._suffix_agrees = not any(convert(value) is FAILED for value in values)

    def _look_at_texts(self, texts: Sequence[str], *, text_form: bool) -> None:
        if text_form and not self._seen_text:
            self._texts |= {Type.BOOL, Type.LONG, Type.REAL, Type.DYNAMIC}
        self._seen_text = True
        for kind in tuple(self._texts):
            fits = _TEXT_FORMS[kind]
            if not all(map(fits, texts)):
                self._texts.discard(kind)

    def type(self) -> Type | None:
        """The type that holds every value, or None where there was none."""
        if not self._json and not self._native:
            return Type.STRING if self._declared else None
        if self._text_only:
            return Type.STRING
        if self._suffix is not None and self._suffix_agrees and not self._native:
            return self._suffix[0]
        found = set(self._native)
        for kind in self._json:
            found.add(self._text_type() if kind is Type.STRING else kind)
        return _joined(found)

    def _text_type(self) -> Type:
        for kind in (Type.LONG, Type.REAL, Type.BOOL, Type.DATETIME, Type.DYNAMIC):
            if kind in self._texts:
                return kind
        return Type.STRING


_JSON_TYPES: Final[dict[type, Type]] = {
    bool: Type.BOOL,
    int: Type.LONG,
    float: Type.REAL,
    str: Type.STRING,
    dict: Type.DYNAMIC,
    list: Type.DYNAMIC,
}


def _is_moment(text: str) -> bool:
    return _MOMENT.match(text) is not None and isinstance(to_ticks(text), int)


def _is_json(text: str) -> bool:
    stripped = text.strip()
    return stripped[:1] in ("{", "[") and stripped[-1:] in ("}", "]")


_TEXT_FORMS: Final[dict[Type, Callable[[str], bool]]] = {
    Type.DATETIME: _is_moment,
    Type.BOOL: lambda text: text.lower() in ("true", "false"),
    Type.LONG: lambda text: _LONG.fullmatch(text) is not None,
    Type.REAL: lambda text: _REAL.fullmatch(text) is not None,
    Type.DYNAMIC: _is_json,
}


def _joined(found: set[Type]) -> Type:
    """The one type for values of several."""
    if len(found) == 1:
        return next(iter(found))
    if Type.DYNAMIC in found:
        return Type.DYNAMIC
    for numbers, result in (
        ({Type.INT, Type.LONG}, Type.LONG),
        ({Type.INT, Type.LONG, Type.REAL}, Type.REAL),
        ({Type.INT, Type.LONG, Type.DECIMAL}, Type.DECIMAL),
        ({Type.INT, Type.LONG, Type.REAL, Type.DECIMAL}, Type.REAL),
    ):
        if found <= numbers:
            return result
    return Type.STRING


class Inference:
    """The schema of one table, growing with what is seen. Columns that the table has already keep their types."""

    def __init__(self, table: str, existing: Mapping[str, Type]) -> None:
        self._custom_log = table.endswith("_CL")
        self._existing = existing
        self._evidence: dict[str, FieldEvidence] = {}

    def look(self, batch: Batch, *, text_form: bool) -> None:
        """Take note of a batch's rows."""
        for name, column in batch.columns.items():
            if name in self._existing or not 0 < len(name) <= MAX_NAME:
                continue
            evidence = self._evidence.get(name)
            if evidence is None:
                if len(self._evidence) >= 4 * MAX_COLUMNS:
                    continue
                evidence = self._evidence[name] = FieldEvidence(name, custom_log=self._custom_log)
            evidence.look(column, text_form=text_form)

    def fields(self) -> list[Field]:
        """The new columns, in the order in which they were first seen; standard columns have their own types."""
        found: list[Field] = []
        for name, evidence in self._evidence.items():
            kind = evidence.type()
            if kind is None:
                continue
            if name in _STANDARD_TYPES:
                kind = _STANDARD_TYPES[name]
            found.append(Field(name, kind))
        return found[: max(0, MAX_COLUMNS - len(self._existing))]


def needs_columns(existing: Mapping[str, Type], names: Iterable[str]) -> bool:
    """Whether fields of these names, which a table has no columns for, may become columns of it."""
    return len(existing) < MAX_COLUMNS and any(0 < len(name) <= MAX_NAME for name in names)


def value_type(values: Sequence[object], native: Type | None = None) -> Type | None:
    """The type that JSON values share where they lie in the hidden column: text stays string. None where there is no value."""
    if native is not None:
        return Type.STRING if native in (Type.DATETIME, Type.TIMESPAN) else native
    found = {_JSON_TYPES.get(kind, Type.DYNAMIC) for kind in set(map(type, values)) if kind is not type(None)}
    return shared_type(found) if found else None


def shared_type(found: set[Type]) -> Type:
    """The type of a field of the hidden column that was seen with several: one number type, or dynamic."""
    joined = _joined(found)
    return Type.DYNAMIC if joined is Type.STRING and len(found) > 1 else joined
