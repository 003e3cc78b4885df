"""`vedette rules`: analytics rules in, and run."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from vedette.cli.opening import operations
from vedette.cli.options import DataDir, JsonReport, WorkspaceName, duration, moment
from vedette.cli.output import counted, harmless, json_line, listed, note, print_problems, print_table, screen
from vedette.cli.progress import DelayedBar
from vedette.core.errors import NotFound, VedetteError
from vedette.detect.reading.problems import ProblemSeverity

group = typer.Typer(no_args_is_help=True, help="Analytics rules.")


NO_QUERY = "VDT0437"
"""Code of a Sigma rule that could not be made a query: its place is in its file."""


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
        list[Path],
        typer.Argument(
            help="Files and folders: YAML, ARM JSON, custom detections of Defender XDR, or Sigma.",
            metavar="PATH",
        ),
    ],
    data: DataDir = None,
    workspace: WorkspaceName = "default",
    replacing: Annotated[
        bool, typer.Option("--replace", help="Make a rule whose id is there the next revision of that rule.")
    ] = False,
    json_: JsonReport = False,
) -> None:
    """Import analytics rules.

    YAML in the layout of the public Azure-Sentinel repository, ARM JSON templates as the portal exports them, custom detections of
    Defender XDR as Microsoft Graph gives them, and Sigma rules, correlations and filters. A rule that is there is left; one whose id
    belongs to a rule with other content is kept under an id of its own and reported, or with --replace becomes the next revision of
    that rule, as after an edit. Exit code 1 if a file or a rule could not be read; the others are imported all the same. A rule whose
    query does not bind here (a table, a column or a function is missing, or it has a mistake) is imported and named as broken, with
    the place in its query.
    """
    with operations(data, workspace, makes=True) as held, DelayedBar("importing rules"):
        report = held.import_rules(paths, replacing)
    if json_:
        typer.echo(json_line(report))
    else:
        _print_report(report)
    if any(problem["severity"] == ProblemSeverity.ERROR for problem in report["problems"]):
        raise typer.Exit(1)


def _print_report(report: dict[str, Any]) -> None:
    console = screen(stderr=True)
    print_problems(report["problems"])
    for one in report["derived"]:
        console.print(
            harmless(
                f"note {one['file']}: the id {one['given_id']} belongs to another rule; '{one['name']}' is kept as {one['id']}. "
                "With --replace it becomes the next revision of that rule."
            )
        )
    for one in report["broken"]:
        place = f"{one['file'] or 'rule'}: '{one['name']}'"
        console.print(harmless(f"broken {place}, line {one['line']}{_of_query(one)}: {one['code']} {one['message']}"))
    if report["broken"]:
        console.print(
            harmless(
                "  Broken rules are kept and tried again with every window; `vedette rules list --broken` shows them."
            ),
            style="dim",
        )
    words = ("added", "updated", "unchanged", "derived", *(("broken",) if report["broken"] else ()))
    counts = [f"{len(report[word])} {word}" for word in words]
    errors = sum(problem["severity"] == ProblemSeverity.ERROR for problem in report["problems"])
    typer.echo(", ".join([*counts, *([counted(errors, "error")] if errors else [])]))


def _of_query(one: dict[str, Any]) -> str:
    """Where a fault is: in the query, or in the file where there is no query."""
    return "" if one["code"] == NO_QUERY else f", column {one['column']} of its query"


@group.command("list")
def list_(
    data: DataDir = None,
    workspace: WorkspaceName = "default",
    broken: Annotated[
        bool, typer.Option("--broken", help="Only rules whose query cannot be run now, with the reason.")
    ] = False,
    json_: JsonReport = False,
) -> None:
    """List the rules.

    With `--broken`: the rules whose query does not bind, with the diagnostic, its place in the query, and the table or column that
    is missing. They stop no other rule, and are tried again with every window: rows for a missing table make them whole.
    """
    with operations(data, workspace) as held:
        rules = held.request("GET", "/broken-rules")["value"] if broken else held.rules()
    if json_:
        typer.echo(json_line(rules))
        return
    if broken:
        _print_broken(rules)
        return
    print_table(
        ["id", "name", "severity", "kind", "enabled"],
        [[rule["id"], rule["name"], rule["severity"], rule["kind"], rule["enabled"]] for rule in rules],
    )


@group.command("templates")
def templates(data: DataDir = None, workspace: WorkspaceName = "default", json_: JsonReport = False) -> None:
    """List the rules that ship: which of them the workspace has, and which tables they still wait for."""
    with operations(data, workspace) as held:
        found = held.request("GET", "/rule-templates")["value"]
    if json_:
        typer.echo(json_line(found))
        return
    print_table(
        ["name", "severity", "in use", "tables", "without rows"],
        [
            [
                one["name"],
                one["severity"],
                "yes" if one["inUse"] else "no",
                ", ".join(one["tables"]),
                ", ".join(one["missingTables"]),
            ]
            for one in found
        ],
    )


@group.command("add")
def add(
    names: Annotated[list[str], typer.Argument(help="Ids or names of rules that ship.", metavar="TEMPLATE")],
    data: DataDir = None,
    workspace: WorkspaceName = "default",
    json_: JsonReport = False,
) -> None:
    """Add rules that ship to the workspace, switched on. `vedette rules templates` lists them."""
    with operations(data, workspace, makes=True) as held:
        added = [held.request("POST", f"/rule-templates/{quote(name, safe='')}") for name in names]
    if json_:
        typer.echo(json_line(added))
        return
    for one in added:
        outcome = next((word for word in ("added", "updated") if one[word]), "unchanged")
        typer.echo(harmless(f"{outcome} {one['name']}"))


RuleNames = Annotated[list[str], typer.Argument(help="Ids or names of rules.", metavar="ID")]


@group.command("enable")
def enable(rules: RuleNames, data: DataDir = None, workspace: WorkspaceName = "default") -> None:
    """Switch rules on. The ledger says of the time in which a rule was off that it was."""
    _change(rules, data, workspace, "PATCH", {"enabled": True}, "enabled")


@group.command("disable")
def disable(rules: RuleNames, data: DataDir = None, workspace: WorkspaceName = "default") -> None:
    """Switch rules off; they keep their alerts and incidents."""
    _change(rules, data, workspace, "PATCH", {"enabled": False}, "disabled")


@group.command("delete")
def delete(rules: RuleNames, data: DataDir = None, workspace: WorkspaceName = "default") -> None:
    """Delete rules with their revisions. Their alerts and incidents stay."""
    _change(rules, data, workspace, "DELETE", None, "deleted")


def _change(
    rules: list[str], data: Path | None, workspace: str, method: str, body: dict[str, bool] | None, done: str
) -> None:
    """Does one thing to each of some rules, once all of them are found."""
    with operations(data, workspace) as held:
        found = [held.request("GET", f"/rules/{quote(rule, safe='')}") for rule in rules]
        for rule in {one["id"]: one for one in found}.values():
            held.request(method, f"/rules/{quote(rule['id'], safe='')}", **({"json": body} if body else {}))
            typer.echo(harmless(f"{done} {rule['name']}"))


def _print_broken(rules: list[dict[str, Any]]) -> None:
    print_table(
        ["id", "name", "place", "code", "message", "missing"],
        [
            [
                rule["id"],
                rule["name"],
                f"{rule['line']}:{rule['column']}",
                rule["code"],
                rule["message"],
                ", ".join(f"{one['kind']} {one['name']}" for one in rule["missing"]),
            ]
            for rule in rules
        ],
    )
    note(f"{counted(len(rules), 'broken rule')}")


@group.command("run")
def run(
    data: DataDir = None,
    workspace: WorkspaceName = "default",
    at: Annotated[str, typer.Option("--at", help="Run as if now were this time.", metavar="TIME")] = "now",
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
    from vedette.core.clock import SystemClock

    now = moment(at, "--at", SystemClock())
    span = duration(period, "--period") if period else None
    console = screen(stderr=True)
    rows: list[list[object]] = []
    failures = 0
    with operations(data, workspace) as held, DelayedBar("running rules") as bar:
        wanted = [rule] if rule else [one["id"] for one in held.rules() if one["runnable"]]
        for done_before, identity in enumerate(wanted):
            bar.update("running rules", done_before, len(wanted))
            try:
                done = held.run_rule(identity, now, span)
            except NotFound:
                raise
            except VedetteError as error:
                if rule:
                    raise
                failures += 1
                console.print(harmless(f"error {identity}: {error}"))
                continue
            if done["error"]:
                failures += 1
                console.print(harmless(f"error {done['rule']}: {_place(done['error'])}{done['error']['message']}"))
            for alert in done["alerts"]:
                if format_ is RunFormat.JSON:
                    typer.echo(json_line(alert))
                else:
                    rows.append(_row(alert))
    if format_ is RunFormat.TABLE:
        print_table(["severity", "rule", "start", "end", "rows", "entities"], rows)
        if not wanted:
            note("There is no rule to run; `vedette rules import` brings some.")
        note(f"{counted(len(rows), 'alert')} from {counted(len(wanted), 'rule')}")
    if failures:
        raise typer.Exit(1)


def _place(error: dict[str, Any]) -> str:
    """Where in the rule's query an error is, where that is known."""
    if error.get("line") is None:
        return ""
    return f"line {error['line']}, column {error['column']} of its query: {error['code']} "


def _row(alert: dict[str, Any]) -> list[object]:
    names = [
        f"{entity['type']}: {next((str(value) for key, value in entity.items() if key != 'type'), '')}"
        for entity in alert["entities"]
    ]
    return [alert["severity"], alert["rule"], alert["start"], alert["end"], alert["rows"], listed(names)]
