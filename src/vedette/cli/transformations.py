"""`vedette transformations`: what becomes of the rows of a stream before they are stored."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from vedette.cli.batch import piped
from vedette.cli.opening import operations
from vedette.cli.options import ColumnOptions, DataDir, JsonReport, WorkspaceName, columns_of, sample_rows, sampled
from vedette.cli.output import counted, harmless, json_line, kql_refused, note, print_list, print_table
from vedette.core.errors import InvalidInput

group = typer.Typer(
    no_args_is_help=True, help="Transformations: KQL over `source`, applied to rows before they are stored."
)

Stream = Annotated[
    str, typer.Argument(help="The stream: a table's name, Custom-<table>_CL or Microsoft-<table>.", metavar="STREAM")
]
Queries = Annotated[
    list[str] | None,
    typer.Argument(help="The queries over `source`, one for each table; - reads standard input.", metavar="KQL..."),
]
Targets = Annotated[
    list[str] | None,
    typer.Option(
        "--to", help="The table of the query at the same place; without it, the stream's own.", metavar="TABLE"
    ),
]
Sample = Annotated[
    Path | None, typer.Option("--sample", help="Rows of the stream: JSON, JSON lines or CSV.", metavar="FILE")
]


def register(app: typer.Typer) -> None:
    """Adds the group."""
    app.add_typer(group, name="transformations")


@group.command("list")
def list_(data: DataDir = None, workspace: WorkspaceName = "default", json_: JsonReport = False) -> None:
    """List the transformations."""
    with operations(data, workspace) as held:
        found = held.request("GET", "/transformations")["value"]
    print_list(
        found,
        json_,
        ["stream", "tables", "revision", "updated", "by"],
        lambda one: [one["stream"], _tables(one), one["revision"], one["updatedAt"], one["updatedBy"]],
        none="There is no transformation; rows are stored as they come.",
    )


@group.command("show")
def show(stream: Stream, data: DataDir = None, workspace: WorkspaceName = "default", json_: JsonReport = False) -> None:
    """Show the transformation of a stream."""
    with operations(data, workspace) as held:
        found = held.request("GET", _path(stream))
    if json_:
        typer.echo(json_line(found))
        return
    for column in found["columns"]:
        typer.echo(harmless(f"// {column['name']}: {column['type']}"))
    for flow in found["dataFlows"]:
        typer.echo(harmless(f"// to {flow['outputStream']}\n{flow['transformKql']}"))
    note(f"revision {found['revision']} by {found['updatedBy']}, {found['updatedAt']}")


@group.command("set")
def set_(
    stream: Stream,
    queries: Queries = None,
    to: Targets = None,
    column: ColumnOptions = None,
    sample: Sample = None,
    data: DataDir = None,
    workspace: WorkspaceName = "default",
) -> None:
    """Keep the transformation of a stream, once it is bound and compiled.

    Each query sees every row of the stream and gives the rows of one table: `where` filters, `project` and `extend` shape,
    `lookup` in a watchlist enriches. The columns of `source` are those of `--column`, or those that the rows of `--sample`
    have, or those of the table.
    """
    with operations(data, workspace, makes=True) as held:
        columns = columns_of(column)
        if sample is not None and not columns:
            columns = sampled(stream, sample_rows(sample))
        with kql_refused():
            done = held.request("PUT", _path(stream), json={"dataFlows": _flows(queries, to), "columns": columns})
    typer.echo(f"{done['stream']}: revision {done['revision']}, to {_tables(done)}")


@group.command("try")
def try_(
    stream: Stream,
    queries: Queries = None,
    sample: Sample = None,
    to: Targets = None,
    column: ColumnOptions = None,
    data: DataDir = None,
    workspace: WorkspaceName = "default",
    json_: JsonReport = False,
) -> None:
    """Try a transformation on a sample; nothing is stored. Without a query, the one that is kept is tried.

    Exit code 1 if rows fail, which would go to the dead-letter table.
    """
    if sample is None:
        raise InvalidInput("There are no rows to try it on.", hint="Add --sample FILE.", target="--sample")
    rows = sample_rows(sample)
    with operations(data, workspace) as held:
        flows = _flows(queries, to) if queries else []
        columns = columns_of(column)
        if flows and not columns:
            columns = sampled(stream, rows)
        with kql_refused():
            done = held.request(
                "POST", f"{_path(stream)}/try", json={"rows": rows, "dataFlows": flows, "columns": columns}
            )
    if json_:
        typer.echo(json_line(done))
    else:
        for output in done["outputs"]:
            names = [one["name"] for one in output["columns"] if any(one["name"] in row for row in output["rows"])]
            typer.echo(f"{output['table']}: {counted(len(output['rows']), 'row')} of {done['rows']}")
            print_table(names, [[row.get(name) for name in names] for row in output["rows"]])
        for row in done["failed"]:
            note(f"failed: {row['Reason']} {row['Raw']}")
    if done["failed"]:
        raise typer.Exit(1)


@group.command("delete")
def delete(stream: Stream, data: DataDir = None, workspace: WorkspaceName = "default") -> None:
    """Delete the transformation of a stream; its rows are stored as they come from then on."""
    with operations(data, workspace) as held:
        held.request("DELETE", _path(stream))
    typer.echo(f"deleted the transformation of {stream}")


def _path(stream: str) -> str:
    return f"/transformations/{quote(stream, safe='')}"


def _flows(queries: list[str] | None, to: list[str] | None) -> list[dict[str, Any]]:
    texts = [text for text in (piped(one) for one in queries or ["-"]) if text is not None]
    if not texts:
        raise InvalidInput("There is no query.", hint="vedette transformations set Syslog 'source | where ...'")
    targets = to or []
    if targets and len(targets) != len(texts):
        raise InvalidInput(
            f"There are {len(texts)} queries and {len(targets)} tables (--to).", hint="Give each query its table."
        )
    return [
        {"transformKql": text, "outputStream": targets[place] if targets else None} for place, text in enumerate(texts)
    ]


def _tables(one: dict[str, Any]) -> str:
    return ", ".join(dict.fromkeys(flow["outputStream"] for flow in one["dataFlows"]))
