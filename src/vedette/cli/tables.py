"""`vedette tables`: what a workspace holds."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote

import typer

from vedette.cli.opening import operations
from vedette.cli.options import ColumnOptions, DataDir, JsonReport, WorkspaceName, column_of, columns_of, duration
from vedette.cli.output import counted, json_line, kql_refused, note, print_list, print_table
from vedette.core.errors import InvalidInput
from vedette.kql.types import TYPE_NAMES

group = typer.Typer(no_args_is_help=True, help="The tables of a workspace.")

Table = Annotated[str, typer.Argument(help="The table.", metavar="TABLE")]


def register(app: typer.Typer) -> None:
    """Adds the group."""
    app.add_typer(group, name="tables")


@group.command("list")
def list_(data: DataDir = None, workspace: WorkspaceName = "default") -> None:
    """List the tables with rows: their time ranges, sizes, and how much of each is in the term index."""
    with operations(data, workspace) as held:
        infos = held.tables()
    print_table(
        ["table", "rows", "columns", "first", "last", "bytes", "indexed", "index bytes"],
        [
            [
                info.name,
                info.rows,
                info.columns,
                _text(info.first),
                _text(info.last),
                info.bytes,
                f"{info.indexed * 100 // info.rows} %",
                info.index_bytes,
            ]
            for info in infos
        ],
    )


@group.command("add-column")
def add_column(
    table: Table,
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


@group.command("create")
def create(
    table: Table,
    column: ColumnOptions = None,
    data: DataDir = None,
    workspace: WorkspaceName = "default",
) -> None:
    """Make a custom table (its name ends in _CL) by its definition; the standard columns come by themselves."""
    with operations(data, workspace, makes=True) as held:
        made = held.request("PUT", _path(table), json={"columns": columns_of(column)})
    typer.echo(f"made {made['name']} with {counted(len(made['columns']), 'column')}")


@group.command("show")
def show(table: Table, data: DataDir = None, workspace: WorkspaceName = "default", json_: JsonReport = False) -> None:
    """Show a table: its columns, fields beyond them, values that did not fit, where its rows are, and how long they stay."""
    with operations(data, workspace) as held:
        found = held.request("GET", _path(table))
    if json_:
        typer.echo(json_line(found))
        return
    drifted = found["drifted"]
    rows = [[one["name"], one["type"], drifted.get(one["name"])] for one in found["columns"]]
    rows += [[f"{one['name']} (hidden column)", one["type"], None] for one in found["extra"]]
    print_table(["column", "type", "values of other types"], rows)
    lake = found["lake"]
    note(f"{counted(found['rows'], 'row')}, {lake['rows']:,} of them in the lake ({counted(lake['files'], 'file')})")
    note(_retention(found["retention"]))


@group.command("purge")
def purge(
    table: Table,
    where: Annotated[str, typer.Argument(help="A condition in KQL, as after `where`.", metavar="CONDITION")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    data: DataDir = None,
    workspace: WorkspaceName = "default",
) -> None:
    """Remove the rows that meet a condition for good, from the table and from the lake. It is written to the audit trail."""
    with operations(data, workspace) as held, kql_refused():
        found = held.request("POST", f"{_path(table)}/purge", json={"where": where})
        if not found["rows"]:
            typer.echo(f"No row of {table} meets the condition.")
            return
        if not yes:
            typer.confirm(f"Remove {counted(found['rows'], 'row')} of {table} for good?", abort=True)
        done = held.request("POST", f"{_path(table)}/purge", json={"where": where, "confirm": found["token"]})
    typer.echo(f"removed {counted(done['rows'], 'row')} of {table}")


retention = typer.Typer(no_args_is_help=True, help="How long tables keep their rows.")
group.add_typer(retention, name="retention")

TableOrAll = Annotated[str, typer.Argument(help="The table; '*' is every table without a setting.", metavar="TABLE")]


@retention.command("list")
def list_retention(data: DataDir = None, workspace: WorkspaceName = "default", json_: JsonReport = False) -> None:
    """List the settings."""
    with operations(data, workspace) as held:
        found = held.request("GET", "/retention")["value"]
    print_list(
        found,
        json_,
        ["table", "interactive", "total"],
        lambda one: [one["table"], _days(one["interactiveDays"]), _days(one["totalDays"])],
        none="Every table keeps its rows for ever.",
    )


@retention.command("show")
def show_retention(
    table: TableOrAll, data: DataDir = None, workspace: WorkspaceName = "default", json_: JsonReport = False
) -> None:
    """Show how long a table keeps its rows."""
    with operations(data, workspace) as held:
        found = held.request("GET", f"{_path(table)}/retention")
    typer.echo(json_line(found) if json_ else _retention(found))


@retention.command("set")
def set_retention(
    table: TableOrAll,
    interactive: Annotated[
        str | None, typer.Option("--interactive", help="Until rows go to the lake: 90d, or forever.", metavar="DAYS")
    ] = None,
    total: Annotated[
        str | None, typer.Option("--total", help="Until rows are deleted: 365d, or forever.", metavar="DAYS")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before rows are deleted.")] = False,
    data: DataDir = None,
    workspace: WorkspaceName = "default",
) -> None:
    """Set how long a table keeps its rows; what is left out is for ever.

    After the interactive retention rows go to the lake, where queries find them as before; after the total one they are deleted.
    What that does to the rows that are there is told table by table, and where some would be deleted, it asks.
    """
    if interactive is None and total is None:
        raise InvalidInput("Give --interactive, --total, or both.", hint="--interactive 90d --total 365d")
    body = {"interactiveDays": _count(interactive, "--interactive"), "totalDays": _count(total, "--total")}
    with operations(data, workspace, makes=True) as held:
        concerned = held.request("POST", f"{_path(table)}/retention/preview", json=body)["value"]
        for one in concerned:
            note(_effect(one))
        gone = [one for one in concerned if one["deletedRows"]]
        if gone and not yes:
            rows = counted(sum(one["deletedRows"] for one in gone), "row")
            typer.confirm(f"Have {rows} of {counted(len(gone), 'table')} deleted for good?", abort=True)
        done = held.request("PUT", f"{_path(table)}/retention", json=body)
    typer.echo(_retention(done))


@retention.command("reset")
def reset_retention(table: TableOrAll, data: DataDir = None, workspace: WorkspaceName = "default") -> None:
    """Take a table's own setting away."""
    with operations(data, workspace) as held:
        held.request("DELETE", f"{_path(table)}/retention")
    typer.echo(f"{table} has no setting of its own any more")


