"""`vedette destinations`: where incidents are delivered to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from vedette.cli.forms import (
    FromInput,
    FromVariables,
    Settings,
    fields_shown,
    form_body,
    kind_of,
    named,
    tell_test,
)
from vedette.cli.opening import operations
from vedette.cli.options import DataDir, JsonReport, WorkspaceName
from vedette.cli.output import harmless, json_line, note, print_table

if TYPE_CHECKING:
    from vedette.api.operations import Operations

group = typer.Typer(no_args_is_help=True, help="Destinations: where a running server delivers incidents to.")

Destination = Annotated[str, typer.Argument(help="The destination's name or id.", metavar="NAME")]


def register(app: typer.Typer) -> None:
    """Adds the group."""
    app.add_typer(group, name="destinations")


@group.command("kinds")
def kinds(data: DataDir = None, workspace: WorkspaceName = "default", json_: JsonReport = False) -> None:
    """List what can be delivered to, with the fields that each needs."""
    with operations(data, workspace, makes=True) as held:
        found = _kinds(held)
    if json_:
        typer.echo(json_line(found))
        return
    print_table(["kind", "title", "fields"], [[one["kind"], one["displayName"], fields_shown(one)] for one in found])


@group.command("list")
def list_(data: DataDir = None, workspace: WorkspaceName = "default", json_: JsonReport = False) -> None:
    """List the destinations with their health, and how many deliveries wait or have failed."""
    with operations(data, workspace) as held:
        found = destinations(held)
    if json_:
        typer.echo(json_line(found))
        return
    print_table(
        ["name", "kind", "enabled", "health", "pending", "failed", "last success", "message"],
        [
            [
                one["name"], one["kind"], one["enabled"], one["health"]["state"], one["health"]["pending"],
                one["health"]["failed"], one["health"]["lastSuccessTimeUtc"] or "", one["health"]["message"] or "",
            ]
            for one in found
        ],
    )  # fmt: skip
    if not found:
        note("There is no destination; `vedette destinations add` makes one.")


@group.command("add")
def add(
    kind: Annotated[str, typer.Argument(help="What to deliver to: see `vedette destinations kinds`.", metavar="KIND")],
    name: Annotated[str, typer.Argument(help="A name of its own, such as the workspace's.", metavar="NAME")],
    data: DataDir = None,
    workspace: WorkspaceName = "default",
    settings: Settings = None,
    variables: FromVariables = None,
    from_input: FromInput = None,
    disabled: Annotated[bool, typer.Option("--disabled", help="Save it without delivering.")] = False,
    json_: JsonReport = False,
) -> None:
    """Add a destination. Secrets come from environment variables or standard input, or are asked for, and are never shown again."""
    with operations(data, workspace, makes=True) as held:
        body = form_body(_kind(held, kind), settings, variables, from_input, ask=True)
        made = held.request("POST", "/destinations", json={**body, "kind": kind, "name": name, "enabled": not disabled})
    if json_:
        typer.echo(json_line(made))
        return
    typer.echo(harmless(f"added {made['name']} ({made['kind']}); incidents are delivered while a server runs"))


@group.command("set")
def set_(
    name: Destination,
    data: DataDir = None,
    workspace: WorkspaceName = "default",
    settings: Settings = None,
    variables: FromVariables = None,
    from_input: FromInput = None,
    new_name: Annotated[str | None, typer.Option("--name", help="Another name.", metavar="NAME")] = None,
    enabled: Annotated[
        bool | None, typer.Option("--enabled/--disabled", help="Whether incidents are delivered to it.")
    ] = None,
    json_: JsonReport = False,
) -> None:
    """Change what is given of a destination, and keep the rest; what waits is tried again at once."""
    with operations(data, workspace) as held:
        one = named(destinations(held), name, "destination")
        body = form_body(_kind(held, str(one["kind"])), settings, variables, from_input, ask=False)
        changed = held.request("PATCH", _path(one), json={**body, "name": new_name, "enabled": enabled})
    typer.echo(json_line(changed) if json_ else harmless(f"changed {changed['name']}"))


@group.command("test")
def try_(
    name: Destination, data: DataDir = None, workspace: WorkspaceName = "default", json_: JsonReport = False
) -> None:
    """Find out whether deliveries can succeed, step by step. Ends with 1 if something is missing."""
    with operations(data, workspace) as held:
        report = held.request("POST", f"{_path(named(destinations(held), name, 'destination'))}/test")
    tell_test(report, json_)


@group.command("remove")
def remove(name: Destination, data: DataDir = None, workspace: WorkspaceName = "default") -> None:
    """Remove a destination with its secrets; what was delivered stays there, and what waits for it is given up."""
    with operations(data, workspace) as held:
        one = named(destinations(held), name, "destination")
        held.request("DELETE", _path(one))
    typer.echo(harmless(f"removed {one['name']}"))


def destinations(held: Operations) -> list[dict[str, Any]]:
    """Every destination of the workspace."""
    return list(held.request("GET", "/destinations")["value"])


def _kinds(held: Operations) -> list[dict[str, Any]]:
    return list(held.request("GET", "/destination-kinds")["value"])


def _kind(held: Operations, kind: str) -> Mapping[str, Any]:
    return kind_of(_kinds(held), "kind", kind, "kind of destination")


def _path(one: Mapping[str, Any]) -> str:
    return f"/destinations/{quote(str(one['id']), safe='')}"
