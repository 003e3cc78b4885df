"""Many lines at once: the same rows as `lines.LineReader` makes of them one by one, as columns.

Senders write the same form thousands of times, so a batch is sorted by form, and each form is read by one expression and its values
go into columns. A line of any other form, and one with a value that is not of its column's type, is left to the `LineReader`: what
a line means is said there alone, and a property test compares the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Any, NamedTuple

import pyarrow as pa

from vedette.collect.formats import cef, syslog
from vedette.collect.formats.cef_batch import CefBatches
from vedette.collect.formats.lines import CutLine, LineReader, decode
from vedette.collect.formats.syslog_batch import SyslogBatches
from vedette.store.columnar import joined


class Rows(NamedTuple):
    """What became of a batch: rows as columns by table, the other rows one by one by table and address, and how many could not
    be read, by address."""

    columns: dict[str, pa.Table]
    rows: dict[tuple[str, str], list[dict[str, Any]]]
    problems: dict[str, int]


class BatchReader:
    """Reads batches of lines; not safe for threads. The arguments are those of `LineReader`."""

    def __init__(self, now: datetime, collector: str, zone: tzinfo | None = None) -> None:
        self._single = LineReader(now, collector) if zone is None else LineReader(now, collector, zone)
        self._syslog = SyslogBatches(self._single.moments, collector)
        self._cef = CefBatches(self._single.moments, collector)

    def at(self, now: datetime) -> None:
        """Sets the moment of receipt of what is read from here on."""
        self._single.moments.at(now)

    def read(self, groups: Sequence[tuple[str, Sequence[bytes]]]) -> Rows:
        """The rows of lines that came from some addresses; never fails."""
        plain: list[str] = []
        plain_from: list[str] = []
        events: list[str] = []
        events_from: list[str] = []
        made = Rows({}, {}, {})
        for source, lines in groups:
            if any(type(line) is CutLine for line in lines):
                for line in lines:
                    if isinstance(line, CutLine):
                        table, row = self._single.read_cut(line, source)
                        made.rows.setdefault((table, source), []).append(row)
                lines = [line for line in lines if not isinstance(line, CutLine)]
                if not lines:
                    continue
            texts = decoded(lines)
            if any("CEF:" in text for text in texts):
                some = [text for text in texts if "CEF:" in text]
                events += some
                events_from += [source] * len(some)
                if len(some) < len(texts):
                    texts = [text for text in texts if "CEF:" not in text]
                    plain += texts
                    plain_from += [source] * len(texts)
            else:
                plain += texts
                plain_from += [source] * len(texts)
        for table, reader, texts, sources in (
            (syslog.TABLE, self._syslog, plain, plain_from),
            (cef.TABLE, self._cef, events, events_from),
        ):
            parts, left = reader.read(texts, sources) if texts else ([], [])
            if parts:
                made.columns[table] = joined(parts)
            for text, source in left:
                self._one(made, text, source)
        return made

    def _one(self, made: Rows, text: str, source: str) -> None:
        table, row = self._single.read(text, source)
        if "ParseProblem" in row:
            made.problems[source] = made.problems.get(source, 0) + 1
        made.rows.setdefault((table, source), []).append(row)


def decoded(lines: Sequence[bytes]) -> list[str]:
    """The texts of lines, each as `lines.decode` gives it."""
    try:
        texts = b"\n".join(lines).decode().split("\n")
    except UnicodeDecodeError:
        return [decode(line) for line in lines]
    return texts if len(texts) == len(lines) else [decode(line) for line in lines]
