"""`vedette ingest`: what senders of logs need."""

from __future__ import annotations

from typing import Annotated

import typer

from vedette.cli.opening import operations
from vedette.cli.options import DataDir, WorkspaceName

group = typer.Typer(no_args_is_help=True, help="Tokens and keys for whoever sends logs to the server.")


def register(app: typer.Typer) -> None:
    """Adds the group."""
    app.add_typer(group, name="ingest")


@group.command("token")
def token(
    name: Annotated[str, typer.Argument(help="What the token is for, like fluent-bit.", metavar="NAME")],
    days: Annotated[float, typer.Option(min=0.01, max=730, help="How many days it is good for.")] = 365,
    data: DataDir = None,
    workspace: WorkspaceName = "default",
) -> None:
    """Make a token that may send logs into the workspace, and nothing else. It is shown this once."""
    with operations(data, workspace) as held:
        made = held.new_ingest_token(name, days)
    typer.echo(made["token"])


@group.command("shared-key")
def shared_key(data: DataDir = None, workspace: WorkspaceName = "default") -> None:
    """Make the shared key of the HTTP Data Collector API; the former one is good no longer.

    Prints the workspace's id and the key, which is shown this once.
    """
    with operations(data, workspace) as held:
        made = held.new_shared_key()
    typer.echo(f"{made['workspaceId']} {made['sharedKey']}")
