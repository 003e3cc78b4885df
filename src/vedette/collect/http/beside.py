"""Bodies that are long are read in a process beside the server's: while JSON becomes rows and rows become lines, nobody else has the
interpreter, and every query would wait for it.

Where the process cannot read a body, or is not there, the server reads it, and says what is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from vedette.collect.http.door import Arrived, Door, DoorRequest
from vedette.core.companion import Answer, Helper, Part, help_with
from vedette.core.priority import WAITED_FOR_BY_SENDERS
from vedette.store.batch import BadRecord
from vedette.store.rowlines import RowLines, TableLines

LONG: Final = 64 * 1024
"""Bytes of a body from which on it is read there."""
_MODULE: Final = "vedette.collect.http.beside"
_SECRET: Final = frozenset({"authorization", "cookie", "proxy-authorization"})


class BodyReader:
    """Reads the bodies of requests. Safe for threads."""

    def __init__(self, long: int = LONG) -> None:
        """`long`: bytes from which on a body is read in the process."""
        self._long = long
        self.helper = Helper(_MODULE, "long bodies")

    def read(self, door: Door, request: DoorRequest, body: bytes, facts: Any) -> Arrived:
        """What is in a body. Raises `VedetteError` as the door does."""
        if len(body) >= self._long:
            arrived = self._beside(door, request, body, facts)
            if arrived is not None:
                return arrived
        return door.read(request, body, facts)

    def end(self) -> None:
        """End the process, for good."""
        self.helper.end()

    def _beside(self, door: Door, request: DoorRequest, body: bytes, facts: Any) -> Arrived | None:
        """What the process finds in a body; None where it is not there, or cannot say."""
        headers = {name: value for name, value in request.headers.items() if name not in _SECRET}
        asked = {
            "method": request.method, "path": request.path, "parts": dict(request.parts), "query": dict(request.query),
            "headers": headers, "address": request.address,
        }  # fmt: skip
        return self.helper.ask({"door": door.name, "request": asked, "facts": facts}, [body], _received)


def _received(answer: Answer) -> Arrived:
    head, payloads = answer.head, answer.parts
    rows = [
        TableLines(table, RowLines(count, bytes(payload), form), ids)
        for (table, count, form, ids), payload in zip(head["rows"], payloads, strict=True)
    ]
    bad = [(table, [BadRecord(*one) for one in records]) for table, records in head["bad"]]
    return Arrived(rows, bad, head["told"])


def _work(about: dict[str, Any], parts: Sequence[Part]) -> tuple[dict[str, Any], Sequence[Part]]:
    """What the process does."""
    from vedette.collect.http.registry import doors

    door = next(door for door in doors() if door.name == about["door"])
    arrived = door.read(DoorRequest(**about["request"]), bytes(parts[0]), about["facts"])
    rows = [[one.table, one.lines.count, list(one.lines.form), one.record_ids] for one in arrived.rows]
    bad = [[table, [[one.line, one.offset, one.reason, one.raw] for one in records]] for table, records in arrived.bad]
    head = {"rows": rows, "bad": bad, "told": arrived.told}
    return head, [one.lines.payload for one in arrived.rows]


if __name__ == "__main__":
    help_with(_work, WAITED_FOR_BY_SENDERS)
