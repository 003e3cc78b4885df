"""`vedette watch`: folders whose files a running server loads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vedette.cli.opening import operations
from vedette.cli.options import DataDir, JsonReport, WorkspaceName
from vedette.cli.output import harmless, json_line, print_table, screen

group = typer.Typer(no_args_is_help=True, help="Folders whose files a running server loads.")


def register(app: typer.Typer) -> None:
    """Adds the group."""
    app.add_typer(group, name="watch")


@group.command("add")
def add(
    folder: Annotated[Path, typer.Argument(help="The folder.", metavar="DIR")],
    data: DataDir = None,
    workspace: WorkspaceName = "default",
    table: Annotated[
        str | None, typer.Option(help="The table of all its files; else their records tell it.", metavar="TABLE")
    ] = None,
    move: Annotated[bool, typer.Option("--move", help="Move what was loaded into its folder `loaded`.")] = False,
) -> None:
    """Watch a folder: files that are put there are loaded when they are complete.

    What cannot be loaded goes into its folder `failed`, beside a text with the reason. Who may do this may have the server read
    whatever it may read, so it needs the right to change settings.
    """
    with operations(data, workspace, makes=True) as held:
        made = held.watch_folder(folder, table, move=move)
    typer.echo(harmless(f"{made['path']} is watched while a server runs."))


@group.command("list")
def listed(data: DataDir = None, workspace: WorkspaceName = "default", json_: JsonReport = False) -> None:
    """Show the watched folders, and what has come of them since the server started."""
    with operations(data, workspace) as held:
        folders = held.watched_folders()
    if json_:
        typer.echo(json_line(folders))
        return
    print_table(
        ["folder", "table", "loaded files", "rows", "waiting", "failed"],
        [
            [one["path"], one["table"] or "", one["files"], one["rows"], one["waiting"], one["failed"]]
            for one in folders
        ],
    )
    console = screen(stderr=True)
    for one in folders:
        if one["problem"]:
            console.print(harmless(f"{one['path']} cannot be read: {one['problem']}."))
        for problem in one["problems"]:
            console.print(harmless(f"{problem['file']}: {problem['reason']}"))


@group.command("remove")
def remove(
    folder: Annotated[str, typer.Argument(help="The folder, or its id.", metavar="DIR")],
    data: DataDir = None,
    workspace: WorkspaceName = "default",
) -> None:
    """Watch a folder no longer; its files stay."""
    with operations(data, workspace) as held:
        known = {one["id"] for one in held.watched_folders()}
        held.unwatch_folder(folder if folder in known else str(Path(folder).resolve()))
    typer.echo(harmless(f"{folder} is watched no longer."))
