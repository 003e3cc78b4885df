"""Results for people and for programs: table, JSON, CSV, NDJSON."""

from __future__ import annotations

import csv
import enum
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from vedette.core.errors import InvalidInput, VedetteError

if TYPE_CHECKING:
    from rich.console import Console

    from vedette.engine.result import Result
    from vedette.kql.diagnostics import KqlError


class Format(enum.StrEnum):
    """How a result is printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    NDJSON = "ndjson"


_CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_PIPED_WIDTH: Final = 100_000
_LONGEST: Final = 2_000
"""Characters of a line of an error."""


def cell(value: object) -> str:
    """A wire value as text in a table or a CSV file."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return str(value)


def harmless(text: str) -> str:
    """Text for a terminal: whoever wrote a log must not move the cursor or turn the direction of its reader's screen."""
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def short(text: str) -> str:
    """Text with its lines cut where nobody would read on: an error repeats what it was given, however long that is."""
    return "\n".join(line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…" for line in text.split("\n"))


def json_line(value: object) -> str:
    """A value as one line of JSON."""
    import orjson

    return orjson.dumps(value, default=str).decode()


def placed(error: VedetteError) -> str:
    """An error with its place in front, unless the sentence names the file and there is no line to add."""
    if error.position is None or (error.line is None and error.file is not None and error.file in str(error)):
        return str(error)
    return f"{error.position}: {error}"


@contextmanager
def kql_refused() -> Iterator[None]:
    """Tells what is wrong with KQL that a command hands on, each finding with its line underlined."""
    from vedette.engine.query import QueryFailed
    from vedette.kql.diagnostics import KqlError

    try:
        yield
    except KqlError as error:
        raise refused(error.text, error) from None
    except QueryFailed as error:
        raise VedetteError(str(error), code=error.code) from None


def refused(text: str, error: KqlError) -> VedetteError:
    """Every diagnostic of a query, each with its line underlined, as one error."""
    from vedette.kql.diagnostics import render

    shown = "\n".join(render(text, diagnostic) for diagnostic in error.diagnostics[:10])
    return VedetteError(f"The query is not valid.\n{shown}", code=error.diagnostics[0].code)


def print_problems(problems: Iterable[Mapping[str, Any]]) -> None:
    """Says what an import found wrong (standard error): each problem with its place, and what to do."""
    console = screen(stderr=True)
    for problem in problems:
        place = ":".join(str(problem[part]) for part in ("file", "line") if problem.get(part))
        console.print(harmless(f"{problem['severity'].lower()} {place}: {problem['message']}"))
        if problem.get("hint"):
            console.print(harmless(f"  {problem['hint']}"), style="dim")


def screen(*, stderr: bool = False) -> Console:
    """A console that prints texts as they are: no markup, no colours by guess, and no line cut where nobody looks at a screen."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=True)


def note(text: str) -> None:
    """Says something about the result, beside it (standard error)."""
    screen(stderr=True).print(harmless(text), style="dim")


def write_file(path: Path, text: str, option: str) -> None:
    """Writes what a command made to the file that its option names.

    Raises `InvalidInput` where the file cannot be written.
    """
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"{path} cannot be written: {error.strerror}.", target=option) from None


def print_export(text: str, output: Path | None, notes: Iterable[str]) -> None:
    """Hands over what was exported, on the screen or in the file of `--output`, and says what the target has no field for."""
    if output is None:
        sys.stdout.write(text)
    else:
        write_file(output, text, "--output")
    for one in notes:
        screen(stderr=True).print(harmless(f"note {one}"))


def print_result(result: Result, format_: Format) -> None:
    """Prints the tables of a query one after the other.

    In the forms for programs, several tables are an array a table (JSON), tables with an empty line between them (CSV), and
    objects that name their table under `$table` (one JSON object a line).
    """
    for index, table in enumerate(result.tables()):
        name = table.name or ("PrimaryResult" if index == 0 else f"Table_{index}")
        if index and format_ is Format.CSV:
            print()
        if result.more and format_ is Format.TABLE:
            note(f"{name}:")
        _print_one(table, format_, {"$table": name} if result.more else {})


def _print_one(result: Result, format_: Format, mark: dict[str, object]) -> None:
    names = [column.name for column in result.columns]
    if format_ is Format.JSON:
        print(json_line(result.records()))
    elif format_ is Format.NDJSON:
        for record in result.records():
            print(json_line(mark | record))
    elif format_ is Format.CSV:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([cell(value) for value in row] for row in result.rows)
    else:
        print_table(names, result.rows)
        note(f"{counted(len(result.rows), 'row')} in {result.statistics.elapsed:.2f} s")
    if result.partial:
        screen(stderr=True).print(f"partial result: {result.partial}", style="yellow")


def print_table(names: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Prints rows as a table. On a screen, cells that are too long for it are folded; elsewhere a row is a line of any length."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    watched = sys.stdout.isatty()
    table = Table(box=box.HEAVY_HEAD if watched else box.SIMPLE_HEAD, header_style="bold", show_edge=watched)
    for name in names:
        table.add_column(Text(harmless(name)), overflow="fold", no_wrap=not watched)
    for row in rows:
        texts = [harmless(cell(value)) for value in row]
        table.add_row(*(Text(text if watched else text.replace("\n", "\\n")) for text in texts))
    Console(width=None if watched else _PIPED_WIDTH, highlight=False).print(table)


def print_list(
    found: Sequence[Any], json_: bool, headings: Sequence[str], row: Callable[[Any], Sequence[object]], none: str
) -> None:
    """Prints what a listing found: one line of JSON, or a table with a row for each; `none` is said where there is nothing."""
    if json_:
        print(json_line(found))
        return
    print_table(headings, [row(one) for one in found])
    if not found:
        note(none)


def listed(names: Sequence[str], most: int = 5) -> str:
    """Names one after the other, those beyond `most` as their number: a cell that a line of a table can hold."""
    further = len(names) - most
    return ", ".join(names[:most]) + (f" and {further} more" if further > 0 else "")


def counted(count: int, thing: str) -> str:
    """`1 row`, `2,000 rows`."""
    return f"{count:,} {thing}{'' if count == 1 else 's'}"
