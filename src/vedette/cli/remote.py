"""The operations of a workspace through the server that holds its data directory."""

from __future__ import annotations

from pathlib import Path

from vedette.api.operations import Operations
from vedette.core.datadir import DataDirectory


def server_operations(data: Path, workspace: str) -> Operations | None:
    """The operations through the running server, or None where no server holds the directory."""
    record = DataDirectory(data).server()
    if record is None:
        return None
    raise NotImplementedError
