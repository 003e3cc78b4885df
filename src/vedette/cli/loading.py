"""`vedette load`: log files into a workspace."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vedette.cli.opening import operations
from vedette.cli.options import DataDir, JsonReport, WorkspaceName, moment
from vedette.cli.output import counted, harmless, json_line, note, placed, print_table, screen
from vedette.cli.progress import DelayedBar

if TYPE_CHECKING:
    from vedette.store.report import LoadReport


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("load")(load)


def load(
    paths: Annotated[
        list[Path], typer.Argument(help="Files and folders: jsonl, jsonl.gz, json, csv, parquet.", metavar="PATH")
    ],
    data: DataDir = None,
    workspace: WorkspaceName = "default",
    table: Annotated[
        str | None, typer.Option(help="The table of all files; else each file's folder names it.", metavar="TABLE")
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
    json_: JsonReport = False,
) -> None:
    """Load log files into tables.

    `vedette load logs/SigninLogs logs/AuditLogs --data DIR`

    Each file is loaded wholly or not at all; one whose content is there already adds nothing. A record that cannot be read is
    put aside in the table VedetteDeadLetter_CL with its reason, and counted; values that do not fit their column and fields that
    the table does not know stay reachable by `column_ifexists()`. A TIME is like 2026-03-01T12:00:00Z, or `now`.
    Exit code 1 if a file could not be loaded.
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
            report = held.load(
                paths,
                options,
                lambda at: bar.update(f"{at.file.name}: {counted(at.rows, 'row')}", at.done, at.total),
            )
        except KeyboardInterrupt:
            note("The file at hand has added nothing; those before it are loaded.")
            raise
    if json_:
        typer.echo(json_line(report.to_dict()))
    else:
        _print(report)
    if report.failed or report.cancelled:
        raise typer.Exit(1)


def _print(report: LoadReport) -> None:
    rows = [
        [
            file.path.name,
            file.table,
            file.outcome.value,
            file.rows,
            file.bad,
            sum(file.drifted.values()),
            len(file.extra),
        ]
        for file in report.files
    ]
    print_table(["file", "table", "outcome", "rows", "put aside", "not converted", "unknown fields"], rows)
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
        console.print(f"{counted(stamped, 'row')} without a TimeGenerated got the time of loading, or that of --stamp.")
    aside = sum(file.bad for file in report.files)
    if aside:
        console.print(
            harmless(
                f"{counted(aside, 'record')} could not be read and {'is' if aside == 1 else 'are'} put aside; "
                "VedetteDeadLetter_CL | project Source, Line, Reason, Raw tells which and why."
            )
        )
    for said in report.notes:
        console.print(harmless(said))
    console.print(f"{counted(report.rows, 'row')} in {report.seconds:.1f} s", style="dim")
