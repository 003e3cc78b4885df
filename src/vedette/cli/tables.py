"""`vedette tables`: what a workspace holds."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from vedette.cli.opening import operations
from vedette.cli.options import DataDir, WorkspaceName, column_of
from vedette.cli.output import counted, print_table
from vedette.kql.types import TYPE_NAMES

group = typer.Typer(no_args_is_help=True, help="The tables of a workspace.")


def register(app: typer.Typer) -> None:
    """Adds the group."""
    app.add_typer(group, name="tables")


@group.command("list")
def list_(data: DataDir = None, workspace: WorkspaceName = "default") -> None:
    """List the tables with rows, with their time ranges and sizes."""
    with operations(data, workspace) as held:
        infos = held.tables()
    print_table(
        ["table", "rows", "columns", "first", "last", "bytes"],
        [[info.name, info.rows, info.columns, _text(info.first), _text(info.last), info.bytes] for info in infos],
    )


@group.command("add-column")
def add_column(
    table: Annotated[str, typer.Argument(help="The table.", metavar="TABLE")],
    column: Annotated[str, typer.Argument(help="The column and its type, like RiskScore:real.", metavar="NAME:TYPE")],
    data: DataDir = None,
    workspace: WorkspaceName = "default",
) -> None:
    """Give a table a column for a field that its schema does not know; values that came with it move there."""
    wanted = column_of(column)
    name = wanted["name"]
    with operations(data, workspace) as held:
        filled = held.add_column(table, name, TYPE_NAMES[wanted["type"]])
    typer.echo(f"{table}.{name} is there; {counted(filled, 'row')} got a value.")


def _text(moment: datetime | None) -> str | None:
    from vedette.api.wire import utc_text

    return None if moment is None else utc_text(moment)
