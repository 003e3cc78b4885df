"""`vedette check`: parses and binds KQL without running it."""

from __future__ import annotations

from typing import Annotated

import typer

from vedette.api.operations import Operations
from vedette.cli.batch import answer_all
from vedette.cli.opening import operations
from vedette.cli.options import DataDir, WorkspaceName
from vedette.core.errors import InvalidInput
from vedette.kql.diagnostics import render, utf16_span


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("check")(check)


def check(
    text: Annotated[str | None, typer.Argument(help="The query.", metavar="KQL")] = None,
    data: DataDir = None,
    workspace: WorkspaceName = "default",
    batch: Annotated[
        bool, typer.Option("--batch", help='Read {"id", "query"} lines from standard input, answer each with a line.')
    ] = False,
) -> None:
    """Check a KQL query: names, types and result columns. Exit code 1 if it is not valid.

    The schemas of the known tables are there without any data.
    """
    if batch == (text is not None):
        raise InvalidInput(
            "Give a query, or --batch and queries on standard input.", hint="vedette check 'SigninLogs | take 5'"
        )
    with operations(data, workspace) as held:
        if batch:
            answer_all(lambda question: answer(held, question))
            return
        assert text is not None
        found = held.check(text)
    for diagnostic in found.diagnostics:
        typer.echo(render(text, diagnostic), err=True)
    for column in found.columns or ():
        typer.echo(f"{column.name}: {column.type}")
    if found.diagnostics:
        raise typer.Exit(1)


def answer(held: Operations, text: str) -> dict[str, object]:
    """The answer to a question of a batch; places count UTF-16 units, as Microsoft's tools do."""
    found = held.check(text)
    diagnostics = []
    for diagnostic in found.diagnostics:
        start, length = utf16_span(text, diagnostic.start, diagnostic.length)
        diagnostics.append(
            {
                "code": diagnostic.code,
                "severity": diagnostic.severity,
                "message": diagnostic.message,
                "start": start,
                "length": length,
            }
        )
    columns = [{"name": column.name, "type": column.type.value} for column in found.columns or ()]
    return {"diagnostics": diagnostics, "columns": columns}
