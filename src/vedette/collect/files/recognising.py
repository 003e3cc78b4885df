"""What a file is, told by its first bytes and its first records, not by its name."""

from __future__ import annotations

import codecs
import csv
import enum
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson

from vedette.collect.files.kinds import LISTS, Kind, kind_of, records_in
from vedette.collect.files.moments import order_open
from vedette.collect.files.tarring import has_magic
from vedette.collect.formats import azure_diagnostics, cef, w3c
from vedette.core.errors import VedetteError
from vedette.store.reading.csvfile import delimiter_of, header_names
from vedette.store.reading.jsonfile import values_in
from vedette.store.reading.jsonlines import parse_object
from vedette.store.reading.lines import lines_of
from vedette.store.reading.streams import TextStream, open_file, unreadable

HEAD: Final = 1024 * 1024
"""Bytes of a file's text that are looked at."""
SAMPLE: Final = 200
_START: Final = 512

_MAGIC: Final[tuple[tuple[bytes, str], ...]] = (
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive, which cannot be unpacked here; pack it as zip or tar.gz"),
    (b"Rar!\x1a\x07", "a RAR archive, which cannot be unpacked here; pack it as zip or tar.gz"),
    (b"\xfd7zXZ\x00", "an xz file, which cannot be unpacked here; pack it as gzip or zip"),
    (b"BZh", "a bzip2 file, which cannot be unpacked here; pack it as gzip or zip"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard file, which cannot be unpacked here; pack it as gzip or zip"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"MZ", "a Windows program"),
    (b"\x7fELF", "a program"),
    (b"\xd0\xcf\x11\xe0", "an old Office document"),
    (b"ElfChnk\0", "a part of an EVTX file"),
    (b"regf", "a registry hive"),
)
NOT_UTF8: Final = (
    "its text is neither UTF-8 nor UTF-16; convert it from the encoding of the machine that wrote it "
    "(iconv -f WINDOWS-1252 -t UTF-8, or save it as CSV UTF-8)"
)
_CLIXML: Final = re.compile(
    rb"\A\s*(?:<\?xml[^>]*>\s*)?<Objs\s[^>]*xmlns=[\"']http://schemas\.microsoft\.com/powershell/"
)
_EVENTS_IN_XML: Final = re.compile(
    rb"\A\s*(?:Record \d+\s*)?<(?:[^<]*<){0,3}?[^<>]*xmlns(?::\w+)?=[\"']http://schemas\.microsoft\.com/win/2004/08/events/event[\"']"
)
_ENVELOPE: Final = re.compile(rb'"(' + "|".join(LISTS).encode() + rb')"\s*:\s*\[')
_SYSLOG: Final = re.compile(
    r"<\d{1,3}>|[A-Z][a-z]{2} [ \d]?\d(?: \d{4})? \d\d:\d\d:\d\d(?:\.\d+)? \S+ |"
    r"(?:1 )?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d) \S+ \S+"
)

_ONE_ORDER: Final = re.compile(rb"(?<!\d)(?:(?:1[3-9]|2\d|3[01])/ ?\d{1,2}/|\d{1,2}/ ?(?:1[3-9]|2\d|3[01])/)")
"""A date with slashes that can be read in one order only."""


class Content(enum.Enum):
    """What is in a file."""

    ZIP = "zip"
    TAR = "tar"
    GZIP = "gzip of something that is no text"
    EVTX = "Windows event log"
    EVENT_XML = "Windows events as XML"
    PARQUET = "Parquet"
    JSON = "JSON"
    CSV = "CSV"
    LINES = "syslog or CEF"
    W3C = "W3C log"
    EMPTY = "empty"
    UNKNOWN = "unknown"


@dataclass(slots=True)
class Looked:
    """What a look at a file found. `sample` are its first records (and, of CSV whose dates leave the order of day and month open in
    these, the first one that tells it), `kinds` what they are; `reason` is why it is unknown."""

    content: Content
    sample: list[Mapping[str, Any]] = field(default_factory=list)
    kinds: list[Kind] = field(default_factory=list)
    reason: str = ""
    array_at: bool = False
    """The records are in a list within one large object."""
    error: VedetteError | None = None
    utf8: bool = True
    """Whether the text that was looked at is UTF-8 (where it was brought into that form, too)."""


def look(file: Path) -> Looked:
    """What a file is. Raises `VedetteError` where it cannot be read at all."""
    with open_file(file) as opened:
        try:
            start = opened.read(_START)
        except OSError as error:
            raise unreadable(file, error) from error
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return Looked(Content.ZIP)
    if start.startswith(b"ElfFile\0"):
        return Looked(Content.EVTX)
    if start.startswith(b"PAR1"):
        return Looked(Content.PARQUET)
    for magic, what in _MAGIC:
        if start.startswith(magic):
            return Looked(Content.UNKNOWN, reason=what)
    if has_magic(start):
        return Looked(Content.TAR)
    try:
        text, damage = _head(file)
    except VedetteError as error:
        return Looked(Content.UNKNOWN, reason=str(error), error=error)
    looked = _look_at(start, text)
    looked.utf8 = _is_utf8(text)
    if not looked.utf8 and not looked.sample and looked.content is Content.JSON:
        looked.reason = NOT_UTF8
    if looked.content is Content.CSV and order_open(value for record in looked.sample for value in record.values()):
        looked.sample += _telling_order(file, list(looked.sample[0]))
    if damage is not None and not looked.sample and looked.content in (Content.JSON, Content.UNKNOWN, Content.EMPTY):
        looked.error, looked.reason = damage, str(damage)  # what is missing is why nothing is recognised
    return looked


def _telling_order(file: Path, names: list[str]) -> list[Mapping[str, Any]]:
    """The first record of a CSV file with a date that can be read in one order only, if there is one."""
    delimiter = None
    for some in lines_of(TextStream(file)):
        for line in some.lines:
            if delimiter is None:
                delimiter = delimiter_of(line.decode("utf-8", "replace"))
                continue
            if _ONE_ORDER.search(line) is None:
                continue
            try:
                cells = next(csv.reader([line.decode("utf-8", "replace").rstrip("\r")], delimiter=delimiter), [])
            except csv.Error:  # a part of a record over several lines
                continue
            if len(cells) == len(names) and not order_open(["1/1/2026", *cells]):
                return [dict(zip(names, cells))]
    return []


def _look_at(start: bytes, text: bytes) -> Looked:
    """What a file is by its first bytes, and by the first of its text."""
    if start.startswith(b"\x1f\x8b") and (text.startswith((b"PK\x03\x04", b"ElfFile\0", b"PAR1")) or has_magic(text)):
        return Looked(Content.GZIP)
    text = text.rstrip(b"\0")
    if b"\0" in text:  # a machine that stopped leaves them in the log that it wrote
        lines = _look_at_text(text.replace(b"\0", b""))
        if lines.content is Content.LINES:
            return lines
        return Looked(Content.UNKNOWN, reason="neither text nor a binary form that is known")
    stripped = text.lstrip()
    if not stripped:
        return Looked(Content.EMPTY, reason="there is nothing in it")
    if stripped[:1] in (b"{", b"["):
        looked = _look_at_json(text)
        if looked is not None:
            return looked
    return _look_at_text(text)


def _head(file: Path) -> tuple[bytes, VedetteError | None]:
    """The start of a file's text, and what is wrong with its compressed data if it ends there."""
    parts: list[bytes] = []
    size = 0
    stream = TextStream(file)
    for block in stream.blocks():
        parts.append(block)
        size += len(block)
        if size >= HEAD:
            return b"".join(parts)[:HEAD], None
    try:
        stream.check(1)
    except VedetteError as error:
        return b"".join(parts), error
    return b"".join(parts), None


def _is_utf8(text: bytes) -> bool:
    """Whether a text, which may end within a character, is UTF-8."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(text)
    except UnicodeDecodeError:
        return False
    return True


def _look_at_json(text: bytes) -> Looked | None:
    looked = Looked(Content.JSON)
    found = _objects(text)
    if not found and (part := _ENVELOPE.search(text)) is not None:
        looked.array_at = True
        found = _objects(b"[" + text[part.end() :])
    for record in found[:SAMPLE]:
        looked.sample.append(record)
        kind = kind_of(record)
        if kind is not None and kind not in looked.kinds:
            looked.kinds.append(kind)
    if not found and text.lstrip()[:1] == b"[" and not text.lstrip()[1:].lstrip().startswith((b"{", b"]", b"[")):
        return None  # "[2026-03-01 …] a line of a log"
    if not found and _is_empty(text):
        looked.reason = "there are no records in it"
    return looked


def _is_empty(text: bytes) -> bool:
    """Whether a document is an empty list, or an object around one."""
    try:
        held = orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return held == [] or (isinstance(held, dict) and any(held.get(name) == [] for name in LISTS))


def _objects(text: bytes) -> list[Mapping[str, Any]]:
    """The records of the objects that are whole in a text."""
    found: list[Mapping[str, Any]] = []
    lines = text.split(b"\n", SAMPLE)
    whole = [row for line in lines[:SAMPLE] if isinstance(row := _object(line), dict)]
    values: Iterator[Any] = iter(whole) if whole else (parse_object(value) for value in values_in(text))
    for value in values:
        if isinstance(value, dict):
            found += [one for one in records_in(value) if isinstance(one, Mapping)]
        if len(found) >= SAMPLE:
            break
    return found


def _object(line: bytes) -> Mapping[str, Any] | str:
    """The object that a line is, also if Azure wrote it with apostrophes, or the reason why it is none."""
    found = parse_object(line)
    if isinstance(found, str) and b"'" in line:
        return azure_diagnostics.mended(line.decode("utf-8", "replace").strip()) or found
    return found


def _look_at_text(text: bytes) -> Looked:
    lines = [line for line in text.decode("utf-8", "replace").splitlines() if line.strip()]
    if len(text) >= HEAD and len(lines) > 1:
        lines.pop()  # the head ends within it
    if not lines:
        return Looked(Content.EMPTY, reason="there is nothing in it")
    if _EVENTS_IN_XML.search(text):
        return Looked(Content.EVENT_XML)
    if _CLIXML.search(text):
        return Looked(
            Content.UNKNOWN, reason="objects of PowerShell (Export-Clixml); the same as CSV or JSON can be read"
        )
    tested = lines[:SAMPLE]
    if lines[0].startswith("#") and any(w3c.is_heading(line) for line in tested):
        return Looked(Content.W3C)
    fitting = sum(1 for line in tested if cef.find(line) >= 0 or _SYSLOG.match(line))
    if fitting * 2 > len(tested):
        return Looked(Content.LINES)
    return _look_at_csv(lines) or Looked(
        Content.UNKNOWN, reason="its text is neither JSON, nor CSV with a heading, nor lines of syslog or CEF"
    )


def _look_at_csv(lines: list[str]) -> Looked | None:
    if lines[0].startswith("#TYPE ") and len(lines) > 1:
        lines = lines[1:]  # what PowerShell's Export-Csv writes
    if lines[0].lower().startswith("sep=") and len(lines) > 1:
        lines = lines[1:]  # what Excel takes
    delimiter = delimiter_of(lines[0])
    if delimiter is None:
        return None
    try:
        rows = list(csv.reader([f"{line}\n" for line in lines[: SAMPLE * 5]], delimiter=delimiter))
    except csv.Error:
        return None
    names = header_names(rows[0])
    if any(len(name) > 256 for name in names):
        return None
    body = [row for row in rows[1:] if row]
    if body and sum(1 for row in body if len(row) == len(names)) * 2 < len(body):
        return None
    looked = Looked(Content.CSV)
    looked.sample = [dict(zip(names, row)) for row in body[:SAMPLE] if len(row) == len(names)]
    for record in looked.sample or [dict.fromkeys(names, "")]:
        kind = kind_of(record)
        if kind is not None and kind not in looked.kinds:
            looked.kinds.append(kind)
    if not looked.sample:
        looked.sample = [dict.fromkeys(names, "")]
    return looked
