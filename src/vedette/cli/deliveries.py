"""`vedette deliveries`: what was delivered to destinations, and what was not."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer

from vedette.cli.destinations import destinations
from vedette.cli.forms import named
from vedette.cli.opening import operations
from vedette.cli.options import DataDir, JsonReport, WorkspaceName
from vedette.cli.output import harmless, json_line, note, print_table
from vedette.core.errors import InvalidInput

group = typer.Typer(no_args_is_help=True, help="Deliveries: what was delivered to destinations, and what was not.")


def register(app: typer.Typer) -> None:
    """Adds the group."""
    app.add_typer(group, name="deliveries")


@group.command("list")
def list_(
    data: DataDir = None,
    workspace: WorkspaceName = "default",
    destination: Annotated[
        str | None, typer.Option("--destination", help="Only those to one destination.", metavar="NAME")
    ] = None,
    state: Annotated[
        str | None, typer.Option("--state", help="Only those that are pending, delivered, failed or cancelled.")
    ] = None,
    incident: Annotated[
        int | None, typer.Option("--incident", help="Only those of one incident.", metavar="NUMBER")
    ] = None,
    top: Annotated[int, typer.Option("--top", min=1, max=1000, help="How many.", metavar="COUNT")] = 50,
    json_: JsonReport = False,
) -> None:
    """List deliveries, newest first, with how often each was tried and why it failed."""
    asked: dict[str, Any] = {"top": top}
    with operations(data, workspace) as held:
        if destination is not None:
            asked["destination"] = named(destinations(held), destination, "destination")["id"]
        asked |= {name: value for name, value in (("state", state), ("incident", incident)) if value is not None}
        page = held.request("GET", "/deliveries", params=asked)
    if json_:
        typer.echo(json_line(page["value"]))
        return
    print_table(
        ["id", "created", "destination", "incident", "title", "state", "attempts", "message"],
        [
            [
                one["id"], one["createdTimeUtc"], one["destinationName"], one["incidentNumber"] or "", one["title"],
                one["state"], one["attempts"], (one["error"] or {}).get("message", ""),
            ]
            for one in page["value"]
        ],
    )  # fmt: skip
    more = page["count"] - len(page["value"])
    note(f"{page['count']:,} in all" + (f", {more:,} of them not shown; --top shows more" if more else ""))


@group.command("retry")
def retry(
    deliveries: Annotated[list[str] | None, typer.Argument(help="Ids of deliveries that failed.", metavar="ID")] = None,
    destination: Annotated[
        str | None, typer.Option("--destination", help="Every one to this destination that failed.", metavar="NAME")
    ] = None,
    data: DataDir = None,
    workspace: WorkspaceName = "default",
) -> None:
    """Put deliveries that failed back into the queue, which a running server works through."""
    if bool(deliveries) == (destination is not None):
        raise InvalidInput(
            "Give ids of deliveries, or --destination.",
            hint="`vedette deliveries list --state failed` shows those that failed.",
        )
    with operations(data, workspace) as held:
        if destination is not None:
            one = named(destinations(held), destination, "destination")
            done = held.request("POST", f"/destinations/{quote(str(one['id']), safe='')}/retry")
            typer.echo(f"retrying {done['retried']}")
            return
        for delivery in dict.fromkeys(deliveries or ()):
            again = held.request("POST", f"/deliveries/{quote(delivery, safe='')}/retry")
            typer.echo(harmless(f"retrying {again['title']} to {again['destinationName']}"))
