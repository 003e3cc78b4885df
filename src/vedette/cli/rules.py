"""`vedette rules`: analytics rules in, and run."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from vedette.cli.opening import operations
from vedette.cli.options import DataDir, WorkspaceName, duration, moment
from vedette.cli.output import json_line, print_table
from vedette.core.clock import SystemClock

group = typer.Typer(no_args_is_help=True, help="Analytics rules.")


class RunFormat(enum.StrEnum):
    """How alerts are printed."""

    TABLE = "table"
    JSON = "json"


def register(app: typer.Typer) -> None:
    """Adds the group."""
    app.add_typer(group, name="rules")


@group.command("import")
def import_(
    paths: Annotated[
        list[Path], typer.Argument(help="Files and folders: YAML, or ARM JSON templates.", metavar="PATH...")
    ],
    data: DataDir = None,
    workspace: WorkspaceName = "default",
    json_: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Import Microsoft Sentinel's analytics rules.

    YAML in the layout of the public Azure-Sentinel repository, and ARM JSON templates as the portal exports them. A rule whose id
    another rule with other content has is kept under an id of its own and reported. Exit code 1 if a file could not be read.
    """
    with operations(data, workspace, needs_data=True) as held:
        report = held.import_rules(paths)
    if json_:
        typer.echo(json_line(report))
    else:
        _print_report(report)
    if any(problem.get("severity") == "Error" for problem in report["problems"]):
        raise typer.Exit(1)


def _print_report(report: dict[str, Any]) -> None:
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    for problem in report["problems"]:
        place = ":".join(str(problem[part]) for part in ("file", "line") if problem.get(part))
        console.print(f"{problem.get('severity', 'error')}: {place}: {problem['message']}", markup=False)
        if problem.get("hint"):
            console.print(f"  {problem['hint']}", markup=False)
    for one in report["derived"]:
        console.print(
            f"{one['file']}: the id {one['given_id']} belongs to another rule; '{one['name']}' is kept as {one['id']}",
            markup=False,
        )
    counts = {word: len(report[word]) for word in ("added", "updated", "unchanged", "derived")}
    typer.echo(", ".join(f"{count} {word}" for word, count in counts.items()))


@group.command("list")
def list_(data: DataDir = None, workspace: WorkspaceName = "default") -> None:
    """List the rules."""
    with operations(data, workspace, needs_data=True) as held:
        rules = held.rules()
    print_table(
        ["id", "name", "severity", "kind", "enabled"],
        [[rule["id"], rule["name"], rule["severity"], rule["kind"], rule["enabled"]] for rule in rules],
    )


@group.command("run")
def run(
    at: Annotated[str, typer.Option("--at", help="Run as if now were this time.", metavar="TIME")],
    data: DataDir = None,
    workspace: WorkspaceName = "default",
    rule: Annotated[
        str | None, typer.Option("--rule", help="One rule, by id or name (default: all).", metavar="ID")
    ] = None,
    period: Annotated[
        str | None,
        typer.Option("--period", help="Look this far back, in place of each rule's own period.", metavar="SPAN"),
    ] = None,
    format_: Annotated[
        RunFormat, typer.Option("--format", help="Alerts as a table, or as JSON lines.")
    ] = RunFormat.TABLE,
) -> None:
    """Run rules as of a time and print their alerts; the alerts become incidents.

    A run is known by its rule and window: to repeat it doubles nothing. Exit code 1 if a rule could not be run.
    """
    clock = SystemClock()
    moment_ = moment(at, "--at", clock)
    span = duration(period, "--period") if period else None
    failed = False
    rows: list[list[object]] = []
    error_console = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)
    with operations(data, workspace, needs_data=True) as held:
        wanted = [rule] if rule else [one["id"] for one in held.rules() if one["runnable"]]
        for identity in wanted:
            done = held.run_rule(identity, moment_, span)
            if done["error"]:
                failed = True
                error_console.print(f"error {done['rule']}: {done['error']['message']}")
            for alert in done["alerts"]:
                if format_ is RunFormat.JSON:
                    typer.echo(json_line(alert))
                else:
                    names = ", ".join(
                        f"{e['type']}: {next((str(v) for k, v in e.items() if k != 'type'), '')}"
                        for e in alert["entities"]
                    )
                    rows.append([alert["severity"], alert["rule"], alert["start"], alert["end"], alert["rows"], names])
    if format_ is RunFormat.TABLE:
        print_table(["severity", "rule", "start", "end", "rows", "entities"], rows)
        error_console.print(f"{len(rows)} alerts from {len(wanted)} rules")
    if failed:
        raise typer.Exit(1)
