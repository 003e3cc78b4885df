"""What commands over configured things (connectors, destinations) have in common: the fields of a form, secrets, names, tests."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

import typer

from vedette.cli.output import json_line, print_table
from vedette.core.errors import InvalidInput, not_found

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


def form_body(
    manifest: Mapping[str, Any], settings: Sequence[str] | None, variables: Sequence[str] | None,
    from_input: str | None, *, ask: bool,
) -> dict[str, Any]:  # fmt: skip
    """The `settings` and `secrets` that the API takes. `ask`: required secrets that are not given are asked for, where somebody can be.

    Raises `InvalidInput` where a secret is given as an argument, or is not there.
    """
    secret = {field["name"]: field for field in manifest["fields"] if field["type"] == "secret"}
    values = pairs(settings, "--set")
    for field in values:
        if field in secret:
            raise InvalidInput(
                f"{field} is a secret: an argument can be read by others on this machine.", target="--set",
                hint=f"Use --secret-env {field}=VARIABLE or --secret-stdin {field}, or leave it out to be asked for it.",
            )  # fmt: skip
    secrets: dict[str, str] = {}
    for field, variable in pairs(variables, "--secret-env").items():
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
    return {"settings": values, "secrets": secrets}


def pairs(given: Sequence[str] | None, option: str) -> dict[str, str]:
    """The names and values of an option's `NAME=VALUE` texts. Raises `InvalidInput` for what is none."""
    found = {}
    for one in given or ():
        name, equals, value = one.partition("=")
        if not equals or not name:
            # the text is not repeated: it may be a secret that was put here by mistake
            raise InvalidInput(f"{option} takes a name, = and a value.", target=option)
        found[name] = value
    return found


def kind_of(kinds: Iterable[Mapping[str, Any]], key: str, kind: str, what: str) -> Mapping[str, Any]:
    """The kind of that name, told by `key`. Raises `NotFound` with the nearest one."""
    known = {str(one[key]): one for one in kinds}
    if kind not in known:
        raise not_found(what, kind, known)
    return known[kind]


def named(found: Sequence[Mapping[str, Any]], name: str, what: str) -> Mapping[str, Any]:
    """The thing of that name, in whatever case, or of that id. Raises `NotFound` with the nearest name."""
    folded = " ".join(name.split()).casefold()
    for one in found:
        if one["id"] == name or str(one["name"]).casefold() == folded:
            return one
    raise not_found(what, name, [str(one["name"]) for one in found])


def fields_shown(kind: Mapping[str, Any]) -> str:
    """The names of a form's fields, with a question mark after those that may be left out."""
    return ", ".join(field["name"] + ("" if field["required"] else "?") for field in kind["fields"])


def tell_test(report: Mapping[str, Any], json: bool) -> None:
    """Prints a test, step by step. Ends the command with 1 if something is missing."""
    if json:
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


def _must_be_secret(field: str, secret: Mapping[str, object], option: str) -> None:
    if field not in secret:
        raise InvalidInput(f"{option}: {field} is no secret field; use --set.", target=option)
