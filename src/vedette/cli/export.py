"""`vedette export`: the rows of a query as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vedette.cli.batch import piped
from vedette.cli.opening import operations
from vedette.cli.options import DataDir, WorkspaceName
from vedette.cli.output import kql_refused
from vedette.core.errors import InvalidInput


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("export")(export)


def export(
    text: Annotated[
        str | None, typer.Argument(help="The query; - or none reads standard input.", metavar="KQL")
    ] = None,
    to: Annotated[Path | None, typer.Option("--to", help="The file: .parquet, .csv or .jsonl.", metavar="FILE")] = None,
    data: DataDir = None,
    workspace: WorkspaceName = "default",
) -> None:
    """Write all rows of a KQL query into a file, without the limits of `vedette query`.

    The file has its name when it is whole; one of that name is replaced.
    """
    query = piped(text)
    if query is None or to is None:
        raise InvalidInput(
            "Give a query, and the file to write.", hint="vedette export 'SigninLogs' --to signins.parquet --data DIR"
        )
    with operations(data, workspace, needs_data=False) as held, kql_refused():
        size = held.export(query, to.absolute())
    typer.echo(f"{to}: {size:,} bytes")
