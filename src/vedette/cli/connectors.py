"""`vedette connectors`: services that a running server collects from."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from vedette.cli.opening import operations
from vedette.cli.options import DataDir, JsonReport, WorkspaceName
from vedette.cli.output import harmless, json_line, note, print_table
from vedette.core.errors import InvalidInput, not_found
from vedette.core.files import read_whole

if TYPE_CHECKING:
    from vedette.api.operations import Operations

MAX_DEFINITION: Final = 16 * 1024 * 1024
"""Bytes of a file with codeless connectors."""

group = typer.Typer(no_args_is_help=True, help="Connectors: services that a running server collects from.")

Instance = Annotated[str, typer.Argument(help="The instance's name or id.", metavar="NAME")]
Settings = Annotated[
    list[str] | None, typer.Option("--set", help="A field that is no secret; may be repeated.", metavar="FIELD=VALUE")
]
FromVariables = Annotated[
    list[str] | None,
    typer.Option(
        "--secret-env", help="A secret, out of an environment variable; may be repeated.", metavar="FIELD=VARIABLE"
    ),
]
FromInput = Annotated[
    str | None, typer.Option("--secret-stdin", help="The secret that is read from standard input.", metavar="FIELD")
]
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
                ", ".join(field["name"] + ("" if field["required"] else "?") for field in one["fields"]),
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
        manifest = _kind(held, kind)
        body = _body(manifest, settings, variables, from_input, interval, ask=True)
        made = held.add_connector({**body, "kind": kind, "name": name, "enabled": not disabled})
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
        body: dict[str, Any] = _body(_kind(held, one["kind"]), settings, variables, from_input, interval, ask=False)
        if new_name is not None:
            body["name"] = new_name
        if enabled is not None:
            body["enabled"] = enabled
        if body["intervals"] is None:
            del body["intervals"]
        else:
            defaults = {at["endpoint"]: at["intervalSeconds"] for at in one["endpoints"]}
            body["intervals"] = {**defaults, **body["intervals"]}
        changed = held.change_connector(one["id"], body)
    typer.echo(json_line(changed) if json_ else harmless(f"changed {changed['name']}"))


@group.command("test")
def try_(name: Instance, data: DataDir = None, workspace: WorkspaceName = "default", json_: JsonReport = False) -> None:
    """Find out whether polls can succeed: hosts, credentials and each permission. Ends with 1 if something is missing."""
    with operations(data, workspace) as held:
        report = held.test_connector(_instance(held, name)["id"])
    if json_:
        typer.echo(json_line(report))
    else:
        print_table(
            ["step", "", "what was found", "what to do"],
            [
                [step["name"], "ok" if step["ok"] else "failed", step["message"], step.get("hint") or ""]
                for step in report["steps"]
            ],
        )
    if not report["ok"]:
        raise typer.Exit(1)


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


def _kind(held: Operations, identity: str) -> dict[str, Any]:
    known = {one["id"]: one for one in held.connector_kinds()}
    if identity not in known:
        raise not_found("connector", identity, known)
    return known[identity]


def _instance(held: Operations, name: str) -> dict[str, Any]:
    found = held.connectors()
    folded = " ".join(name.split()).casefold()
    for one in found:
        if one["id"] == name or one["name"].casefold() == folded:
            return one
    raise not_found("connector instance", name, [one["name"] for one in found])


def _body(
    manifest: Mapping[str, Any], settings: Sequence[str] | None, variables: Sequence[str] | None,
    from_input: str | None, intervals: Sequence[str] | None, *, ask: bool,
) -> dict[str, Any]:  # fmt: skip
    """What the API takes. `ask`: required secrets that are not given are asked for, where somebody can be asked."""
    secret = {field["name"]: field for field in manifest["fields"] if field["type"] == "secret"}
    values = _pairs(settings, "--set")
    for field in values:
        if field in secret:
            raise InvalidInput(
                f"{field} is a secret: an argument can be read by others on this machine.", target="--set",
                hint=f"Use --secret-env {field}=VARIABLE or --secret-stdin {field}, or leave it out to be asked for it.",
            )  # fmt: skip
    secrets: dict[str, str] = {}
    for field, variable in _pairs(variables, "--secret-env").items():
        _must_be_secret(field, secret, "--secret-env")
        if not os.environ.get(variable):
            raise InvalidInput(f"The environment variable {variable} is not set.", target="--secret-env")
        secrets[field] = os.environ[variable]
    if from_input is not None:
        _must_be_secret(from_input, secret, "--secret-stdin")
        secrets[from_input] = sys.stdin.read(1_000_000).strip()
    for field, described in secret.items():
        if ask and field not in secrets and described["required"] and sys.stdin.isatty():
            secrets[field] = typer.prompt(described["label"], hide_input=True)
    return {"settings": values, "secrets": secrets, "intervals": _seconds(intervals)}


def _must_be_secret(field: str, secret: Mapping[str, object], option: str) -> None:
    if field not in secret:
        raise InvalidInput(f"{option}: {field} is no secret field; use --set.", target=option)


def _pairs(given: Sequence[str] | None, option: str) -> dict[str, str]:
    pairs = {}
    for one in given or ():
        name, equals, value = one.partition("=")
        if not equals or not name:
            # the text is not repeated: it may be a secret that was put here by mistake
            raise InvalidInput(f"{option} takes a name, = and a value.", target=option)
        pairs[name] = value
    return pairs


def _seconds(given: Sequence[str] | None) -> dict[str, int] | None:
    if not given:
        return None
    chosen = {}
    for name, value in _pairs(given, "--interval").items():
        if not value.isascii() or not value.isdigit():
            raise InvalidInput(f"--interval {name}: '{value[:20]}' is no number of seconds.", target="--interval")
        chosen[name] = int(value)
    return chosen
