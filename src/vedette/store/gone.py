"""Rows of files that are no longer there, and why: noted in the transaction that removes them, told by the report of a later load."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from typing import Any, Final

import duckdb
import numpy as np
import pyarrow as pa

from vedette.engine.dialect import identifier
from vedette.kql import ticks
from vedette.store.physical import LOAD, ROW
from vedette.store.retention.lake import READERS
from vedette.store.statements import engine_errors, lent, run

CATALOGUE: Final = """
CREATE TABLE IF NOT EXISTS store_catalog.gone (table_name VARCHAR, load BIGINT, day BIGINT, reason VARCHAR, rows BIGINT);
"""
"""Rows are only ever added."""
_REMOVED: Final = "removed_rows"
_PLACES: Final = "asked_places"
_FILES: Final = "SELECT id FROM store_catalog.loads WHERE table_name = ? AND sha256 <> ''"
"""Loads of files: nobody asks for what else arrived by what is in a file."""
UNKNOWN: Final = -1
"""In the place of a load or a row that the version which stored a record did not note."""
Array = np.ndarray[Any, Any]


class Gone(enum.Enum):
    """Why a row is not there. `REMOVED`: an earlier version removed it, and did not note why."""

    PURGED = "purged"
    EXPIRED = "past_retention"
    REMOVED = "removed"


def note_purged(
    connection: duckdb.DuckDBPyConnection, table: str, loads: pa.ChunkedArray, moments: pa.ChunkedArray
) -> None:
    """Note rows of a table that are purged in this transaction: the load and the TimeGenerated (ticks) of each."""
    with engine_errors(), lent(connection, _REMOVED, pa.table({"load": loads, "moment": moments})):
        run(
            connection,
            f"INSERT INTO store_catalog.gone SELECT ?, load, moment // {ticks.DAY}, ?, count(*) FROM {_REMOVED} "
            f"WHERE load IN ({_FILES}) GROUP BY ALL",
            [table, Gone.PURGED.value, table],
        )


def note_expired(connection: duckdb.DuckDBPyConnection, table: str, rows: str, moment: str) -> None:
    """Note rows of a table that retention deletes in this transaction: `rows` is what follows FROM, `moment` their time's column."""
    with engine_errors():
        if run(connection, f"{_FILES} LIMIT 1", [table]):
            run(
                connection,
                f"INSERT INTO store_catalog.gone SELECT ?, {identifier(LOAD)}, {moment} // {ticks.DAY}, ?, count(*) "
                f"FROM (SELECT * FROM {rows}) WHERE {identifier(LOAD)} IN ({_FILES}) GROUP BY ALL",
                [table, Gone.EXPIRED.value, table],
            )


class Left:
    """What is left of the rows that loads brought into a table."""

    def __init__(
        self, connect: Callable[[], duckdb.DuckDBPyConnection], table: str, rows: Callable[[], str], moment: str,
        counted: Collection[int] = (),
    ) -> None:  # fmt: skip
        """`rows` gives the SQL of the table's rows, wherever they lie just then, `moment` is the column of their TimeGenerated, and
        `counted` are loads of which all is counted already."""
        self._connect = connect
        self._table = table
        self._rows = rows
        self._counted = counted
        self._day = f"{moment} // {ticks.DAY}"

    def days(self, loads: Collection[int]) -> Counter[int]:
        """How many rows of some loads are there, by day."""
        found: Counter[int] = Counter()
        for (_, day), count in self._counts(loads).items():
            found[day] += count
        return found

    def gone(self, loads: Collection[int]) -> dict[tuple[int, int], Counter[Gone]]:
        """How many rows of some loads are noted as gone, by load and day, and why."""
        found: dict[tuple[int, int], Counter[Gone]] = {}
        if loads:
            with closing(self._connect()) as connection, engine_errors():
                noted = run(
                    connection,
                    "SELECT load, day, reason, sum(rows) FROM store_catalog.gone "
                    f"WHERE table_name = ? AND load IN ({_listed(loads)}) GROUP BY ALL",
                    [self._table],
                )
            for load, day, reason, rows in noted:
                found.setdefault((load, day), Counter())[Gone(reason)] += int(rows)
        return found

    def there(self, loads: Array, rows: Array, days: Array) -> Array:
        """Which of some rows are there, each told by its load and its number in that.

        Of those that a version stored which did not note numbers (`UNKNOWN`), so many of a load and day are taken for there as are:
        never more than there are.
        """
        there = np.zeros(len(loads), bool)
        exact = (loads != UNKNOWN) & (rows != UNKNOWN)
        if exact.any():
            there[self._found(loads[exact], rows[exact], np.flatnonzero(exact))] = True
        if not exact.all():
            counts: Mapping[tuple[int, int], int] = self._counts({int(one) for one in np.unique(loads[~exact])})
            left = Counter(counts)
            for place in np.flatnonzero(~exact):
                key = int(loads[place]), int(days[place])
                if left[key] > 0:
                    left[key] -= 1
                    there[place] = True
        return there

    def reasons(self, loads: Array, days: Array) -> list[Gone]:
        """Why rows that are not there are gone, each told by its load and day: retention takes whole days, and what a purge had left."""
        noted = self.gone({int(one) for one in np.unique(loads)})
        found = []
        for load, day in zip(loads.tolist(), days.tolist()):
            why = noted.get((load, day), ())
            found.append(next((one for one in (Gone.EXPIRED, Gone.PURGED) if one in why), Gone.REMOVED))
        return found

    def _found(self, loads: Array, rows: Array, places: Array) -> Array:
        asked = pa.table({"place": places, "load": loads, "number": rows})
        with (
            READERS.reading(),
            closing(self._connect()) as connection,
            engine_errors(),
            lent(connection, _PLACES, asked),
        ):
            found = run(
                connection,
                f"SELECT place FROM {_PLACES} SEMI JOIN "
                f"(SELECT {identifier(LOAD)} AS load, {identifier(ROW)} AS number FROM {self._rows()} "
                f"WHERE {identifier(LOAD)} IN ({_listed(np.unique(loads).tolist())})) AS stored USING (load, number)",
            )
        return np.array([place for (place,) in found], np.int64)

    def _counts(self, loads: Collection[int]) -> dict[tuple[int, int], int]:
        """The rows that are there, by load and day; under `UNKNOWN`, if that is asked for, those of loads that no record names."""
        found: dict[tuple[int, int], int] = {}
        known = [one for one in loads if one != UNKNOWN]
        with READERS.reading(), closing(self._connect()) as connection, engine_errors():
            if known:
                found |= {
                    (load, day): count
                    for load, day, count in run(
                        connection,
                        f"SELECT {identifier(LOAD)}, {self._day} AS day, count(*) FROM {self._rows()} "
                        f"WHERE {identifier(LOAD)} IN ({_listed(known)}) AND day IS NOT NULL GROUP BY ALL",
                    )
                }
            if len(known) < len(loads):
                without = f" AND {identifier(LOAD)} NOT IN ({_listed(self._counted)})" if self._counted else ""
                found |= {
                    (UNKNOWN, day): count
                    for day, count in run(
                        connection,
                        f"SELECT {self._day} AS day, count(*) FROM {self._rows()} WHERE day IS NOT NULL{without} "
                        f"AND {identifier(LOAD)} NOT IN (SELECT load FROM store_catalog.file_records WHERE table_name = ? "
                        "AND load IS NOT NULL) GROUP BY ALL",
                        [self._table],
                    )
                }
        return found


def _listed(numbers: Collection[int]) -> str:
    return ", ".join(map(str, numbers))
