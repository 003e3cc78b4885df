"""How log tables lie in DuckDB: column types, and names that tell upper from lower case where DuckDB does not."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import pyarrow as pa

from vedette.engine.dialect import DECIMAL_DIGITS, DECIMAL_SCALE, SQL_TYPES
from vedette.kql.types import Type

ARROW: Final[dict[Type, pa.DataType]] = {
    Type.STRING: pa.string(),
    Type.BOOL: pa.bool_(),
    Type.INT: pa.int32(),
    Type.LONG: pa.int64(),
    Type.REAL: pa.float64(),
    Type.DECIMAL: pa.decimal128(DECIMAL_DIGITS, DECIMAL_SCALE),
    Type.DATETIME: pa.int64(),
    Type.TIMESPAN: pa.int64(),
    Type.GUID: pa.string(),
    Type.DYNAMIC: pa.string(),
}
"""The types of the batches handed to DuckDB; the engine's `SQL_TYPES` are those of the columns they go into."""

LOGS: Final = "log_tables"
"""The DuckDB schema of the log tables; not `logs`, which is how DuckDB calls what is in a file `logs.duckdb`."""

EXTRA: Final = "$extra"
"""Hidden column: fields that the table has no column for, and values that did not convert, as one JSON object."""
INGESTED: Final = "$ingested"
"""Hidden column: the ticks at which the row was put into the store."""
LOAD: Final = "$load"
"""Hidden column: the load that brought the row."""
ROW: Final = "$row"
"""Hidden column: the row's number within its load (the line of a file)."""

HIDDEN: Final[dict[str, Type]] = {
    LOAD: Type.LONG,
    ROW: Type.LONG,
    INGESTED: Type.DATETIME,
    EXTRA: Type.DYNAMIC,
}


_NUMBER: Final = "rowid"


def absent(kind: Type) -> str:
    """SQL of what stands in a column where a row has no value: "" for string, null for every other type."""
    return "''" if kind is Type.STRING else f"CAST(NULL AS {SQL_TYPES[kind]})"


def physical_name(name: str, taken: Collection[str]) -> str:
    """The name under which DuckDB knows a KQL name: itself, or with a number where another differs only by case.

    `taken` are the folded physical names in use. Names that start with `$` are kept for the hidden columns, and the number that DuckDB
    gives every row keeps its own: a column of that name would stand in its place, also where rows are deleted by it.
    """
    base = f"_{name}" if name.startswith("$") or name.casefold() == _NUMBER else name
    base = base.replace("\x00", "\u2400")  # SQL text ends at a NUL
    candidate, number = base, 1
    while candidate.casefold() in taken:
        number += 1
        candidate = f"{base}~{number}"
    return candidate
