"""Segments of the term index, made in a process beside this one.

To cut a million rows into terms takes seconds, much of it with the interpreter held, for which every query would wait. Here the rows
are read and sent on; all else is done there, down to the file. What is sent: a line of JSON that says what is to be made, then the rows
of each column as an Arrow stream. The answer is a line of JSON: the bytes of the file, or why there is none.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import IO, Any, Final

import duckdb
import orjson
import pyarrow as pa

from vedette.core.companion import Companion, Shared, at_work, gone
from vedette.core.priority import WAITED_FOR_BY_NOBODY
from vedette.kql.types import Type
from vedette.store.terms.building import Making, Source, Stopped, build, outline, texts, until

log = logging.getLogger(__name__)
_MODULE: Final = "vedette.store.terms.beside"
_PATIENCE: Final = 300.0
"""Seconds without progress after which the process is ended. A column of a full segment takes seconds, and many times as long where
others have the processors."""
_LOOK: Final = 0.2
"""Seconds between two looks at whether a segment is still wanted while another store has one made."""


class BuilderBeside:
    """Makes segments as `building.build` does. One thread at a time has one made; any may end it.

    There is one process for the stores of all workspaces, and one of them at a time has a segment made.
    """

    def __init__(self) -> None:
        self._companion = _COMPANION.join()
        self._building = False
        self._closed = False
        self._told = False

    def build(
        self, connection: duckdb.DuckDBPyConnection, source: Source, path: Path, room: Mapping[str, float],
        stopped: Callable[[], bool],
    ) -> int:  # fmt: skip
        """Write the segment of some rows; returns its bytes. Raises `Stopped`, and OSError where the process ends or fails."""
        while not _TURN.acquire(timeout=_LOOK):
            if stopped():
                raise Stopped
        try:
            self._building = True
            return self._built(connection, source, path, room, stopped)
        finally:
            self._building = False
            _TURN.release()

    def _built(
        self, connection: duckdb.DuckDBPyConnection, source: Source, path: Path, room: Mapping[str, float],
        stopped: Callable[[], bool],
    ) -> int:  # fmt: skip
        try:
            if stopped() or self._closed:
                raise Stopped
            sent, answered = self._companion.pipes()
        except OSError as error:
            if not self._told:
                self._told = True
                log.warning("there is no process for the term index, it is made in this one: %s", error)
            return build(connection, source, path, room, stopped)
        try:
            columns = [[name, kind.value, room.get(name)] for name, kind in source.columns.items()]
            about = outline(connection, source)
            with self._companion.watched(_PATIENCE, stopped) as watch:
                sent.write(orjson.dumps({"path": str(path), "about": about, "columns": columns}) + b"\n")
                for name, kind in source.columns.items():
                    reader = texts(connection, source, name, kind)
                    with pa.ipc.new_stream(sent, reader.schema) as out:
                        for batch in until(stopped, reader):
                            out.write_batch(batch)
                            watch.progress()
                sent.flush()
                watch.progress()
                answer = orjson.loads(answered.readline() or b"{}")
        except BaseException as error:
            self._companion.end()  # it waits for the rest
            if stopped():
                raise Stopped from None
            if isinstance(error, ValueError):  # what it says is nothing, or its pipes were closed
                raise OSError("the process that makes the term index has failed") from error
            raise
        if "bytes" not in answer:
            self._companion.end()
            if stopped():
                raise Stopped
            raise OSError(answer.get("error", "the process that makes the term index has ended"))
        return int(answer["bytes"])

    def end(self) -> None:
        """End the process, if there is one and no other store needs it: what it makes is given up."""
        if self._building:
            self._companion.end()
        elif _TURN.acquire(blocking=False):
            try:
                self._companion.end()
            finally:
                _TURN.release()

    def close(self) -> None:
        """End the process, and begin no other for this store."""
        if not self._closed:
            self._closed = True
            self.end()
            _COMPANION.leave()


_COMPANION: Final = Shared(partial(Companion, _MODULE), Companion.shut)
_TURN: Final = threading.Lock()


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
        if gone(asked):  # the folder is another process's by now
            return {"error": "nobody waits for it"}
        return {"bytes": making.written()}
    except Exception as error:
        return {"error": str(error) or type(error).__name__}


if __name__ == "__main__":
    with at_work(WAITED_FOR_BY_NOBODY) as (asked, answers):
        _serve(asked, answers)
