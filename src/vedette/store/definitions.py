"""Custom tables by definition, and what did not fit into the columns of a table."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import orjson

from vedette.core.errors import Conflict, InvalidInput
from vedette.kql.types import Type
from vedette.store import catalog
from vedette.store.catalog import Field
from vedette.store.inference import MAX_COLUMNS
from vedette.store.reading.forms import check_table_name
from vedette.store.statements import engine_errors, run
from vedette.store.writer import writing

if TYPE_CHECKING:
    from vedette.store.logstore import LogStore
    from vedette.store.overview import TableDescription

_COLUMN: Final = re.compile(r"_?[A-Za-z][A-Za-z0-9_]{0,254}")


def create_table(logs: LogStore, table: str, fields: Sequence[Field]) -> TableDescription:
    """Make a custom table by its definition, with no rows. Raises `InvalidInput`, and `Conflict` if there is such a table."""
    check_table_name(table)
    if catalog.is_known(table):
        raise Conflict(f"{table} is a table of Log Analytics; it is there.", code="VDT0617", target=table)
    if not table.endswith("_CL"):
        raise InvalidInput(
            f"The name of a custom table ends in _CL, and '{table}' does not.", code="VDT0606", target=table,
            hint=f"Name it {table}_CL.",
        )  # fmt: skip
    _check_columns(fields)
    with writing(logs.table_register, table, logs.connect) as (writer, _):
        if not writer.draft.is_new:
            raise Conflict(
                f"There is a table {table} already.", code="VDT0617", target=table,
                hint="`vedette tables add-column` gives it further columns.",
            )  # fmt: skip
        writer.declare(list(fields))
        with engine_errors():
            writer.draft.materialise(["TimeGenerated"])  # which also makes a table without columns of its own
    return logs.describe(table)


def drift(logs: LogStore, table: str) -> dict[str, int]:
    """Of each column how many values did not convert to its type and lie in the hidden column, over all loads."""
    found: Counter[str] = Counter()
    with logs.cursor() as cursor, engine_errors():
        for (text,) in run(
            cursor, "SELECT drifted FROM store_catalog.loads WHERE table_name = ? AND drifted IS NOT NULL", [table]
        ):
            found.update(orjson.loads(text))
    return dict(sorted(found.items()))


def _check_columns(fields: Sequence[Field]) -> None:
    """Raises `InvalidInput` for columns that a custom table cannot have: as Log Analytics has it, and with its standard columns."""
    standard = {field.name: field.type for field in catalog.STANDARD}
    seen: set[str] = set()
    for field in fields:
        if not _COLUMN.fullmatch(field.name):
            raise InvalidInput(
                f"'{field.name[:80]}' cannot be the name of a column.", code="VDT0609", target=field.name[:80],
                hint="Use up to 256 letters, digits and underscores, a letter first.",
            )  # fmt: skip
        if field.name in seen:
            raise InvalidInput(f"There are two columns '{field.name}'.", code="VDT0609", target=field.name)
        if field.type is Type.UNKNOWN:
            raise InvalidInput(f"The column '{field.name}' needs a type.", code="VDT0609", target=field.name)
        if standard.get(field.name, field.type) is not field.type:
            raise InvalidInput(
                f"Every table has '{field.name}', and it is {standard[field.name]}.", code="VDT0609", target=field.name
            )
        seen.add(field.name)
    if len(seen) > MAX_COLUMNS:
        raise InvalidInput(f"A custom table has at most {MAX_COLUMNS} columns.", code="VDT0609")
