"""`vedette rules replay` and `vedette rules backtest`: what rules find over a past time, with nothing kept."""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from vedette.cli.opening import operations
from vedette.cli.options import DataDir, JsonReport, WorkspaceName, moment
from vedette.cli.output import counted, harmless, json_line, listed, note, screen
from vedette.cli.progress import DelayedBar
from vedette.cli.rules import group
from vedette.core.errors import InvalidInput


def register(_app: typer.Typer) -> None:
    """Adds the commands to the group of `vedette rules`."""
    # which windows fail is counted at the end; without a handler, Python writes each to standard error as well
    logging.getLogger("vedette.detect.running").addHandler(logging.NullHandler())
    group.command("replay")(replay)
    group.command("backtest")(backtest)


def replay(
    rule: Annotated[str, typer.Option("--rule", help="The rule, by id or name.", metavar="ID")],
    from_: Annotated[str, typer.Option("--from", help="Where the first window starts.", metavar="TIME")],
    to: Annotated[str, typer.Option("--to", help="Where the last window ends, at the latest.", metavar="TIME")],
    data: DataDir = None,
    workspace: WorkspaceName = "default",
) -> None:
    """Run a rule over a past time as the scheduler would have, and print its alerts as JSON lines.

    The scheduler is the live one, its clock is virtual, and nothing is kept: two replays print the same bytes. Where the rule was
    searched by then, the windows are those of its ledger. Exit code 1 if a window could not be searched.
    """
    from vedette.core.clock import SystemClock

    clock = SystemClock()
    start, end = moment(from_, "--from", clock), moment(to, "--to", clock)
    with operations(data, workspace) as held, DelayedBar("replaying the rule"):
        done = held.replay(rule, start, end)
    for alert in done["alerts"]:
        typer.echo(json_line(alert))
    note(f"{counted(len(done['alerts']), 'alert')} from {counted(done['runs'], 'run')}")
    _fail(done["errors"], len(done["errors"]))


def backtest(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Files and folders of rules that are not in force yet.", metavar="PATH")
    ] = None,
    rule: Annotated[
        str | None,
        typer.Option("--rule", help="A rule of the library, by id or name, in place of files.", metavar="ID"),
    ] = None,
    days: Annotated[int, typer.Option("--days", help="How many days to go back.", min=1, max=366)] = 14,
    to: Annotated[str, typer.Option("--to", help="Where the time ends.", metavar="TIME")] = "now",
    data: DataDir = None,
    workspace: WorkspaceName = "default",
    json_: JsonReport = False,
) -> None:
    """Tell what rules would have found: alerts a day, examples, cost, and the difference from the versions in force.

    Nothing is kept. Exit code 1 if a file cannot be read or a window could not be searched.
    """
    from vedette.core.clock import SystemClock

    if bool(paths) == (rule is not None):
        raise InvalidInput(
            "Give files of rules, or --rule and a rule of the library.",
            hint="vedette rules backtest new.yaml --data DIR",
        )
    end = moment(to, "--to", SystemClock()).replace(microsecond=0)
    with operations(data, workspace) as held, DelayedBar("running rules over the past"):
        done = held.backtest(paths or [], rule, end - timedelta(days=days), end)
    if json_:
        typer.echo(json_line(done))
    else:
        for one in done["rules"]:
            _print(one)
    console = screen(stderr=True)
    for problem in done["problems"]:
        console.print(harmless(f"{problem['severity'].lower()} {problem['file']}: {problem['message']}"))
    for name in done["without_schedule"]:
        console.print(harmless(f"note '{name}' has no schedule and was left out."))
    failed = [error for one in done["rules"] for error in one["errors"]]
    _fail(failed, sum(one["failed"] for one in done["rules"]))
    if any(problem["severity"] == "Error" for problem in done["problems"]):
        raise typer.Exit(1)


def _print(one: dict[str, Any]) -> None:
    typer.echo(harmless(f"{one['name']} ({one['id']})"))
    typer.echo(f"  {one['from'][:19]} to {one['to'][:19]}: {_figures(one)}")
    for day, count in one["days"].items():
        typer.echo(f"    {day}  {count}")
    for line in one["examples"]:
        typer.echo(harmless(f"  example {line['start']} {line['severity']}: {line['rows']} rows, {_entities(line)}"))
    held, difference = one.get("in_force"), one.get("difference")
    if held is None or difference is None:
        return
    typer.echo(f"  in force: {_figures(held)}")
    if not difference["comparable"]:
        typer.echo(
            "  The version in force has another frequency or period: its windows, and so its alerts, are others."
        )
        return
    typer.echo(
        f"  difference: {difference['more']} more, {difference['less']} less, {difference['same']} the same, "
        f"{difference['other_rows']} of other rows"
    )


def _figures(one: dict[str, Any]) -> str:
    return (
        f"{counted(one['alerts'], 'alert')}, {one['alerts_per_day']} a day; {counted(one['runs'], 'run')} "
        f"in {one['seconds']} s, {counted(one['rows'], 'result row')}"
    )


def _entities(line: dict[str, Any]) -> str:
    names = [
        f"{entity['type']} {next((str(value) for key, value in entity.items() if key != 'type'), '')}"
        for entity in line["entities"]
    ]
    return listed(names) or "no entity"


def _fail(errors: list[dict[str, Any]], count: int) -> None:
    console = screen(stderr=True)
    if count:
        message = errors[0].get("message", "")
        console.print(harmless(f"error {counted(count, 'window')} could not be searched; the first: {message}"))
        raise typer.Exit(1)
