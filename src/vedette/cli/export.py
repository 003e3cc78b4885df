"""`vedette export`: the rows of a query as a file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from vedette.cli.batch import piped
from vedette.cli.opening import operations
from vedette.cli.options import DataDir, WorkspaceName
from vedette.cli.output import kql_refused
from vedette.core.errors import Conflict, InvalidInput


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("export")(export)


def export(
    text: Annotated[
        str | None, typer.Argument(help="The query; - or none reads standard input.", metavar="KQL")
    ] = None,
    to: Annotated[Path | None, typer.Option("--to", help="The file: .parquet, .csv or .jsonl.", metavar="FILE")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    data: DataDir = None,
    workspace: WorkspaceName = "default",
) -> None:
    """Write all rows of a KQL query into a file, without the limits of `vedette query`.

    The file has its name when it is whole; one that is there is replaced only with --force.
    """
    query = piped(text)
    if query is None or to is None:
        raise InvalidInput(
            "Give a query, and the file to write.", hint="vedette export 'SigninLogs' --to signins.parquet --data DIR"
        )
    target = to.absolute()
    if target.is_dir():
        raise InvalidInput(f"{to} is a folder.", hint="Name a file in it.", file=str(to))
    if not force and os.path.lexists(target):
        raise Conflict(
            f"{to} is there already.", hint="Choose another name, or give --force to replace it.", file=str(to)
        )
    with operations(data, workspace, needs_data=False) as held, kql_refused():
        size = held.export(query, target)
    typer.echo(f"{to}: {size:,} bytes")