@retention.command("run")
def run_retention(data: DataDir = None, workspace: WorkspaceName = "default", json_: JsonReport = False) -> None:
    """Move and delete now what is due; a server does so every hour. Exit code 1 if a table could not be seen to."""
    with operations(data, workspace) as held:
        done = held.request("POST", "/retention/run")
    if json_:
        typer.echo(json_line(done))
    else:
        print_table(
            ["table", "moved to the lake", "days", "deleted", "days that wait", "error"],
            [
                [
                    one["table"],
                    one["moved_rows"],
                    one["moved_days"],
                    one["deleted_rows"],
                    one["waiting_days"],
                    one["error"],
                ]
                for one in done["tables"]
            ],
        )
    if any(one["error"] for one in done["tables"]):
        raise typer.Exit(1)


def _path(table: str) -> str:
    return f"/tables/{quote(table, safe='')}"


def _days(count: int | None) -> str:
    return "for ever" if count is None else counted(count, "day")


def _effect(one: dict[str, Any]) -> str:
    """What the next run of the retention would do to a table."""
    told = [
        f"{counted(one[f'{kind}Rows'], 'row')} ({counted(one[f'{kind}Bytes'], 'byte')}) {verb}"
        for kind, verb in (("deleted", "will be deleted"), ("moved", "will go to the lake"))
        if one[f"{kind}Rows"]
    ]
    return f"{one['table']}: {' and '.join(told)}"


def _retention(one: dict[str, Any]) -> str:
    told = f"{one['table']}: interactive {_days(one['interactiveDays'])}, in all {_days(one['totalDays'])}"
    return f"{told} (no setting of its own)" if one["inherited"] else told


def _count(text: str | None, option: str) -> int | None:
    if text is None or text.lower() == "forever":
        return None
    span = duration(f"{text}d" if text.isdigit() else text, option)
    if span.seconds or span.microseconds or not span.days:
        raise InvalidInput(
            f"'{text}' after {option} is not a number of days.", hint="Write it like 90d.", target=option
        )
    return span.days


@group.command("index")
def index(
    table: Annotated[str, typer.Argument(help="The table.", metavar="TABLE")],
    columns: Annotated[
        str | None, typer.Option("--columns", help="Only these columns, by name, with commas between.", metavar="NAMES")
    ] = None,
    off: Annotated[bool, typer.Option("--off", help="Keep no terms of them.")] = False,
    data: DataDir = None,
    workspace: WorkspaceName = "default",
) -> None:
    """Bring the term index of a table up to date now, and say whether it has all of the table's columns or some not."""
    names = None if columns is None else [name.strip() for name in columns.split(",") if name.strip()]
    with operations(data, workspace) as held:
        rows = held.index(table, names, not off)
    typer.echo(f"{counted(rows, 'row')} of {table} in the term index.")


def _text(moment: datetime | None) -> str | None:
    from vedette.api.wire import utc_text

    return None if moment is None else utc_text(moment)
