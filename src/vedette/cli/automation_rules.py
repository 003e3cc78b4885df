"""`vedette automation-rules`: what is done with incidents in the moment in which they are made or changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from vedette.cli.opening import operations
from vedette.cli.options import DataDir, JsonReport, WorkspaceName
from vedette.cli.output import harmless, json_line, print_export, print_list, print_problems, screen

group = typer.Typer(
    no_args_is_help=True, help="Automation rules, which are applied to incidents when they are made or changed."
)


def register(app: typer.Typer) -> None:
    """Adds the group."""
    app.add_typer(group, name="automation-rules")


@group.command("list")
def list_(data: DataDir = None, workspace: WorkspaceName = "default", json_: JsonReport = False) -> None:
    """List the rules in the order in which they are applied, with what each has done."""
    with operations(data, workspace) as held:
        found = held.request("GET", "/automation-rules")["value"]
    print_list(
        found,
        json_,
        ["id", "order", "trigger", "name", "state", "does", "applied", "last", "errors"],
        lambda one: [
            one["id"], one["order"], f"{one['triggersOn']} {one['triggersWhen']}".lower(), one["displayName"],
            one["state"], "; ".join(one["does"]), one["timesApplied"], (one["lastAppliedTimeUtc"] or "")[:19],
            one["errors"],
        ],
        none="There is no automation rule; `vedette automation-rules import` brings some.",
    )  # fmt: skip
    if not json_:
        for one in found:
            for message in one["notRunnable"]:
                screen(stderr=True).print(harmless(f"note '{one['displayName']}': {message}"))


@group.command("import")
def import_(
    paths: Annotated[
        list[Path],
        typer.Argument(help="Files and folders: ARM JSON, as Microsoft Sentinel exports it.", metavar="PATH"),
    ],
    data: DataDir = None,
    workspace: WorkspaceName = "default",
    json_: JsonReport = False,
) -> None:
    """Import automation rules: ARM templates, or resources as the REST API gives them.

    A rule that is there becomes what the file says. A rule that runs playbooks is imported whole and named: the playbook itself is
    not run here. Exit code 1 if a file or a rule could not be read; the others are imported all the same.
    """
    from vedette.respond.automation.reading import read_files

    files, faults = read_files(paths)
    body = {"files": [{"name": name, "content": text} for name, text in files]}
    with operations(data, workspace, makes=True) as held:
        report = held.request("POST", "/automation-rules/import", json=body)
    report["problems"] = [*(fault.to_dict() for fault in faults), *report["problems"]]
    if json_:
        typer.echo(json_line(report))
    else:
        print_problems(report["problems"])
        for one in report["notRunnable"]:
            screen(stderr=True).print(harmless(f"note '{one['name']}': {one['message']}"))
        typer.echo(", ".join(f"{len(report[word])} {word}" for word in ("added", "updated", "unchanged")))
    if any(problem["severity"] == "Error" for problem in report["problems"]):
        raise typer.Exit(1)


@group.command("export")
def export(
    data: DataDir = None,
    workspace: WorkspaceName = "default",
    rule: Annotated[
        list[str] | None, typer.Option("--rule", help="A rule, by id or name (default: all).", metavar="ID")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to a file instead of the screen.", metavar="FILE")
    ] = None,
) -> None:
    """Write rules out for Microsoft Sentinel: an ARM template as its portal exports it. What Sentinel has no field for is said."""
    with operations(data, workspace) as held:
        found = held.request("GET", "/automation-rules/export", params=[("rule", one) for one in rule or []])
    text = json.dumps(found["content"], indent=4, ensure_ascii=False) + "\n"
    print_export(text, output, found["notes"])


@group.command("delete")
def delete(
    rule: Annotated[str, typer.Argument(help="The rule, by id or name.", metavar="ID")],
    data: DataDir = None,
    workspace: WorkspaceName = "default",
) -> None:
    """Delete a rule. What it did stays in the history of its incidents."""
    with operations(data, workspace) as held:
        held.request("DELETE", f"/automation-rules/{quote(rule, safe='')}")
    typer.echo(f"deleted {rule}")
