"""`vedette check`: parses and binds KQL without running it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from vedette.cli.batch import answer_all, piped
from vedette.cli.opening import operations
from vedette.cli.options import BatchMode, DataDir, WorkspaceName
from vedette.core.errors import InvalidInput, VedetteError

if TYPE_CHECKING:
    from vedette.api.operations import Operations


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("check")(check)


def check(
    text: Annotated[
        str | None, typer.Argument(help="The query; - or none reads standard input.", metavar="KQL")
    ] = None,
    data: DataDir = None,
    workspace: WorkspaceName = "default",
    batch: BatchMode = False,
) -> None:
    """Check a KQL query without running it: its names, its types, its result columns.

    The columns go to standard output. What is wrong goes to standard error; then no columns are printed, and the exit code is 1.
    The schemas of the known tables are there without any data. With `--data`, a watchlist that the workspace does not have is wrong, too.

    With `--batch` each line of standard input is a question and is answered with a line: `{"id": 1, "query": "print 1"}` with
    `{"id": 1, "diagnostics": [{"code", "severity", "message", "start", "length"}], "columns": [{"name", "type"}]}`. `start` and
    `length` count UTF-16 units, as Microsoft's tools do. The columns are there as far as they are known, even beside errors.
    """
    if not batch:
        text = piped(text)
    if batch == (text is not None):
        raise InvalidInput(
            "Give a query, as an argument or through standard input, or --batch and questions there.",
            hint="vedette check 'SigninLogs | take 5'",
        )
    with operations(data, workspace, needs_data=False) as held:
        if text is None:
            if answer_all(lambda question: answer(held, question), failed):
                raise typer.Exit(1)
            return
        found = held.check(text)
    from vedette.kql.diagnostics import NO_WATCHLIST, Diagnostic, render
    from vedette.kql.parser import parse
    from vedette.kql.syntax import ExpressionStatement

    # which watchlists there are is known of a workspace alone
    grave = {NO_WATCHLIST} if data is not None else set()
    faulty = any(diagnostic.severity == "Error" or diagnostic.code in grave for diagnostic in found.diagnostics)
    diagnostics = list(found.diagnostics)
    if not faulty and not any(isinstance(one, ExpressionStatement) for one in parse(text)[0].statements):
        # a text that is still being written may end before its first table; one that is handed in whole may not
        said = "The query has no tabular expression statement: nothing in it gives rows"
        diagnostics.append(Diagnostic("KS000", said, 0, min(1, len(text))))
        faulty = True
    for diagnostic in diagnostics:
        typer.echo(render(text, diagnostic), err=True)
    if faulty:
        # the columns of a faulty query are a guess, and a hundred of them would hide what is wrong
        raise typer.Exit(1)
    for column in found.columns or ():
        typer.echo(f"{column.name}: {column.type.value}")


def answer(held: Operations, text: str) -> dict[str, object]:
    """The answer to a question of a batch; places count UTF-16 units, as Microsoft's tools do."""
    from vedette.kql.diagnostics import utf16_span

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


def failed(error: VedetteError) -> dict[str, object]:
    """The answer where a text could not be looked at."""
    said = {"code": error.code, "severity": "Error", "message": str(error), "start": 0, "length": 0}
    return {"diagnostics": [said], "columns": []}
