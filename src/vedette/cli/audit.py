"""`vedette audit`: who did what to what, and whether the trail is whole."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer

from vedette.cli.opening import operations
from vedette.cli.options import DataDir, JsonReport
from vedette.cli.output import json_line, note, print_table

group = typer.Typer(no_args_is_help=True, help="The audit trail: who did what to what, and when.")


def register(app: typer.Typer) -> None:
    """Adds the group."""
    app.add_typer(group, name="audit")


@group.command("list")
def listed(
    data: DataDir = None,
    workspace: Annotated[
        str | None, typer.Option("--workspace", "-w", help="Only of this workspace, by name or id.")
    ] = None,
    action: Annotated[
        str | None, typer.Option("--action", help="Only this action, like users/create; all of a kind with users/.")
    ] = None,
    actor: Annotated[str | None, typer.Option("--actor", help="Only what this account did, by its id.")] = None,
    top: Annotated[int, typer.Option("--top", min=1, max=1000, help="At most so many entries.")] = 50,
    before: Annotated[int | None, typer.Option("--before", min=1, help="Go on below this number.")] = None,
    json_: JsonReport = False,
) -> None:
    """List entries, the newest first."""
    asked = {"top": str(top), "action": action, "actor": actor, "before": None if before is None else str(before)}
    path = "/audit" if workspace is None else f"/workspaces/{quote(workspace, safe='')}/audit"
    with operations(data, "default") as held:
        found: list[dict[str, Any]] = held.installation(
            "GET", path, params={name: value for name, value in asked.items() if value is not None}
        )["value"]
    if json_:
        typer.echo(json_line(found))
        return
    print_table(
        ["number", "time", "who", "action", "what", "detail"],
        [
            [one["sequence"], one["timeUtc"], one["actor"], one["action"], one["target"], json_line(one["detail"])]
            for one in found
        ],
    )
    if len(found) == top:
        note(f"There may be more: --before {found[-1]['sequence']}")


@group.command("verify")
def verify(
    data: DataDir = None,
    noted: Annotated[
        str | None,
        typer.Option("--noted", metavar="NUMBER:HASH", help="An entry as an earlier verification printed it."),
    ] = None,
    json_: JsonReport = False,
) -> None:
    """Read the whole trail and say whether an entry was changed, taken out or put in. Exit code 1 if so.

    Keep what it prints somewhere else, and give it with --noted the next time: that shows a trail that was written anew.
    """
    params = {}
    if noted is not None:
        number, _, hashed = noted.partition(":")
        params = {"sequence": number, "hash": hashed}
    with operations(data, "default") as held:
        found = held.installation("GET", "/audit/check", params=params)
    if json_:
        typer.echo(json_line(found))
    elif found["intact"]:
        typer.echo(
            f"The audit trail is whole: {found['entries']} entries, the last one {found['entries']}:{found['hash']}"
        )
    else:
        typer.echo(f"The audit trail is not whole: entry {found['brokenAt']}: {found['reason']}.")
    if not found["intact"]:
        raise typer.Exit(1)
