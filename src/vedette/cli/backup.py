"""`vedette backup`: backups of a data directory, with the server up or down."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from vedette.cli.opening import operations
from vedette.cli.options import DataDir, JsonReport
from vedette.cli.output import counted, harmless, json_line, note
from vedette.core.errors import InvalidInput

group = typer.Typer(no_args_is_help=True, help="Backups of a data directory, with the server up or down.")

Folder = Annotated[Path, typer.Argument(help="The folder of the backup.", metavar="BACKUP")]


def register(app: typer.Typer) -> None:
    """Adds the group."""
    app.add_typer(group, name="backup")


@group.command("create")
def create(folder: Folder, data: DataDir = None, json_: JsonReport = False) -> None:
    """Make a backup of a data directory in a new folder.

    Everything that was acknowledged before is in it: the state, and of every workspace the log store, the lake, and what waits.
    Secrets are in it encrypted; keep DIR.keys/secrets.key apart from the backup, it is needed to use them after a restore.
    """
    with operations(data, "default") as held:
        done = held.request("POST", "/local/backup", json={"path": str(folder.absolute())})
    _tell(done, json_)
    if not done["state"]:
        note("The state lies in a database of its own and is not in the backup: back that up with its own tools.")


@group.command("verify")
def verify(folder: Folder, json_: JsonReport = False) -> None:
    """Check that a backup is whole: every file is there, with its size and its SHA-256."""
    from vedette.store import backup

    _tell(backup.verify(folder.absolute()).to_dict(), json_)


@group.command("restore")
def restore(
    folder: Folder,
    data: DataDir = None,
    secrets_key: Annotated[
        Path | None,
        typer.Option(
            "--secrets-key", help="The key file of the directory backed up: DIR.keys/secrets.key.", metavar="FILE"
        ),
    ] = None,
    json_: JsonReport = False,
) -> None:
    """Make a new data directory out of a backup, which is verified first.

    Without `--secrets-key` the secrets in it cannot be decrypted, and must be entered anew.
    """
    from vedette.core.datadir import DataDirectory
    from vedette.store import backup

    if data is None:
        raise InvalidInput("Name the data directory to make.", hint="Add --data DIR.", target="--data")
    done = backup.restore(folder.absolute(), DataDirectory(data), secrets_key).to_dict()
    _tell(done, json_)
    note(f"Restored into {data}.")
    if secrets_key is None:
        note(
            "The keys of its secrets are not in a backup: put DIR.keys/secrets.key in its place, or enter the secrets anew."
        )


def _tell(done: dict[str, Any], json_: bool) -> None:
    if json_:
        typer.echo(json_line(done))
        return
    typer.echo(
        harmless(
            f"{done['path']}: of {_time(done['created'])}, version {done['version']}, {counted(len(done['workspaces']), 'workspace')}, "
            f"{counted(done['files'], 'file')}, {done['bytes']:,} bytes"
        )
    )


def _time(created: str | datetime) -> str:
    """When a backup was made, to the second: the server says it as text."""
    return str(created).replace(" ", "T")[:19] + "Z"
