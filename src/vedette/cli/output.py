"""Results for people and for programs: table, JSON, CSV, NDJSON."""

from __future__ import annotations

import csv
import enum
import json
import sys
from collections.abc import Iterable, Sequence

import orjson
from rich.console import Console
from rich.table import Table

from vedette.engine.result import Result


class Format(enum.StrEnum):
    """How a result is printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    NDJSON = "ndjson"


def cell(value: object) -> str:
    """A wire value as text in a table or a CSV file."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return str(value)


def json_line(value: object) -> str:
    """A value as one line of JSON."""
    return orjson.dumps(value, default=str).decode()


def print_result(result: Result, format_: Format) -> None:
    """Prints the rows of a query."""
    names = [column.name for column in result.columns]
    if format_ is Format.JSON:
        print(json_line(result.records()))
    elif format_ is Format.NDJSON:
        for record in result.records():
            print(json_line(record))
    elif format_ is Format.CSV:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([cell(value) for value in row] for row in result.rows)
    else:
        print_table(names, result.rows)
        seconds = result.statistics.elapsed
        note = f"{len(result.rows)} row{'' if len(result.rows) == 1 else 's'} in {seconds:.2f} s"
        Console(stderr=True).print(f"[dim]{note}[/dim]")
    if result.partial:
        Console(stderr=True).print(f"[yellow]partial result:[/yellow] {result.partial}")


def print_table(names: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Prints rows as a table; where a line is too long for the screen, cells are folded."""
    table = Table(*names, show_lines=False, header_style="bold")
    for row in rows:
        table.add_row(*(cell(value) for value in row))
    Console(width=None if sys.stdout.isatty() else max(120, min(400, 24 * len(names)))).print(table, markup=False)
