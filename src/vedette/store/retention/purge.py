"""Purging: rows that meet a condition are removed from a table and from its files in the lake, once somebody confirmed how many."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import duckdb
import numpy as np
import pyarrow as pa

from vedette.core.errors import Conflict, InvalidInput
from vedette.engine.dialect import identifier
from vedette.engine.query import Limits, QueryOptions, Run
from vedette.engine.rewrites import ALL_REWRITES
from vedette.engine.term_candidates import REWRITE as TERM_INDEX
from vedette.kql.diagnostics import Diagnostic, KqlError
from vedette.kql.host import Field, Host, SavedFunction, TableSchema
from vedette.kql.operators.project import ProjectOperator
from vedette.kql.operators.where import WhereOperator
from vedette.kql.parser import parse
from vedette.kql.syntax import ExpressionStatement, Pipeline
from vedette.kql.types import Type
from vedette.store.gone import note_purged
from vedette.store.physical import LOAD, ROW
from vedette.store.retention.lake import NUMBER, LakePart, in_files, part_of
from vedette.store.statements import engine_errors, lent, run
from vedette.store.writer import writing

if TYPE_CHECKING:
    from vedette.store.logstore import LogStore

_ROW: Final = "$RowNumber"
_OF: Final = {"$RowLoad": LOAD, "$RowLine": ROW}
"""By which a row is known wherever it lies, and the hidden columns that hold it."""
_DOOMED: Final = "doomed"
_ALL: Final = 2**40
_SECONDS: Final = 3_600.0
_WAIT: Final = 30.0


@dataclass(frozen=True, slots=True)
class PurgePreview:
    """How many rows of a table meet the condition, and the token by which to confirm just that."""

    table: str
    where: str
    rows: int
    token: str


class _NumberedHost:
    """A store whose one table shows the numbers of its rows."""

    def __init__(self, host: Host, table: str) -> None:
        self.name = host.name
        self._host = host
        self._table = table

    def table(self, name: str) -> TableSchema | None:
        """The table, with the numbers; others as they are."""
        found = self._host.table(name)
        if found is None or name != self._table:
            return found
        known = (Field(name, Type.LONG, column, sql=identifier(column)) for name, column in _OF.items())
        return replace(found, fields=(*found.fields, Field(_ROW, Type.LONG, "rowid", sql="rowid"), *known))

    def __getattr__(self, name: str) -> object:
        return getattr(self._host, name)

    def table_names(self) -> Iterable[str]:
        """Every table."""
        return self._host.table_names()

    def function(self, name: str) -> SavedFunction | None:
        """A function of the workspace."""
        return self._host.function(name)

    def workspace(self, name: str) -> Host | None:
        """No other workspace."""
        return None


def preview(logs: LogStore, table: str, where: str) -> PurgePreview:
    """Count the rows that meet a condition, which is KQL as after `where`. Raises `NotFound`, and `KqlError` for what is none."""
    text = _query(logs, table, where)
    with logs.cursor() as cursor:
        found = _found(logs, table, text, len(table) + 9, cursor)
    return PurgePreview(table, where, found.num_rows, _token(logs, table, where, found))


def purge(logs: LogStore, table: str, where: str, token: str) -> int:
    """Remove the rows that meet a condition; how many there were. `token` is that of a preview which still holds.

    Raises `Conflict` where other rows meet it by now.
    """
    text = _query(logs, table, where)
    lake = logs.lake
    added: list[LakePart] = []
    removed: list[LakePart] = []
    with logs.maintenance:
        try:
            with writing(logs.table_register, table, logs.connect) as (writer, connection):
                found = _found(logs, table, text, len(table) + 9, connection)
                if not hmac.compare_digest(token, _token(logs, table, where, found)):
                    raise Conflict(
                        f"{found.num_rows:,} rows of {table} meet the condition now, and they are not those that were confirmed.",
                        code="VDT0652", hint="Ask for the count once more, and confirm it.",
                    )  # fmt: skip
                rows = [int(value) for value in found.column(0).to_pylist()]
                stored = writer.table
                moment = stored.stored["TimeGenerated"].physical
                sized = stored.stored.get("_BilledSize")
                billed = None if sized is None or sized.type is not Type.REAL else sized.physical
                note_purged(connection, table, found.column(1), found.column(3))
                numbers = pa.table({"row": pa.array(rows, pa.int64())})
                with engine_errors(), lent(connection, _DOOMED, numbers):
                    run(
                        connection,
                        f"DELETE FROM {stored.sql} WHERE rowid IN (SELECT row FROM {_DOOMED} WHERE row >= 0)",
                    )
                    hit = {part_of(number) for number in rows if number < 0}
                    for part in lake.parts(table):
                        if part.id not in hit:
                            continue
                        file = in_files([_folder(logs) / part.file])
                        kept = f"FROM {file} WHERE {identifier(NUMBER)} NOT IN (SELECT row FROM {_DOOMED})"
                        left = int(run(connection, f"SELECT count(*) {kept}")[0][0])
                        if left == part.rows:
                            continue
                        removed.append(part)
                        if left:
                            added.append(lake.copy(connection, part, f"SELECT * {kept}", moment, billed))
                lake.record(connection, added, removed)
        except BaseException:
            lake.remove(added, 0.0)
            raise
        lake.publish(table, added, removed)
        logs.partials.forget(table)
        lake.remove(removed, _WAIT)
        logs.checkpoint()
    return len(rows)


def _folder(logs: LogStore) -> Path:
    folder = logs.lake.folder
    assert folder is not None
    return folder


def _query(logs: LogStore, table: str, where: str) -> str:
    """The query whose rows are to go; refused where the condition is more than one."""
    logs.describe(table)
    if logs.stored(table) is None:
        raise InvalidInput(f"{table} has no rows.", target=table)
    names = ", ".join(f"['{name}']" for name in (_ROW, *_OF, "TimeGenerated"))
    text = f"{table} | where {where}\n| project {names}"
    script, found = parse(text)
    faults = [one for one in found if one.severity == "Error"]
    shape = None
    if len(script.statements) == 1 and isinstance(script.statements[0], ExpressionStatement):
        expression = script.statements[0].expression
        if isinstance(expression, Pipeline):
            shape = [type(one) for one in expression.operators]
    if not faults and shape != [WhereOperator, ProjectOperator]:
        faults = [Diagnostic("VDT0651", "What is purged is a condition alone, as after `where`", len(table) + 9, 1)]
    if faults:
        raise KqlError(where, [_moved(one, len(table) + 9, len(where)) for one in faults])
    return text


def _moved(one: Diagnostic, by: int, most: int) -> Diagnostic:
    return replace(one, start=min(max(0, one.start - by), most))


def _found(logs: LogStore, table: str, text: str, prefix: int, connection: duckdb.DuckDBPyConnection) -> pa.Table:
    """The rows that meet the condition: where they lie, and what they are known by."""
    host = _NumberedHost(logs.host, table)
    limits = Limits(rows=_ALL, bytes=_ALL, seconds=_SECONDS)
    # the rows are told by their numbers in the state of this transaction, whatever an index of terms may know of another
    rewrites = ALL_REWRITES - {TERM_INDEX}
    run_ = Run(logs.engine, QueryOptions(logs.now(), limits=limits, host=host, rewrites=rewrites))
    run_.connection = connection
    try:
        compiled = run_.compiled(run_.bound(text).results[-1])
        logs.engine.register(compiled)
        return run_.table(compiled)[0]
    except KqlError as error:
        where = text[prefix : text.rfind("\n")]
        raise KqlError(where, [_moved(one, prefix, len(where)) for one in error.diagnostics]) from None


def _token(logs: LogStore, table: str, where: str, found: pa.Table) -> str:
    """Says which rows were confirmed; it is no secret, who may ask for it may purge."""
    made = hashlib.sha256("\0".join([logs.workspace_id, table, where, str(found.num_rows)]).encode())
    known = np.array([found.column(place).to_numpy() for place in (1, 2)], dtype=np.int64)
    made.update(known[:, np.lexsort(known)].tobytes())
    return made.hexdigest()[:32]
