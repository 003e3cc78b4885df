"""`vedette load`: log files into a workspace."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Collection, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from vedette.cli.opening import interruptible, operations
from vedette.cli.options import DataDir, JsonReport, WorkspaceName, moment
from vedette.cli.output import counted, harmless, json_line, note, placed, print_table, screen
from vedette.cli.progress import DelayedBar

if TYPE_CHECKING:
    from vedette.store.coverage import Coverage
    from vedette.store.report import FileReport, LoadReport


_MOST_DAYS: Final = 62
"""Days that are shown one by one; `--format json` has all."""
_MOST_SPANS: Final = 4
"""Spans of days without rows that a table has of a source."""


class ReportForm(enum.Enum):
    """How a report is printed."""

    TABLE = "table"
    JSON = "json"


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("load")(load)


def load(
    paths: Annotated[
        list[Path],
        typer.Argument(
            help="Files, folders, zip and tar archives of logs; what a file is its content tells.", metavar="PATH"
        ),
    ],
    data: DataDir = None,
    workspace: WorkspaceName = "default",
    table: Annotated[
        str | None,
        typer.Option(help="The table of all files; else their records tell it, or the folder.", metavar="TABLE"),
    ] = None,
    stamp: Annotated[
        str | None, typer.Option(help="TimeGenerated of the rows that have none (default: now).", metavar="TIME")
    ] = None,
    shift_to: Annotated[
        str | None,
        typer.Option(
            help="Move all datetimes by one span, so that the newest event lands on this time.", metavar="TIME"
        ),
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Load files even if their content is there already.")] = False,
    form: Annotated[ReportForm, typer.Option("--format", "-f", help="How the report is printed.")] = ReportForm.TABLE,
    json_: JsonReport = False,
) -> None:
    """Load log files into tables.

    `vedette load evidence.zip logs/SigninLogs --data DIR`

    Taken are exports of Azure diagnostic settings and the activity log, of Entra ID (Graph, portal, PowerShell), of the unified
    audit log, of Defender, of Log Analytics and advanced hunting, Windows events (EVTX, XML), syslog and CEF, as JSON, JSON lines,
    CSV, Parquet or text, packed with gzip, zip or tar; see the page about loading files. The report says of each source on which
    days it has rows, and of which files nothing was taken, with the reason.

    Each file is loaded wholly or not at all; one whose content is there already adds nothing. A record that cannot be read is
    put aside in the table VedetteDeadLetter_CL with its reason, and counted; fields that the table does not know stay
    reachable by `column_ifexists()`, and values that do not fit their column by `column_ifexists('$Extra', dynamic(null))`.
    A TIME is like 2026-03-01T12:00:00Z, or `now`.
    A record that overlapping exports have is loaded once, unless --again is given. Exit code 1 if a file could not be loaded.
    """
    from vedette.core.clock import SystemClock
    from vedette.store.report import LoadOptions

    clock = SystemClock()
    options = LoadOptions(
        table,
        moment(stamp, "--stamp", clock) if stamp is not None else None,
        moment(shift_to, "--shift-to", clock) if shift_to is not None else None,
        again,
    )
    with operations(data, workspace, makes=True) as held, DelayedBar("loading", size=True) as bar:
        try:
            with interruptible():
                report = held.load(
                    paths,
                    options,
                    lambda at: bar.update(f"{at.step or at.file.name}: {counted(at.rows, 'row')}", at.done, at.total),
                )
        except KeyboardInterrupt:
            note("The file at hand has added nothing; those before it are loaded.")
            raise
    if json_ or form is ReportForm.JSON:
        typer.echo(json_line(report.to_dict()))
    else:
        _print(report)
    if report.failed or report.cancelled:
        raise typer.Exit(1)


def _print(report: LoadReport) -> None:
    paths = {file.path for file in report.files}
    names = Counter(path.name for path in paths)
    rows = [
        [
            file.path.name if names[file.path.name] == 1 else file.path,
            file.table,
            _outcome(file),
            file.rows,
            file.bad,
            file.repeated,
            sum(file.drifted.values()),
            len(file.extra),
        ]
        for file in report.files
    ]
    print_table(["file", "table", "outcome", "rows", "put aside", "repeated", "not converted", "unknown fields"], rows)
    _print_coverage(report)
    console = screen(stderr=True)
    for file in report.failed:
        if file.error is not None:
            sentence = placed(file.error)
            named = "" if str(file.path) in sentence else f"{file.path}: "
            console.print("error", style="bold red", end=" ")
            console.print(harmless(f"{named}{sentence}"))
            if file.error.hint:
                console.print(harmless(f"  {file.error.hint}"), style="dim")
    stamped = sum(file.stamped for file in report.files)
    if stamped:
        tables = ", ".join(sorted({file.table for file in report.files if file.stamped}))
        console.print(
            harmless(
                f"{counted(stamped, 'row')} without a TimeGenerated ({tables}) got the time of loading, or that of --stamp."
            )
        )
    aside = sum(file.bad for file in report.files)
    if aside:
        console.print(
            harmless(
                f"{counted(aside, 'record')} could not be read and {'is' if aside == 1 else 'are'} put aside; "
                "VedetteDeadLetter_CL | project Source, Line, Reason, Raw tells which and why."
            )
        )
    if report.unknown:
        console.print(f"Nothing was taken from {counted(len(report.unknown), 'file')}:")
        for one in report.unknown:
            console.print(harmless(f"  {one.path}: {one.reason}"))
        if any(one.records for one in report.unknown):
            console.print(
                "To keep records of no known kind all the same, load their file alone, unpacked, with --table NAME_CL."
            )
    for said in report.notes:
        console.print(harmless(said))
    indexed = f", their index in {report.indexing:.1f} s" if report.indexing >= 0.05 else ""
    console.print(f"{counted(report.rows, 'row')} in {report.seconds:.1f} s{indexed}", style="dim")


def _outcome(file: FileReport) -> str:
    """What came of a file, in a word or two."""
    if file.outcome.value != "loaded" or file.rows or file.repeated:
        return file.outcome.value
    return "none readable" if file.bad else "no records"


def _print_coverage(report: LoadReport) -> None:
    """What each source has day by day, where there is more than one day to tell of."""
    told = [one for one in report.coverage if len(one.days) > 1 or one.missing or one.gone or one.source != one.table]
    if not told:
        return
    typer.echo()
    gone = any(one.gone for one in told)
    print_table(
        ["source", "table", "rows", "duplicates skipped", *(["no longer there"] if gone else []), "from", "to", "days",
         "days without rows"],
        [
            [
                one.source, one.table, one.rows, sum(one.again.values()),
                *([", ".join(_gone(one, {day for days in one.gone.values() for day in days}))] if gone else []),
                next(iter(one.days)), next(reversed(one.days)), len(one.days), _spans(one.missing),
            ]
            for one in told
        ],
    )  # fmt: skip
    if report.files and any(one.source != one.table for one in told):
        typer.echo()
        tables = Counter(one.table for one in told)
        days = _each_day(sorted({day for one in told for day in one.days}))
        if len(days) <= _MOST_DAYS:
            print_table(
                ["day", *(one.table if tables[one.table] == 1 else f"{one.table} ({one.source})" for one in told)],
                [[day, *(_cell(one, day) for one in told)] for day in days],
            )
            if any(one.again for one in told):
                typer.echo(
                    "A number is that of the rows that the table has of the files. Duplicates are records that it had before, or "
                    "that the files have more than once."
                )


def _each_day(days: Sequence[str]) -> Sequence[str]:
    """All days from the first to the last, those without any rows, too; only the days given where that were too many to show."""
    first, last = date.fromisoformat(days[0]), date.fromisoformat(days[-1])
    span = (last - first).days + 1
    return days if span > _MOST_DAYS else [(first + timedelta(number)).isoformat() for number in range(span)]


def _cell(source: Coverage, day: str) -> str:
    """What a source has of a day: its rows, how many records were not stored once more, and how many rows are gone."""
    if day not in source.days:
        return "none"
    repeated = source.again.get(day, 0)
    more = [f"{counted(repeated, 'duplicate')} skipped"] if repeated else []
    more += _gone(source, {day})
    return f"{source.days[day]} ({', '.join(more)})" if more else str(source.days[day])


def _gone(source: Coverage, days: Collection[str]) -> list[str]:
    """How many rows of some days are gone, and why."""
    counts = {reason: sum(some.get(day, 0) for day in days) for reason, some in source.gone.items()}
    return [f"{count} {reason.replace('_', ' ')}" for reason, count in counts.items() if count]


def _spans(missing: Sequence[tuple[str, str]]) -> str:
    """Spans of days for a cell of a table: the first few, and how many more."""
    told = [first if first == last else f"{first} to {last}" for first, last in missing[:_MOST_SPANS]]
    if len(missing) > _MOST_SPANS:
        told.append(f"and {len(missing) - _MOST_SPANS} more (--format json)")
    return ", ".join(told)
