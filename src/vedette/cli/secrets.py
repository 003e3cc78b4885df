"""`vedette secrets`: names and ages of secrets, and their rotation. Values are read, never printed."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from vedette.cli.opening import operations
from vedette.cli.options import DataDir, JsonReport, WorkspaceName
from vedette.cli.output import harmless, json_line, print_table, screen
from vedette.core.errors import InvalidInput, NotFound, nearest

if TYPE_CHECKING:
    from vedette.api.operations import Operations

group = typer.Typer(no_args_is_help=True, help="Secrets: their names, their ages, and how to replace them.")
Name = Annotated[str, typer.Argument(help="The secret, by its name or id as `list` shows them.", metavar="SECRET")]


def register(app: typer.Typer) -> None:
    """Adds the group."""
    app.add_typer(group, name="secrets")


@group.command("list")
def listed(data: DataDir = None, workspace: WorkspaceName = "default", json_: JsonReport = False) -> None:
    """Show every secret, where it is kept, when it is due, and which rotation is under way. Never a value."""
    with operations(data, workspace) as held:
        found = held.secrets()
    if json_:
        typer.echo(json_line(found))
        return
    print_table(
        ["secret", "id", "kept in", "changed", "due", "rotation"],
        [
            [
                one["name"], one["id"], one["backend"] + (f": {one['locator']}" if one["locator"] else ""),
                one["changedTimeUtc"][:10], (one["expiresTimeUtc"] or "")[:10], _rotation(one["rotation"]),
            ]
            for one in found
        ],
    )  # fmt: skip
    console = screen(stderr=True)
    for one in found:
        if one["warning"]:
            console.print(harmless(f"{one['name']}: {one['warning']}"))


@group.command("rotate")
def rotate(
    secret: Name,
    data: DataDir = None,
    workspace: WorkspaceName = "default",
    variable: Annotated[
        str | None, typer.Option("--from-variable", help="The environment variable with the new value.", metavar="NAME")
    ] = None,
    expires: Annotated[
        str | None, typer.Option(help="The date on which the other side lets the new value expire.", metavar="DATE")
    ] = None,
    finish: Annotated[bool, typer.Option("--finish", help="End the rotation: delete the old value.")] = False,
    cancel: Annotated[bool, typer.Option("--cancel", help="Give the rotation up: delete the new value.")] = False,
) -> None:
    """Replace a secret without an interruption: the old value stays in use until the new one was found to work.

    The new value is read from standard input (or typed, unseen), or from a variable. Then run a detection by hand, or
    `vedette secrets check`: what works with the new value puts it into use. `--finish` deletes the old one, and is refused before.
    """
    if finish and cancel:
        raise InvalidInput("--finish and --cancel exclude each other.")
    if finish or cancel:
        with operations(data, workspace) as held:
            held.end_rotation(_id(held, secret), finish=finish)
        typer.echo("The old value is deleted." if finish else "The new value is deleted; the old one is in use.")
        return
    value = _value(variable)
    with operations(data, workspace) as held:
        done = held.rotate_secret(_id(held, secret), value, expires)
    typer.echo(harmless(f"The new value of {done['name']} is kept beside the old one."))
    screen(stderr=True).print(
        f"Run a detection by hand, or `vedette secrets check {done['id']}`, and then end the rotation with --finish.",
        style="dim",
    )


@group.command("check")
def check(
    secret: Annotated[str | None, typer.Argument(help="The secret; all of them by default.", metavar="SECRET")] = None,
    data: DataDir = None,
    workspace: WorkspaceName = "default",
) -> None:
    """Find out whether secrets can be read and work where they are used. Of a rotation the new value is tried.

    Ends with 1 if one does not work or is due.
    """
    bad = False
    with operations(data, workspace) as held:
        known = held.secrets()
        wanted = None if secret is None else _id(held, secret)
        chosen = [one for one in known if wanted is None or one["id"] == wanted]
        for one in chosen:
            report = held.check_secret(one["id"])
            typer.echo(harmless(f"{one['name']}: {'works' if report['ok'] else 'does not work'}"))
            for step in report["steps"]:
                if not step["ok"]:
                    typer.echo(harmless(f"  {step['name']}: {step['message']} {step['hint'] or ''}".rstrip()))
            if one["warning"]:
                typer.echo(harmless(f"  {one['warning']}"))
            bad = bad or not report["ok"] or one["warning"] is not None
    if bad:
        raise typer.Exit(1)


def _id(held: Operations, secret: str) -> str:
    """The id of a secret that was named; what is not found may be a secret by mistake, and is not repeated."""
    known = held.secrets()
    for one in known:
        if secret in (one["id"], one["name"], one["reference"]):
            return str(one["id"])
    near = nearest(secret, [one["name"] for one in known])
    raise NotFound(
        "There is no secret of that name or id.",
        hint=f"Did you mean '{near}'?" if near else "`vedette secrets list` shows them.",
    )


def _value(variable: str | None) -> str:
    if variable is not None:
        value = os.environ.get(variable, "")
        if not value:
            raise InvalidInput(f"The variable {variable} is not set or empty.", target=variable)
        return value
    if sys.stdin.isatty():
        return str(typer.prompt("New value", hide_input=True))
    value = sys.stdin.read().strip("\r\n")
    if not value:
        raise InvalidInput("There is no new value on standard input.", hint="Pipe it in, or use --from-variable.")
    return value


def _rotation(rotation: dict[str, object] | None) -> str:
    if rotation is None:
        return ""
    if rotation["verifiedTimeUtc"]:
        return "new value in use; end it with --finish"
    return f"new value failed: {rotation['problem']}" if rotation["problem"] else "new value waits for a test"
