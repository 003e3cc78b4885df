"""Segments of the term index, made in a process beside this one.

To cut a million rows into terms takes seconds, much of it with the interpreter held, for which every query would wait. Here the rows
are read and sent on; all else is done there, down to the file. What is sent: a line of JSON that says what is to be made, then the rows
of each column as an Arrow stream. The answer is a line of JSON: the bytes of the file, or why there is none.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, Final

import duckdb
import orjson
import pyarrow as pa

from vedette.core.companion import Companion, left_alone
from vedette.core.priority import WAITED_FOR_BY_NOBODY, step_back
from vedette.kql.types import Type
from vedette.store.terms.building import Making, Source, Stopped, build, outline, texts, until

log = logging.getLogger(__name__)
_MODULE: Final = "vedette.store.terms.beside"


class BuilderBeside:
    """Makes segments as `building.build` does. One thread at a time has one made; any may end it."""

    def __init__(self) -> None:
        self._companion = Companion(_MODULE)

    def build(
        self, connection: duckdb.DuckDBPyConnection, source: Source, path: Path, room: Mapping[str, float],
        stopped: Callable[[], bool],
    ) -> int:  # fmt: skip
        """Write the segment of some rows; returns its bytes. Raises `Stopped`, and OSError where the process ends or fails."""
        try:
            sent, answered = self._companion.pipes()
        except OSError as error:
            log.warning("there is no process for the term index, it is made in this one: %s", error)
            return build(connection, source, path, room, stopped)
        try:
            columns = [[name, kind.value, room.get(name)] for name, kind in source.columns.items()]
            sent.write(
                orjson.dumps({"path": str(path), "about": outline(connection, source), "columns": columns}) + b"\n"
            )
            for name, kind in source.columns.items():
                reader = texts(connection, source, name, kind)
                with pa.ipc.new_stream(sent, reader.schema) as out:
                    for batch in until(stopped, reader):
                        out.write_batch(batch)
            sent.flush()
            answer = orjson.loads(answered.readline() or b"{}")
        except BaseException:
            self.end()  # it waits for the rest
            if stopped():
                raise Stopped from None
            raise
        if "bytes" not in answer:
            self.end()
            if stopped():
                raise Stopped
            raise OSError(answer.get("error", "the process that makes the term index has ended"))
        return int(answer["bytes"])

    def end(self) -> None:
        """End the process, if there is one: what it makes is given up."""
        self._companion.end()


def _serve(asked: IO[bytes], answers: IO[bytes]) -> None:
    """What the process does: one segment after the other, until nobody asks."""
    # texts are put into lower case as the store's own engine does
    with duckdb.connect(":memory:", config={"threads": 1, "enable_external_access": False}) as connection:
        while line := asked.readline():
            answer = _made(connection, orjson.loads(line), asked)
            answers.write(orjson.dumps(answer) + b"\n")
            answers.flush()
            if "error" in answer:
                return  # the rest of what was sent for it is still in the pipe


def _made(connection: duckdb.DuckDBPyConnection, wanted: dict[str, Any], asked: IO[bytes]) -> dict[str, object]:
    try:
        making = Making(connection, wanted["about"], Path(wanted["path"]))
        for name, kind, room in wanted["columns"]:
            making.add(name, Type(kind), room, pa.ipc.open_stream(asked))
        return {"bytes": making.written()}
    except Exception as error:
        return {"error": str(error) or type(error).__name__}


if __name__ == "__main__":
    left_alone()
    step_back(WAITED_FOR_BY_NOBODY)
    _serve(sys.stdin.buffer, sys.stdout.buffer)
