"""Many spooled lines become the columns of a table at once: in a process beside the server's, while there is one.

The engine's own JSON reader makes the columns, with no object for each row; still it takes the interpreter now and then for longer than
a query runs. What is sent there: a line of JSON that says what the rows are to become, and the lines as the spool has them. The answer
is a line of JSON, and the columns as an Arrow stream.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from vedette.core.companion import Answer, Helper, Part, Shared, help_with
from vedette.core.priority import WAITED_FOR_LATER
from vedette.kql.types import Type
from vedette.store.assembly import Assembled, Assembler
from vedette.store.batch import Batch, RawColumn
from vedette.store.frames import Spooled
from vedette.store.reading.enginelines import read_objects
from vedette.store.rowlines import RowLines

_MODULE: Final = "vedette.store.many"
_PASSED_OVER: Final = 8
"""How many times the rows of a table are read one by one after they had a field without a column."""


class ManyLines:
    """Makes columns of batches of lines. Safe for threads. There is one process for the stores of all workspaces."""

    def __init__(self) -> None:
        self._helper = _HELPER.join()
        self._ended = False
        self._passed_over: dict[str, int] = {}

    def assembled(self, batches: Sequence[Spooled], assembler: Assembler, first: int) -> Assembled | None:
        """The rows of batches, numbered from `first`; None where they must be read one by one."""
        counts, accepted = [batch.entry.rows for batch in batches], [batch.entry.at for batch in batches]
        about = {
            "forms": [list(batch.lines.form) for batch in batches], "counts": counts, "accepted": accepted, "first": first,
            "types": {name: kind.value for name, kind in assembler.types.items()}, "table": assembler.table,
            "workspace": assembler.workspace_id, "load": assembler.load, "ingested": assembler.ingested,
            "stamp": assembler.stamp,
        }  # fmt: skip
        made = self._helper.ask(about, [batch.lines.payload for batch in batches], _received, lambda: self._ended)
        if made is not None:
            return made
        texts = [batch.lines.text for batch in batches]
        return _assembled(texts, counts, accepted, assembler, first)

    def takes(self, table: str) -> bool:
        """Whether rows of a table are to be tried: not for a while after they had fields that must become columns first."""
        left = self._passed_over.pop(table, 0)
        if left > 1:
            self._passed_over[table] = left - 1
        return not left

    def pass_over(self, table: str) -> None:
        """Says that rows of a table had such fields."""
        self._passed_over[table] = _PASSED_OVER

    def end(self) -> None:
        """Have rows made in this process from now on, those that the other one is at too; it ends if nobody else has use for it."""
        if not self._ended:
            self._ended = True
            _HELPER.leave()


_HELPER: Final = Shared(partial(Helper, _MODULE, "many lines"), Helper.end)


def _assembled(
    texts: Sequence[bytes], counts: Sequence[int], accepted: Sequence[int], assembler: Assembler, first: int
) -> Assembled | None:
    """The rows of texts of so many lines each, which were accepted at these times (ticks); None where one by one is the way.

    A row without TimeGenerated gets the time at which its batch was accepted.
    """
    batch = read_objects(texts, assembler.types, first)
    if batch is None or batch.size != sum(counts):
        return None
    stamped = _stamped(batch, pa.array(np.repeat(accepted, counts), pa.int64()))
    made = assembler.assemble(batch)
    made.stamped = stamped
    return made


def _stamped(batch: Batch, accepted: pa.Array) -> int:
    """Gives rows without TimeGenerated the time at which they were accepted; how many there are."""
    times = batch.columns.get("TimeGenerated")
    if times is None:
        batch.columns["TimeGenerated"] = RawColumn((), array=accepted)
        return batch.size
    if times.array is None:
        return 0
    missing: int = times.array.null_count
    if missing:
        times.array = pc.coalesce(times.array, accepted)
    return missing


def _sent(made: Assembled) -> tuple[dict[str, Any], list[Part]]:
    names, hidden = list(made.columns), list(made.hidden)
    arrays = [*made.columns.values(), *made.hidden.values()]
    sink = pa.BufferOutputStream()
    # by their places: a column may have the name of a hidden one
    batch = pa.record_batch(arrays, [str(place) for place in range(len(arrays))])
    with pa.ipc.new_stream(sink, batch.schema) as out:
        out.write_batch(batch)
    head = {
        "size": made.size, "columns": names, "hidden": hidden, "stamped": made.stamped, "drifted": dict(made.drifted),
        "extra": {name: [kind.value for kind in kinds] for name, kinds in made.extra.items()},
    }  # fmt: skip
    return head, [memoryview(sink.getvalue())]


def _received(answer: Answer) -> Assembled:
    head = answer.head
    with pa.ipc.open_stream(pa.py_buffer(answer.parts[0])) as reader:
        arrays = reader.read_next_batch().columns
    columns, hidden = head["columns"], head["hidden"]
    extra = {name: {Type(kind) for kind in kinds} for name, kinds in head["extra"].items()}
    return Assembled(
        head["size"], dict(zip(columns, arrays)), dict(zip(hidden, arrays[len(columns) :], strict=True)), extra,
        Counter(head["drifted"]), head["stamped"],
    )  # fmt: skip


def _work(about: dict[str, Any], payloads: Sequence[Part]) -> tuple[dict[str, Any], Sequence[Part]]:
    """What the process does."""
    types = {name: Type(kind) for name, kind in about["types"].items()}
    assembler = Assembler(types, about["table"], about["workspace"], about["load"], about["ingested"], about["stamp"])
    given = zip(about["counts"], payloads, about["forms"], strict=True)
    texts = [RowLines(count, bytes(payload), form).text for count, payload, form in given]
    made = _assembled(texts, about["counts"], about["accepted"], assembler, about["first"])
    return ({}, []) if made is None else _sent(made)


if __name__ == "__main__":
    help_with(_work, WAITED_FOR_LATER)
