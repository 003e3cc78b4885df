"""`vedette load`: log files into a workspace."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from vedette.cli.opening import operations
from vedette.cli.options import DataDir, WorkspaceName, moment
from vedette.cli.output import json_line, print_table
from vedette.core.clock import SystemClock
from vedette.store.report import LoadOptions, LoadProgress, LoadReport, Outcome, ProgressCallback


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("load")(load)


def load(
    paths: Annotated[
        list[Path], typer.Argument(help="Files and folders: jsonl, jsonl.gz, json, csv, parquet.", metavar="PATH...")
    ],
    data: DataDir = None,
    workspace: WorkspaceName = "default",
    table: Annotated[str | None, typer.Option(help="The table; else each file's folder names it.")] = None,
    stamp: Annotated[
        str | None, typer.Option(help="TimeGenerated of the rows that have none (default: now).", metavar="TIME")
    ] = None,
    shift_to: Annotated[
        str | None,
        typer.Option(
            help="Move all datetimes by one span, so that the newest event lands on this time.", metavar="TIME"
        ),
    ] = None,
    again: Annotated[bool, typer.Option(help="Load files even if their content is there already.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Load log files into tables.

    Each file is loaded wholly or not at all. A line that cannot be read is put aside in VedetteDeadLetter_CL with its reason, and
    counted. A file whose content is there already adds nothing.
    """
    clock = SystemClock()
    options = LoadOptions(
        table,
        moment(stamp, "--stamp", clock) if stamp else None,
        moment(shift_to, "--shift-to", clock) if shift_to else None,
        again,
    )
    with operations(data, workspace, needs_data=True) as held, LoadBar() as (bar, follow):
        report = held.load(paths, options, follow)
        bar.stop()
    if json_:
        typer.echo(json_line(report.to_dict()))
    else:
        _print(report)
    if report.failed or report.cancelled:
        raise typer.Exit(1)


class LoadBar:
    """A progress bar that appears once a load takes more than a second."""

    def __enter__(self) -> tuple[Progress, ProgressCallback]:
        self._bar = Progress(
            TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn(),
            console=Console(stderr=True), transient=True,
        )  # fmt: skip
        self._task = self._bar.add_task("loading", total=None)
        self._started = time.monotonic()
        return self._bar, self._follow

    def _follow(self, progress: LoadProgress) -> None:
        if time.monotonic() - self._started > 1 and not self._bar.live.is_started:
            self._bar.start()
        self._bar.update(
            self._task, description=f"{progress.file.name}: {progress.rows:,} rows", completed=progress.done,
            total=progress.total,
        )  # fmt: skip

    def __exit__(self, *_: object) -> None:
        self._bar.stop()


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
    print_table(["file", "table", "outcome", "rows", "put aside", "drifted values", "unknown fields"], rows)
    console = Console(stderr=True, highlight=False)
    for file in report.files:
        if file.outcome is Outcome.FAILED and file.error is not None:
            console.print(f"[red]error[/red] {file.path}: {file.error}")
    for note in report.notes:
        console.print(note, markup=False)
    console.print(f"{report.rows:,} rows in {report.seconds:.1f} s", markup=False)
