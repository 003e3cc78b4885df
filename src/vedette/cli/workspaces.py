"""`vedette workspaces`: whose logs, rules, incidents and rights are kept apart."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer

from vedette.cli.opening import operations
from vedette.cli.options import DataDir, JsonReport
from vedette.cli.output import harmless, json_line, note, print_table
from vedette.core.errors import InvalidInput

group = typer.Typer(no_args_is_help=True, help="Workspaces, which keep logs, rules, incidents and rights apart.")
Name = Annotated[str, typer.Argument(help="The workspace, by name or id.", metavar="WORKSPACE")]


def register(app: typer.Typer) -> None:
    """Adds the group."""
    app.add_typer(group, name="workspaces")


def _ask(data: DataDir, method: str, name: str = "", path: str = "", *, makes: bool = False, **arguments: Any) -> Any:
    address = f"/{quote(name, safe='')}{path}" if name else ""
    with operations(data, "default", makes=makes) as held:
        return held.installation(method, f"/workspaces{address}", **arguments)


@group.command("list")
def listed(data: DataDir = None, json_: JsonReport = False) -> None:
    """Show every workspace, also those that are archived."""
    found = _ask(data, "GET", params={"archived": True})["value"]
    if json_:
        typer.echo(json_line(found))
        return
    print_table(
        ["name", "shown as", "id", "made", "state"],
        [
            [one["name"], one["displayName"], one["id"], one["createdTimeUtc"][:10],
             f"archived {one['archivedTimeUtc'][:10]}" if one["archivedTimeUtc"] else "in use"]
            for one in found
        ],
    )  # fmt: skip


@group.command("create")
def create(
    name: Annotated[str, typer.Argument(help="Letters, digits and hyphens; it stays.", metavar="NAME")],
    data: DataDir = None,
    shown: Annotated[str | None, typer.Option("--display-name", help="The name that is shown.")] = None,
    json_: JsonReport = False,
) -> None:
    """Make a workspace. Commands work in it with `--workspace NAME`."""
    made = _ask(data, "POST", makes=True, json={"name": name, "displayName": shown})
    typer.echo(json_line(made) if json_ else harmless(f"Made the workspace {made['name']}, {made['id']}."))


@group.command("update")
def update(
    name: Name,
    data: DataDir = None,
    shown: Annotated[str | None, typer.Option("--display-name", help="The name that is shown.")] = None,
) -> None:
    """Change the name that is shown of a workspace."""
    if shown is None:
        raise InvalidInput("There is nothing to change.", hint="Add --display-name NAME.")
    done = _ask(data, "PATCH", name, json={"displayName": shown})
    typer.echo(harmless(f"{done['name']} is shown as {done['displayName']}."))


@group.command("archive")
def archive(name: Name, data: DataDir = None) -> None:
    """Take a workspace out of use: nothing is read, received or run in it. Its data stays."""
    done = _ask(data, "POST", name, "/archive")
    typer.echo(harmless(f"{done['name']} is archived."))
    note(f"`vedette workspaces restore {done['name']}` takes it into use again, `delete` deletes it for good.")


@group.command("restore")
def restore(name: Name, data: DataDir = None) -> None:
    """Take an archived workspace into use again."""
    done = _ask(data, "POST", name, "/restore")
    typer.echo(harmless(f"{done['name']} is in use."))


@group.command("delete")
def delete(
    name: Name,
    data: DataDir = None,
    sure: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete an archived workspace for good: its logs, rules, incidents, secrets and roles."""
    if not sure:
        typer.confirm(f"Delete the workspace {name} with all its data?", abort=True)
    _ask(data, "DELETE", name)
    typer.echo(harmless(f"{name} is deleted."))
