"""`vedette query`: runs KQL over a workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from vedette.cli.batch import answer_all, piped
from vedette.cli.opening import operations
from vedette.cli.options import BatchMode, DataDir, WorkspaceName
from vedette.cli.output import Format, kql_refused, print_result
from vedette.core.errors import InvalidInput, VedetteError

if TYPE_CHECKING:
    from vedette.api.operations import Operations
    from vedette.engine.query import Explanation
    from vedette.engine.result import Result


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("query")(query)


def query(
    text: Annotated[
        str | None, typer.Argument(help="The query; - or none reads standard input.", metavar="KQL")
    ] = None,
    data: DataDir = None,
    workspace: WorkspaceName = "default",
    format_: Annotated[
        Format,
        typer.Option(
            "--format", help="A table for people; one JSON array, CSV, or one JSON object a line for programs."
        ),
    ] = Format.TABLE,
    batch: BatchMode = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Print the SQL that the query becomes, without running it.")
    ] = False,
) -> None:
    """Run a KQL query and print its rows.

    `vedette query 'SigninLogs | summarize count() by ResultType' --data DIR`

    Without `--data` the query runs over an empty workspace in memory: the known tables are there, without rows.

    With `--batch` each line of standard input is a question and is answered with a line: `{"id": 1, "query": "print 1"}` with
    `{"id": 1, "columns": [{"name", "type"}], "rows": [[…]]}`, or `{"id": 1, "error": {"code", "message", "line", "column"}}`.
    The tables after the first one, of a query with several statements, are under `more` in the same form.
    """
    if not batch:
        text = piped(text)
    if batch == (text is not None) or (batch and explain):
        raise InvalidInput(
            "Give a query, as an argument or through standard input, or --batch and questions there.",
            hint="vedette query 'SigninLogs | take 5' --data DIR",
        )
    with operations(data, workspace, needs_data=False) as held:
        if text is None:
            if answer_all(lambda question: answer(held, question), failed):
                raise typer.Exit(1)
            return
        with kql_refused():
            if explain:
                for explanation in held.explain(text):
                    typer.echo(explained(explanation))
                return
            result = held.query(text)
    print_result(result, format_)


def explained(explanation: Explanation) -> str:
    """A statement for people: its SQL, then what is bound in it and what was rewritten, as comments."""
    notes = [f"-- ${name} = {value}" for name, value in explanation.values.items()]
    if explanation.rewrites:
        notes.append(f"-- rewrites: {', '.join(explanation.rewrites)}")
    return "\n".join([explanation.sql + ";", *notes])


def answer(held: Operations, text: str) -> dict[str, object]:
    """The answer to a question of a batch: rows, or an error with its place."""
    from vedette.engine.query import QueryFailed
    from vedette.kql.diagnostics import KqlError, position

    try:
        result = held.query(text)
    except KqlError as error:
        first = error.diagnostics[0]
        line, column = position(text, min(first.start, len(text)))
        return {"error": {"code": first.code, "message": first.message, "line": line, "column": column}}
    except QueryFailed as error:
        return failed(VedetteError(str(error), code=error.code))
    found = described(result)
    if result.more:
        found["more"] = [described(table) for table in result.more]
    return found


def described(table: Result) -> dict[str, object]:
    """One table of an answer."""
    columns = [{"name": column.name, "type": column.type.value} for column in table.columns]
    found: dict[str, object] = {"columns": columns, "rows": table.rows}
    if table.partial:
        found["partial"] = table.partial
    if table.name:
        found["name"] = table.name
    return found


def failed(error: VedetteError) -> dict[str, object]:
    """The answer where a query could not be finished: the place is its start."""
    return {"error": {"code": error.code, "message": str(error), "line": 1, "column": 1}}
