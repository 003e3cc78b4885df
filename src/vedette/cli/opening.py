"""Reaching a workspace: through the server that holds its data directory, directly, or in memory."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from vedette.cli.output import note
from vedette.core.errors import InvalidInput

if TYPE_CHECKING:
    from vedette.api.operations import Operations


@contextmanager
def operations(
    data: Path | None, workspace: str, *, makes: bool = False, needs_data: bool = True
) -> Iterator[Operations]:
    """The operations of a workspace.

    While a server holds the directory every operation goes through it; otherwise the directory is opened here. Only a command
    that `makes` a data directory may name one that does not exist. Without a directory the workspace is empty and in memory,
    unless `needs_data`.
    """
    held = _opened(data, workspace, makes, needs_data)
    try:
        with interruptible():
            yield held
    finally:
        held.close()


_stopped = threading.Event()
"""Whether somebody has pressed Ctrl-C within `interruptible`."""


@contextmanager
def interruptible() -> Iterator[None]:
    """Makes Ctrl-C a KeyboardInterrupt wherever it meets the work.

    It may meet Python that DuckDB or Arrow has called, who tell of it as an error of theirs: whatever fails after it fails for it.
    """
    outermost = (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )
    if outermost:
        signal.signal(signal.SIGINT, _stop)
    try:
        yield
    except Exception as error:
        if _stopped.is_set():
            raise KeyboardInterrupt from error
        raise
    finally:
        if outermost:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            _stopped.clear()


def _stop(number: int, frame: FrameType | None) -> None:
    _stopped.set()
    signal.default_int_handler(number, frame)


def heed_ctrl_c() -> None:
    """Raises KeyboardInterrupt where Ctrl-C was pressed and nobody has passed it on: long work asks now and then."""
    if _stopped.is_set():
        raise KeyboardInterrupt


def no_directory() -> InvalidInput:
    """What a command says that was told no data directory and cannot do without."""
    return InvalidInput(
        "This command needs a data directory.", hint="Add --data DIR, or set VEDETTE_DATA_DIR.", target="--data"
    )


def _opened(data: Path | None, workspace: str, makes: bool, needs_data: bool) -> Operations:
    if data is None:
        if needs_data:
            raise no_directory()
        from vedette.api.memory import MemoryOperations

        return MemoryOperations()
    from vedette.core.datadir import DataDirectory

    directory = DataDirectory(data)
    if not makes and not directory.path.exists():
        raise InvalidInput(
            f"The data directory {directory.path} does not exist.",
            hint="Check the path; `vedette load` and `vedette rules import` make a new one.",
            target="--data",
        )
    record = directory.server()
    if record is not None:
        from vedette.cli.remote import RemoteOperations

        return RemoteOperations(record, workspace)
    from vedette.api.direct import DirectOperations

    return DirectOperations.open(data, workspace, note)
