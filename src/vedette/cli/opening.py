"""Reaching a workspace: through the server that holds its data directory, directly, or in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vedette.api.operations import Operations
from vedette.core.errors import InvalidInput


@contextmanager
def operations(data: Path | None, workspace: str, *, needs_data: bool = False) -> Iterator[Operations]:
    """The operations of a workspace.

    While a server holds the directory every operation goes through it; otherwise the directory is opened here. Without a
    directory the workspace is empty and in memory, unless `needs_data`.
    """
    from vedette.api.direct import DirectOperations, MemoryOperations

    held: Operations
    if data is None:
        if needs_data:
            raise InvalidInput("This command needs a data directory.", hint="Add --data DIR.")
        held = MemoryOperations()
    else:
        from vedette.cli.remote import server_operations

        held = server_operations(data, workspace) or DirectOperations.open(data, workspace)
    try:
        yield held
    finally:
        held.close()
