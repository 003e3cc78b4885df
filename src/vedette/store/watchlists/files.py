"""Files that watchlists are made of: CSV, TSV, JSON and JSON lines."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import orjson

from vedette.core.errors import InvalidInput
from vedette.core.files import read_whole
from vedette.core.roles import Principal
from vedette.store.reading.csvfile import above_heading, delimiter_of
from vedette.store.watchlists.lists import WatchlistChange, Watchlists, WatchlistSettings

MAX_UPLOAD: Final = int(3.8 * 1024 * 1024)
"""Bytes of a file that comes in a request."""
MAX_FILE: Final = 500 * 1024 * 1024
"""Bytes of a file that is read from the server's disk."""
_UTF_16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_items(content: bytes, name: str) -> Sequence[dict[str, Any]]:
    """The items of a file: CSV with a line of headings (commas, semicolons or tabs), a JSON array of objects, or JSON lines; in UTF-8,
    or in UTF-16 with a byte order mark.

    Raises `InvalidInput` with the line where something is wrong.
    """
    try:
        text = content.decode("utf-16" if content.startswith(_UTF_16) else "utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidInput(f"{name} is not text in UTF-8, nor in UTF-16 with a byte order mark.", file=name) from None
    stripped = text.lstrip()
    if name.lower().endswith((".json", ".jsonl", ".ndjson")) or stripped[:1] in ("[", "{"):
        return _from_json(stripped, name)
    return _from_csv(text, name)


def read_file(path: Path) -> Sequence[dict[str, Any]]:
    """The items of a file on this machine."""
    try:
        if path.stat().st_size > MAX_FILE:
            raise InvalidInput(f"{path} has more than {MAX_FILE:,} bytes.", file=str(path))
        content = read_whole(path, MAX_FILE)
    except OSError as error:
        reason = "there is no such file" if isinstance(error, FileNotFoundError) else (error.strerror or str(error))
        raise InvalidInput(f"{path} cannot be read: {reason.lower()}.", file=str(path)) from None
    return read_items(content, str(path))


def import_file(
    watchlists: Watchlists, alias: str, path: Path, settings: WatchlistSettings, by: Principal, *, append: bool = False
) -> WatchlistChange:
    """Makes or changes a watchlist from a file on this machine."""
    items = read_file(path)
    return watchlists.put(alias, replace(settings, source=settings.source or path.name), items, by, append=append)


def _from_json(text: str, name: str) -> list[dict[str, Any]]:
    if text.startswith("["):
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise InvalidInput(f"{name} is not JSON: {error}.", file=name, line=error.lineno) from None
        values = list(enumerate(value, 1))
    else:
        values = []
        for line, one in enumerate(text.splitlines(), 1):
            if one.strip():
                try:
                    values.append((line, orjson.loads(one)))
                except orjson.JSONDecodeError as error:
                    raise InvalidInput(f"{name} is not JSON lines: {error}.", file=name, line=line) from None
    for place, one in values:
        if not isinstance(one, dict):
            raise InvalidInput(f"Item {place} of {name} is not an object.", file=name)
    return [one for _, one in values]


def _from_csv(text: str, name: str) -> list[dict[str, Any]]:
    source = io.StringIO(text, newline="")
    before, delimiter = _above_heading(source)
    reader = csv.reader(source, delimiter=delimiter, strict=True)
    items: list[dict[str, Any]] = []
    try:
        header = next(reader, None)
        if not header:
            raise InvalidInput(f"{name} has no line of headings.", file=name)
        header = [heading.strip() for heading in header]
        if len(set(header)) != len(header):
            raise InvalidInput(f"{name} has two columns of the same name.", file=name, line=before + 1)
        for cells in reader:
            if not any(cells):
                continue
            if len(cells) != len(header):
                line = before + reader.line_num
                raise InvalidInput(
                    f"Line {line} of {name} has {len(cells)} values, and there are {len(header)} columns.",
                    file=name, line=line,
                )  # fmt: skip
            items.append(dict(zip(header, cells, strict=True)))
    except csv.Error as error:
        raise InvalidInput(f"{name} is not CSV: {error}.", file=name, line=before + reader.line_num) from None
    return items


def _above_heading(source: io.StringIO) -> tuple[int, str]:
    """Goes to the line of headings: how many lines are above it, and what separates the fields, which one of these may say."""
    lines, separator = 0, ""
    while True:
        start = source.tell()
        line = source.readline().rstrip("\r\n")
        said = above_heading(line)
        if said is None:
            source.seek(start)
            return lines, separator or delimiter_of(line) or ","
        separator = said or separator
        lines += 1
