"""The records in a blob of a diagnostic setting: one a line as Azure appends them, or a document `{"records": […]}` of older exports.

What a record is, and of which table, is told as `vedette load` tells it.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from vedette.collect.connectors.contract import Event
from vedette.collect.connectors.polling import events_of
from vedette.collect.files.kinds import kind_of, records_in
from vedette.collect.files.moments import FileMoments
from vedette.collect.formats import azure_diagnostics
from vedette.collect.formats.columns import Unreadable

_BOM: Final = b"\xef\xbb\xbf"
_SHOWN: Final = 2_000
"""Characters of a text that is no record that are kept."""


@dataclass(slots=True)
class Read:
    """What was read so far: the rows, and how many records of which forms are not known."""

    now: datetime
    events: list[Event] = field(default_factory=list)
    records: int = 0
    unknown: Counter[str] = field(default_factory=Counter)
    _moments: FileMoments = field(init=False)

    def __post_init__(self) -> None:
        self._moments = FileMoments(self.now)

    def put(self, record: Any, identity: str, name: str) -> None:
        """The rows of a record; `identity` is the same however often it is read."""
        self.records += 1
        kind = kind_of(record) if isinstance(record, dict) else None
        if kind is None:
            found: Any = azure_diagnostics.read(record, self._moments)
        else:
            found = kind.read(record, self._moments, name)
        made = found if isinstance(found, Unreadable) else list(found) if isinstance(found, list | tuple) else [found]
        self.events += events_of(made, record, "AzureDiagnostics", identity, self.unknown)

    def put_line(self, line: bytes, identity: str, name: str) -> None:
        """The rows of a line; one that is no JSON goes to the dead-letter table."""
        text = line.removeprefix(_BOM).strip()
        if not text:
            return
        try:
            found = list(records_in(json.loads(text)))
        except ValueError:
            self.put_unreadable(text, identity, "the line is not JSON")
            return
        for number, record in enumerate(found):
            self.put(record, f"{identity}:{number}" if number else identity, name)

    def put_unreadable(self, raw: bytes, identity: str, reason: str) -> None:
        """A part of a blob that is no record."""
        self.records += 1
        shown = raw[: _SHOWN * 4].decode("utf-8", "replace")[:_SHOWN]
        self.events += events_of(Unreadable(shown, reason), shown, "AzureDiagnostics", identity, self.unknown)


def is_whole(line: bytes) -> bool:
    """Whether the end of a blob, without a line break, is a record for all that."""
    try:
        return isinstance(json.loads(line.removeprefix(_BOM)), dict)
    except ValueError:
        return False


def document(content: bytes) -> Iterator[Any]:
    """The records of a blob that is written whole each time. A line that is no JSON comes as its bytes."""
    text = content.removeprefix(_BOM)
    try:
        yield from records_in(json.loads(text))
        return
    except ValueError:
        lines = text.splitlines()
    for line in lines:
        if line.strip():
            try:
                found = list(records_in(json.loads(line)))
            except ValueError:
                yield line
            else:
                yield from found


def digest(*parts: bytes) -> str:
    """A short name for bytes."""
    made = hashlib.blake2b(digest_size=9)
    for part in parts:
        made.update(part)
    return made.hexdigest()


def canonical(record: Any) -> bytes:
    """A record as bytes that are the same for equal ones."""
    if isinstance(record, bytes):
        return record
    return json.dumps(record, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
