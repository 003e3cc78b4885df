"""The CSV of indicators that Microsoft Sentinel imports: its template for all types but files
(learn.microsoft.com/azure/sentinel/indicators-bulk-file-import)."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from vedette.core.errors import InvalidInput, VedetteError
from vedette.intel.entering import content, observable
from vedette.intel.stix import read_moment

COLUMNS: Final = (
    "threatTypes", "tags", "name", "description", "confidence", "revoked", "validFrom", "validUntil", "tlpLevel", "severity",
    "observableType", "observableValue",
)  # fmt: skip
_REQUIRED: Final = ("validFrom", "observableType", "observableValue")
_MARK: Final = frozenset({"observabletype", "observablevalue"})
_FOLDED: Final[Mapping[str, str]] = {name.lower(): name for name in COLUMNS}


class CsvRecord(NamedTuple):
    """A line: the indicator of it, or why there is none."""

    line: int
    text: str
    content: dict[str, Any] | None
    reason: str = ""


def is_heading(line: str) -> bool:
    """Whether a line is the heading of such a file."""
    return {name.strip().strip('"').lower() for name in line.split(_delimiter(line))} >= _MARK


def read_csv(text: str, now: datetime) -> Iterator[CsvRecord]:
    """The indicators of a file. Raises `InvalidInput` where its columns are not those of the template."""
    lines = text.splitlines(keepends=True)
    reader = csv.reader(lines, delimiter=_delimiter(lines[0]))
    names = [name.strip() for name in next(reader)]
    unknown = [name for name in names if name.lower() not in _FOLDED]
    if unknown:
        raise InvalidInput(
            f"The file has columns that the template for indicators does not know: {', '.join(unknown)}.", code="VDT0905",
            hint=f"Its columns are {', '.join(COLUMNS)}.",
        )  # fmt: skip
    columns = [_FOLDED[name.lower()] for name in names]
    missing = [name for name in _REQUIRED if name not in columns]
    if missing:
        raise InvalidInput(
            f"The file lacks the column {missing[0]}.", code="VDT0905", hint="Microsoft's template has it."
        )
    try:
        for cells in reader:
            line = reader.line_num
            if not any(cell.strip() for cell in cells):
                continue
            text = ",".join(cells)
            if len(cells) != len(columns):
                yield CsvRecord(line, text, None, f"it has {len(cells)} cells, and the heading {len(columns)}")
                continue
            try:
                yield CsvRecord(line, text, _content({name: cell.strip() for name, cell in zip(columns, cells)}, now))
            except VedetteError as error:
                yield CsvRecord(line, text, None, error.message)
    except csv.Error as error:
        yield CsvRecord(reader.line_num, "", None, f"it is no CSV from here on: {error}")


def _content(row: Mapping[str, str], now: datetime) -> dict[str, Any]:
    begins = _moment(row, "validFrom")
    if begins is None:
        raise InvalidInput("validFrom is empty.", target="validFrom")
    revoked = row.get("revoked", "").lower()
    if revoked not in ("", "true", "false"):
        raise InvalidInput(f"revoked is '{revoked[:40]}', neither true nor false.", target="revoked")
    return content(
        observable(row["observableType"], row["observableValue"]), now, name=row.get("name", ""),
        description=row.get("description", ""), confidence=_number(row, "confidence", 100), valid_from=begins,
        valid_until=_moment(row, "validUntil"), labels=_list(row.get("tags", "")), types=_list(row.get("threatTypes", "")),
        tlp=row.get("tlpLevel", ""), revoked=revoked == "true", severity=_number(row, "severity", 5),
    )  # fmt: skip


def _moment(row: Mapping[str, str], name: str) -> datetime | None:
    text = row.get(name, "")
    found = read_moment(text) if text else None
    if text and found is None:
        raise InvalidInput(f"{name} is '{text[:40]}', no timestamp (2026-03-01T12:00:00Z).", target=name)
    return found


def _number(row: Mapping[str, str], name: str, most: int) -> int | None:
    text = row.get(name, "")
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or int(text) > most:
        raise InvalidInput(f"{name} is '{text[:40]}', no whole number from 0 to {most}.", target=name)
    return int(text)


def _list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _delimiter(heading: str) -> str:
    return max(",;\t", key=heading.count)
