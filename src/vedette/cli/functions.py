"""`vedette functions`: KQL that a workspace keeps under a name, parsers above all."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vedette.cli.opening import operations
from vedette.cli.options import DataDir, JsonReport, WorkspaceName
from vedette.cli.output import harmless, json_line, note, print_list, print_problems

group = typer.Typer(no_args_is_help=True, help="Saved functions (parsers), which every query may call.")

Name = Annotated[str, typer.Argument(help="The function's name.", metavar="NAME")]


def register(app: typer.Typer) -> None:
    """Adds the group."""
    app.add_typer(group, name="functions")


@group.command("list")
def list_(data: DataDir = None, workspace: WorkspaceName = "default", json_: JsonReport = False) -> None:
    """List the saved functions."""
    with operations(data, workspace) as held:
        found = held.functions()
    print_list(
        found,
        json_,
        ["name", "parameters", "category", "version", "revision"],
        lambda one: [one["name"], one["parameters"], one["category"], one["version"], one["revision"]],
        none="There is no saved function; `vedette functions import` brings some.",
    )


@group.command("show")
def show(name: Name, data: DataDir = None, workspace: WorkspaceName = "default", json_: JsonReport = False) -> None:
    """Show a saved function as KQL."""
    with operations(data, workspace) as held:
        found = held.function(name)
    if json_:
        typer.echo(json_line(found))
        return
    body = "\n".join(f"    {line}".rstrip() for line in found["body"].strip().splitlines())
    typer.echo(harmless(f"let {found['name']} = ({found['parameters']}) {{\n{body}\n}};"))
    note(f"revision {found['revision']} by {found['updatedBy']}, {found['updatedAt']}")


@group.command("import")
def import_(
    paths: Annotated[
        list[Path],
        typer.Argument(help="Files and folders: parsers as YAML, saved searches as ARM JSON, KQL.", metavar="PATH"),
    ],
    data: DataDir = None,
    workspace: WorkspaceName = "default",
    json_: JsonReport = False,
) -> None:
    """Import saved functions: Microsoft Sentinel's parsers and ASIM parsers as YAML, saved searches as ARM JSON, or KQL.

    A file that ends in .kql holds the body of a function without parameters, which gets the file's name. A function that changed
    becomes its next revision. Exit code 1 if a file or a function could not be read; the others are imported all the same.
    """
    with operations(data, workspace, makes=True) as held:
        report = held.import_functions(paths)
    if json_:
        typer.echo(json_line(report))
    else:
        print_problems(report["problems"])
        typer.echo(", ".join(f"{len(report[word])} {word}" for word in ("added", "updated", "unchanged")))
    if any(problem["severity"] == "Error" for problem in report["problems"]):
        raise typer.Exit(1)


@group.command("delete")
def delete(name: Name, data: DataDir = None, workspace: WorkspaceName = "default") -> None:
    """Delete a saved function with its revisions."""
    with operations(data, workspace) as held:
        held.delete_function(name)
    typer.echo(f"deleted {name}")
