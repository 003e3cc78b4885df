"""JSON properties into the columns of a known table: by name without regard to case, in the column's type."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from vedette.kql.types import Type
from vedette.store.catalog import schema


class Columns:
    """The columns of a known table."""

    def __init__(self, table: str) -> None:
        self.table = table
        self.types = {field.name: field.type for field in schema(table) or ()}
        self._by_folded = {name.casefold(): name for name in reversed(self.types)}

    def named(self, name: str) -> str | None:
        """The column of a property, or None if the table has none."""
        return (
            name
            if name in self.types
            else self._by_folded.get(name.replace("_", "").casefold()) or self._by_folded.get(name.casefold())
        )

    def put(self, row: dict[str, Any], properties: Mapping[str, Any], renamed: Mapping[str, str] | None = None) -> None:
        """Puts properties into a row; one without a column gets one like the others' names; null and empty text are left out."""
        for name, value in properties.items():
            if value is None or value == "":
                continue
            wanted = (renamed or {}).get(name)
            column = wanted if wanted in self.types else self.named(name)
            if column is None:
                column = wanted or name[:1].upper() + name[1:]
            row[column] = self.typed(column, value)

    def typed(self, column: str, value: Any) -> Any:
        """A value as the column has it: JSON text in a text column, an object in a dynamic one."""
        kind = self.types.get(column)
        if kind is Type.STRING:
            if isinstance(value, dict | list):
                return text(value)
            if isinstance(value, bool):
                return "true" if value else "false"
            return value if isinstance(value, str) else str(value)
        if kind is Type.DYNAMIC and isinstance(value, str) and value[:1] in ("{", "["):
            try:
                return json.loads(value)
            except ValueError:
                return value
        return value


@functools.lru_cache(maxsize=512)
def columns(table: str) -> Columns:
    """The columns of a table; made once."""
    return Columns(table)


def text(value: Any) -> str:
    """A value as compact JSON text."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


class Record(NamedTuple):
    """A row and the table that it belongs to."""

    table: str
    row: dict[str, Any]


class Unreadable(NamedTuple):
    """A record that has no known form, whole, and why."""

    raw: str
    reason: str
