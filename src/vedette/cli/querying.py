"""`vedette query`: runs KQL over a workspace."""

from __future__ import annotations

from typing import Annotated

import typer

from vedette.api.operations import Operations
from vedette.cli.batch import answer_all
from vedette.cli.opening import operations
from vedette.cli.options import DataDir, WorkspaceName
from vedette.cli.output import Format, print_result
from vedette.core.errors import InvalidInput, VedetteError
from vedette.engine.query import QueryFailed
from vedette.kql.diagnostics import KqlError, position, render


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("query")(query)


def query(
    text: Annotated[str | None, typer.Argument(help="The query.", metavar="KQL")] = None,
    data: DataDir = None,
    workspace: WorkspaceName = "default",
    format_: Annotated[Format, typer.Option("--format", help="How to print the rows.")] = Format.TABLE,
    batch: Annotated[
        bool, typer.Option("--batch", help='Read {"id", "query"} lines from standard input, answer each with a line.')
    ] = False,
) -> None:
    """Run a KQL query and print its rows.

    Without `--data` the query runs over an empty workspace in memory: enough for `print`, `datatable` and `range`.
    """
    if batch == (text is not None):
        raise InvalidInput(
            "Give a query, or --batch and queries on standard input.",
            hint="vedette query 'SigninLogs | take 5' --data DIR",
        )
    with operations(data, workspace) as held:
        if batch:
            answer_all(lambda question: answer(held, question))
            return
        assert text is not None
        try:
            print_result(held.query(text), format_)
        except KqlError as error:
            raise refused(text, error) from None
        except QueryFailed as error:
            raise VedetteError(str(error), code=error.code) from None


def refused(text: str, error: KqlError) -> VedetteError:
    """Every diagnostic of a query, each with its line underlined, as one error."""
    shown = "\n".join(render(text, diagnostic) for diagnostic in error.diagnostics[:10])
    return VedetteError(f"the query is not valid\n{shown}", code=error.diagnostics[0].code)


def answer(held: Operations, text: str) -> dict[str, object]:
    """The answer to a question of a batch: rows, or an error with its place."""
    try:
        result = held.query(text)
    except KqlError as error:
        first = error.diagnostics[0]
        line, column = position(text, min(first.start, len(text)))
        return {"error": {"code": first.code, "message": first.message, "line": line, "column": column}}
    except QueryFailed as error:
        return {"error": {"code": error.code, "message": str(error), "line": 1, "column": 1}}
    columns = [{"name": column.name, "type": column.type.value} for column in result.columns]
    found: dict[str, object] = {"columns": columns, "rows": result.rows}
    if result.partial:
        found["partial"] = result.partial
    return found
