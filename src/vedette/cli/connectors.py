"""`vedette connectors`: services that a running server collects from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from vedette.cli.forms import (
    FromInput,
    FromVariables,
    Settings,
    fields_shown,
    form_body,
    kind_of,
    named,
    pairs,
    tell_test,
)
from vedette.cli.opening import operations
from vedette.cli.options import DataDir, JsonReport, WorkspaceName
from vedette.cli.output import harmless, json_line, note, print_table
from vedette.core.errors import InvalidInput
from vedette.core.files import read_whole

if TYPE_CHECKING:
    from vedette.api.operations import Operations

MAX_DEFINITION: Final = 16 * 1024 * 1024
"""Bytes of a file with codeless connectors."""

group = typer.Typer(no_args_is_help=True, help="Connectors: services that a running server collects from.")

Instance = Annotated[str, typer.Argument(help="The instance's name or id.", metavar="NAME")]
Intervals = Annotated[
    list[str] | None,
    typer.Option("--interval", help="How often an endpoint is polled; may be repeated.", metavar="ENDPOINT=SECONDS"),
]


def register(app: typer.Typer) -> None:
    """Adds the group."""
    app.add_typer(group, name="connectors")


@group.command("kinds")
def kinds(data: DataDir = None, workspace: WorkspaceName = "default", json_: JsonReport = False) -> None:
    """List what can be collected from, with the fields that each needs."""
    with operations(data, workspace, makes=True) as held:
        found = held.connector_kinds()
    if json_:
        typer.echo(json_line(found))
        return
    print_table(
        ["kind", "title", "category", "fields", "endpoints"],
        [
            [
                one["id"], one["displayName"], one["category"],
                fields_shown(one),
                ", ".join(at["id"] for at in one["endpoints"]),
            ]
            for one in found
        ],
    )  # fmt: skip


@group.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A JSON file.", metavar="FILE")],
    data: DataDir = None,
    workspace: WorkspaceName = "default",
    json_: JsonReport = False,
) -> None:
    """Import a codeless connector of Microsoft Sentinel: a data connector of the kind RestApiPoller, or an ARM template with some.

    Each becomes a kind, of which instances are added. What is not supported is refused by its name, and nothing is imported.
    """
    try:
        text = read_whole(file, MAX_DEFINITION).decode("utf-8-sig")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise InvalidInput(f"The file cannot be read: {reason}.", file=str(file)) from None
    with operations(data, workspace, makes=True) as held:
        found = held.import_connector(text)
    if json_:
        typer.echo(json_line({"imported": found}))
        return
    for kind in found:
        typer.echo(harmless(f"imported {kind}; add an instance with `vedette connectors add {kind} NAME`"))


@group.command("list")
def list_(data: DataDir = None, workspace: WorkspaceName = "default", json_: JsonReport = False) -> None:
    """List the instances with their health."""
    with operations(data, workspace) as held:
        found = held.connectors()
    if json_:
        typer.echo(json_line(found))
        return
    print_table(
        ["name", "kind", "status", "endpoint", "last poll", "events", "message"],
        [
            [
                one["name"], one["kind"], one["status"], at["endpoint"], at["lastPollTimeUtc"] or "", at["fetched"],
                at["message"] or "",
            ]
            for one in found
            for at in one["endpoints"]
        ],
    )  # fmt: skip
    if not found:
        note("There is no connector; `vedette connectors add` makes one.")


@group.command("add")
def add(
    kind: Annotated[str, typer.Argument(help="What to collect from: see `vedette connectors kinds`.", metavar="KIND")],
    name: Annotated[str, typer.Argument(help="A name of its own, such as the tenant's.", metavar="NAME")],
    data: DataDir = None,
    workspace: WorkspaceName = "default",
    settings: Settings = None,
    variables: FromVariables = None,
    from_input: FromInput = None,
    interval: Intervals = None,
    disabled: Annotated[bool, typer.Option("--disabled", help="Save it without polling.")] = False,
    json_: JsonReport = False,
) -> None:
    """Add an instance. Secrets come from environment variables or standard input, or are asked for, and are never shown again."""
    with operations(data, workspace, makes=True) as held:
        body = form_body(_kind(held, kind), settings, variables, from_input, ask=True)
        about = {"kind": kind, "name": name, "enabled": not disabled, "intervals": _seconds(interval)}
        made = held.add_connector({**body, **about})
    if json_:
        typer.echo(json_line(made))
        return
    typer.echo(harmless(f"added {made['name']} ({made['kind']}); it is polled while a server runs"))


@group.command("set")
def set_(
    name: Instance,
    data: DataDir = None,
    workspace: WorkspaceName = "default",
    settings: Settings = None,
    variables: FromVariables = None,
    from_input: FromInput = None,
    interval: Intervals = None,
    new_name: Annotated[str | None, typer.Option("--name", help="Another name.", metavar="NAME")] = None,
    enabled: Annotated[bool | None, typer.Option("--enabled/--disabled", help="Whether it is polled.")] = None,
    json_: JsonReport = False,
) -> None:
    """Change what is given of an instance, and keep the rest."""
    with operations(data, workspace) as held:
        one = _instance(held, name)
        body = form_body(_kind(held, one["kind"]), settings, variables, from_input, ask=False)
        if new_name is not None:
            body["name"] = new_name
        if enabled is not None:
            body["enabled"] = enabled
        chosen = _seconds(interval)
        if chosen is not None:
            defaults = {at["endpoint"]: at["intervalSeconds"] for at in one["endpoints"]}
            body["intervals"] = {**defaults, **chosen}
        changed = held.change_connector(one["id"], body)
    typer.echo(json_line(changed) if json_ else harmless(f"changed {changed['name']}"))


@group.command("test")
def try_(name: Instance, data: DataDir = None, workspace: WorkspaceName = "default", json_: JsonReport = False) -> None:
    """Find out whether polls can succeed: hosts, credentials and each permission. Ends with 1 if something is missing."""
    with operations(data, workspace) as held:
        report = held.test_connector(_instance(held, name)["id"])
    tell_test(report, json_)


@group.command("polls")
def polls(
    name: Instance,
    data: DataDir = None,
    workspace: WorkspaceName = "default",
    top: Annotated[int, typer.Option("--top", min=1, max=1000, help="How many.", metavar="COUNT")] = 50,
    json_: JsonReport = False,
) -> None:
    """Show the newest polls of an instance."""
    with operations(data, workspace) as held:
        found = held.connector_polls(_instance(held, name)["id"], top)
    if json_:
        typer.echo(json_line(found))
        return
    print_table(
        ["started", "endpoint", "outcome", "events", "pages", "message"],
        [
            [one["startedTimeUtc"], one["endpoint"], one["outcome"], one["fetched"], one["pages"], one["message"] or ""]
            for one in found
        ],
    )


@group.command("delete")
def delete(name: Instance, data: DataDir = None, workspace: WorkspaceName = "default") -> None:
    """Delete an instance with its secrets; what it collected stays."""
    with operations(data, workspace) as held:
        one = _instance(held, name)
        held.delete_connector(one["id"])
    typer.echo(harmless(f"deleted {one['name']}"))


def _kind(held: Operations, identity: str) -> Mapping[str, Any]:
    return kind_of(held.connector_kinds(), "id", identity, "connector")


def _instance(held: Operations, name: str) -> Mapping[str, Any]:
    return named(held.connectors(), name, "connector instance")


def _seconds(given: Sequence[str] | None) -> dict[str, int] | None:
    if not given:
        return None
    chosen = {}
    for name, value in pairs(given, "--interval").items():
        if not value.isascii() or not value.isdigit():
            raise InvalidInput(f"--interval {name}: '{value[:20]}' is no number of seconds.", target="--interval")
        chosen[name] = int(value)
    return chosen
