"""Files of records, read a batch at a time into rows of the tables that the records belong to."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from vedette.collect.files.identities import Identities
from vedette.collect.files.kinds import LISTS, kind_of, records_in
from vedette.collect.files.moments import FileMoments, any_day_first, order_open, written
from vedette.collect.files.recognising import Content, Looked
from vedette.collect.formats import azure_diagnostics, cef, w3c, windows_events, windows_xml
from vedette.collect.formats.columns import Record, Unreadable
from vedette.collect.formats.lines import LineReader, decode
from vedette.store.batch import BadRecord, Batch
from vedette.store.reading.csvfile import read_csv
from vedette.store.reading.jsonfile import read_json
from vedette.store.reading.jsonlines import BATCH_BYTES, bad_record
from vedette.store.reading.lines import lines_of
from vedette.store.reading.streams import TextStream
from vedette.store.records import Filed, Records, RecordSource

_ROWS: Final = 5_000
_LINES: Final = "Syslog and CEF"
_EVENTS: Final = "Windows events"
_W3C: Final = "W3C logs"
_ENVELOPE: Final = re.compile(rb'"(?:' + "|".join(LISTS).encode() + rb')"\s*:\s*\[')


@dataclass(frozen=True, slots=True)
class FileToRead:
    """A file that was looked at: where it lies, what it is called, and what was found."""

    file: Path
    shown: Path
    looked: Looked
    now: datetime
    table: str | None = None
    """Every record goes there, if given."""

    def source(self, size: int) -> RecordSource:
        """The file as the store takes it."""
        named = {Content.EVTX: _EVENTS, Content.EVENT_XML: _EVENTS, Content.LINES: _LINES, Content.W3C: _W3C}
        kind = named.get(self.looked.content) or " and ".join(kind.label for kind in self.looked.kinds)
        return RecordSource(self.shown, self.file, size, kind, self.read, self.table)

    def tables(self) -> set[str]:
        """The tables that the first records belong to."""
        maker = _Maker(self)
        for record in self.looked.sample:
            _take(maker, record, self.shown.name, 0, 0)
        return {filed.table for filed in maker.records.rows}

    def assumed(self) -> tuple[str, str] | None:
        """A date that a time was made of month first without anything that tells its order, and that time; None without one."""
        if not order_open(value for record in self.looked.sample for value in record.values()):
            return None
        month, day = (_Maker(self, day_first=order) for order in (False, True))
        for record in self.looked.sample:
            for maker in (month, day):
                _take(maker, record, self.shown.name, 0, 0)
        times = zip(month.records.rows, day.records.rows)
        changed = {
            one.row.get("TimeGenerated")
            for one, other in times
            if one.row.get("TimeGenerated") != other.row.get("TimeGenerated")
        }
        for record in self.looked.sample:
            for value in record.values():
                if not isinstance(value, str) or (read := month.moments.read(value)) is None:
                    continue
                if read in changed and read != day.moments.read(value):
                    return value, read
        return None

    def read(self) -> Iterator[Records]:
        """The records."""
        made = _Maker(self)
        readers: dict[Content, Callable[[_Maker], Iterator[Records]]] = {
            Content.EVTX: _evtx, Content.EVENT_XML: _event_xml, Content.LINES: _lines, Content.W3C: _w3c,
            Content.JSON: _objects, Content.CSV: _objects,
        }  # fmt: skip
        return readers[self.looked.content](made)


class _Maker:
    """Collects rows until they make a batch."""

    def __init__(self, source: FileToRead, *, day_first: bool | None = None) -> None:
        """`day_first`: as in `FileMoments`; None: as the file tells."""
        self.source = source
        if day_first is None:
            day_first = any_day_first(value for record in source.looked.sample for value in record.values())
        self.moments = FileMoments(written(source.file.stat().st_mtime, source.now), day_first=day_first)
        self._identities = Identities()
        self.records = Records([])
        self._held = 0

    def add(self, made: Record, kind: str, line: int, size: int) -> None:
        """A row."""
        row = made.row
        for name in ("TimeGenerated", "EventTime"):
            if row.get(name) is self.moments.now_text:
                del row[name]  # the record has no time of its own: the store stamps it, and counts it
        table = self.source.table or made.table
        self.records.rows.append(Filed(table, row, kind, line, size, self._identities.key(table, row)))
        self._held += size

    def put_aside(self, line: int, offset: int, reason: str, raw: str) -> None:
        """A record that is no row."""
        self.put_bad(BadRecord(line, offset, reason, raw))

    def put_bad(self, bad: BadRecord) -> None:
        """As `put_aside`."""
        self.records.bad.append(bad)
        self._held += len(bad.raw)

    def batch(self, consumed: int) -> Records:
        """What was collected."""
        made, self.records, self._held = self.records, Records([]), 0
        made.consumed = consumed
        return made

    @property
    def full(self) -> bool:
        """Whether it is time for a batch."""
        return len(self.records.rows) + len(self.records.bad) >= _ROWS or self._held >= BATCH_BYTES


def _evtx(maker: _Maker) -> Iterator[Records]:
    number = 0
    for number, found in enumerate(
        windows_events.read_evtx(maker.source.file, maker.moments, shown=maker.source.shown), 1
    ):
        if isinstance(found, Unreadable):
            maker.put_aside(number, 0, found.reason, found.raw)
        else:
            maker.add(found, _EVENTS, number, sum(map(_length, found.row.values())))
        if maker.full:
            yield maker.batch(0)
    yield maker.batch(0)


def _event_xml(maker: _Maker) -> Iterator[Records]:
    stream = TextStream(maker.source.file)
    line = 1
    for line, size, event in windows_xml.events_in(stream.blocks()):
        found = event if isinstance(event, Unreadable) else windows_events.read(event, maker.moments)
        if isinstance(found, Unreadable):
            maker.put_aside(line, 0, found.reason, found.raw)
        else:
            maker.add(found, _EVENTS, line, size)
        if maker.full:
            yield maker.batch(stream.consumed)
    stream.check(line)
    yield maker.batch(stream.consumed)


def _length(value: object) -> int:
    return len(value) + 20 if isinstance(value, str) else 24


def _lines(maker: _Maker) -> Iterator[Records]:
    stream = TextStream(maker.source.file)
    reader = LineReader(maker.moments.now, "")
    reader.moments = maker.moments
    line = 1
    for block in lines_of(stream):
        if block.too_long:
            maker.put_bad(bad_record(block.first, block.offset, "the line is too long", block.lines[0], whole=False))
            continue
        for position, raw in enumerate(block.lines):
            line = block.first + position
            text = decode(raw.strip(b"\0")).rstrip("\r")
            if not text.strip():
                continue
            table, row = reader.read(text, "")
            if table == cef.TABLE and row["TimeGenerated"] is maker.moments.now_text:
                row["TimeGenerated"] = _of_device(row, maker.moments)
            for name in ("HostIP", "HostName", "Computer", "CollectorHostName"):
                if row.get(name) == "":
                    del row[name]
            maker.add(Record(table, row), _LINES, line, len(raw))
            if maker.full:
                yield maker.batch(stream.consumed)
    stream.check(line)
    yield maker.batch(stream.consumed)


def _w3c(maker: _Maker) -> Iterator[Records]:
    stream = TextStream(maker.source.file)
    reader = w3c.W3cReader(maker.moments)
    line = 1
    for block in lines_of(stream):
        if block.too_long:
            maker.records.bad.append(bad_record(block.first, block.offset, "the line is too long", block.lines[0]))
            continue
        for position, raw in enumerate(block.lines):
            line = block.first + position
            text = decode(raw.strip(b"\0")).rstrip("\r")
            found = reader.read(text) if text.strip() else None
            if isinstance(found, Unreadable):
                maker.put_aside(line, block.offset_of(position), found.reason, found.raw)
            elif found is not None:
                maker.add(found, _W3C, line, len(raw))
            if maker.full:
                yield maker.batch(stream.consumed)
    stream.check(line)
    yield maker.batch(stream.consumed)


def _of_device(row: Mapping[str, Any], moments: FileMoments) -> str:
    """When an event of CEF without a syslog header's time was, by what the device says: when it was told, ended or began."""
    for name in ("ReceiptTime", "EndTime", "StartTime"):
        value = row.get(name)
        if isinstance(value, str) and (moment := moments.read(value)) is not None:
            return moment
    return moments.now_text


