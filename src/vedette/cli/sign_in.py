"""`vedette sign-in`: a new one-time sign-in at a running server."""

from __future__ import annotations

import typer

from vedette.cli.opening import no_directory
from vedette.cli.options import DataDir
from vedette.core.errors import Unavailable


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("sign-in")(sign_in)


def sign_in(data: DataDir = None) -> None:
    """Print a new one-time sign-in of the server that holds the data directory.

    `vedette serve` prints one when it starts; each works once, and for five minutes unless VEDETTE_SIGN_IN_LIFETIME says otherwise.
    """
    from vedette.cli.remote import RemoteOperations
    from vedette.core.datadir import DataDirectory

    if data is None:
        raise no_directory()
    directory = DataDirectory(data)
    record = directory.server() if directory.path.exists() else None
    if record is None:
        raise Unavailable(
            f"No server holds the data directory {directory.path}.",
            hint="`vedette serve --data DIR` starts one, and prints a sign-in.",
        )
    held = RemoteOperations(record, "default")
    try:
        typer.echo(held.request("POST", "/local/sign-in")["link"])
    finally:
        held.close()
