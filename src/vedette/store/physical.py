"""How KQL values lie in DuckDB: types, and names that tell upper from lower case where DuckDB does not."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from vedette.kql.types import Type


@dataclass(frozen=True, slots=True)
class Storage:
    """The DuckDB type of a column, the Arrow type of the batches handed to it, and what a row has that has no value."""

    sql: str
    arrow: pa.DataType
    absent: str


STORAGE: Final[dict[Type, Storage]] = {
    Type.STRING: Storage("VARCHAR", pa.string(), "''"),
    Type.BOOL: Storage("BOOLEAN", pa.bool_(), "NULL"),
    Type.INT: Storage("INTEGER", pa.int32(), "NULL"),
    Type.LONG: Storage("BIGINT", pa.int64(), "NULL"),
    Type.REAL: Storage("DOUBLE", pa.float64(), "NULL"),
    Type.DECIMAL: Storage("DECIMAL(38,17)", pa.decimal128(38, 17), "NULL"),
    Type.DATETIME: Storage("BIGINT", pa.int64(), "NULL"),
    Type.TIMESPAN: Storage("BIGINT", pa.int64(), "NULL"),
    Type.GUID: Storage("UUID", pa.string(), "NULL"),
    Type.DYNAMIC: Storage("VARCHAR", pa.string(), "NULL"),
}
"""datetime and timespan are ticks, dynamic is JSON text, and a string is never null."""

LOGS: Final = "logs"
"""The DuckDB schema of the log tables."""

EXTRA: Final = "$extra"
"""Hidden column: fields that the table has no column for, and values that did not convert, as one JSON object."""
INGESTED: Final = "$ingested"
"""Hidden column: the ticks at which the row was put into the store."""
LOAD: Final = "$load"
"""Hidden column: the load that brought the row."""
ROW: Final = "$row"
"""Hidden column: the row's number within its load (the line of a file)."""

HIDDEN: Final[dict[str, Storage]] = {
    LOAD: Storage("BIGINT", pa.int64(), "NULL"),
    ROW: Storage("BIGINT", pa.int64(), "NULL"),
    INGESTED: Storage("BIGINT", pa.int64(), "NULL"),
    EXTRA: Storage("VARCHAR", pa.string(), "NULL"),
}


def quote(name: str) -> str:
    """A name as an identifier of SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def physical_name(name: str, taken: Collection[str]) -> str:
    """The name under which DuckDB knows a KQL name: itself, or with a number where another differs only by case.

    `taken` are the folded physical names in use. Names that start with `$` are kept for the hidden columns.
    """
    base = f"_{name}" if name.startswith("$") else name
    candidate, number = base, 1
    while candidate.casefold() in taken:
        number += 1
        candidate = f"{base}~{number}"
    return candidate