def _objects(maker: _Maker) -> Iterator[Records]:
    looked = maker.source.looked
    stream: TextStream = _Within(maker.source.file) if looked.array_at else TextStream(maker.source.file)
    if looked.content is Content.CSV:
        batches: Iterator[Batch] = read_csv(stream, sniff=True)
    else:
        batches = read_json(stream, as_rows=True)
    name = maker.source.shown.name
    for batch in batches:
        for one in batch.bad:
            if (record := azure_diagnostics.mended(one.raw)) is not None:
                _take(maker, record, name, one.line, len(one.raw))
            elif not (looked.array_at and _is_rest(one.raw)):
                maker.records.bad.append(one)
        rows = batch.rows if batch.rows is not None else _rows_of(batch)
        for row, line, size in zip(rows, batch.lines, batch.sizes):
            _take(maker, row, name, line, size)
            if maker.full:
                yield maker.batch(batch.consumed)
        yield maker.batch(batch.consumed)


def _is_rest(raw: str) -> bool:
    """Whether a text is what stands after the list in the object around it."""
    return raw in ("}", "]}") or raw[:1] in ('"', ":", "}")


def _rows_of(batch: Batch) -> Iterator[Mapping[str, Any]]:
    names = list(batch.columns)
    for values in zip(*(column.values for column in batch.columns.values())):
        yield dict(zip(names, values))


def _take(maker: _Maker, document: Mapping[str, Any], name: str, line: int, size: int) -> None:
    records = list(records_in(document)) if _may_hold(document) else [document]
    share = size // max(1, len(records))
    for record in records:
        if not isinstance(record, Mapping):
            maker.put_aside(line, 0, "the record is not a JSON object", _text(record))
            continue
        kind = kind_of(record)
        if kind is None:
            maker.put_aside(line, 0, "the record has no form that is known", _text(record))
            continue
        found = kind.read(record, maker.moments, name)
        if isinstance(found, Unreadable):
            maker.put_aside(line, 0, found.reason, found.raw)
            continue
        for one in found:
            maker.add(one, kind.label, line, share // len(found))


def _may_hold(document: Mapping[str, Any]) -> bool:
    if "@timestamp" in document or "_source" in document:
        return True
    return len(document) < 16 and any(isinstance(value, list) for value in document.values())


def _text(record: object) -> str:
    from vedette.store.conversion import json_text

    return json_text(record)


class _Within(TextStream):
    """A file that is one large object around a list of records: from the start of that list on."""

    def blocks(self) -> Iterator[bytes]:
        held = b""
        found = False
        for block in super().blocks():
            if not found:
                held += block
                part = _ENVELOPE.search(held)
                if part is None:
                    continue
                found, block = True, b"[" + held[part.end() :]
            yield block
