"""Files: those that belong to their owner alone, written whole or not at all; and those that people name, read whole."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from pathlib import Path


def make_private_directory(path: Path) -> None:
    """Make a directory, and what is missing above it, that only its owner may enter (mode 0700 where modes exist)."""
    if not path.is_dir():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=0o700, exist_ok=True)


def no_file(path: Path) -> str | None:
    """What a path names that has no end, or would be waited for for ever: "a pipe", "a socket", "a device".

    None for a file or a folder. Raises OSError for what cannot be looked at.
    """
    mode = path.stat().st_mode
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        return None
    if stat.S_ISFIFO(mode):
        return "a pipe"
    return "a socket" if stat.S_ISSOCK(mode) else "a device"


def read_whole(path: Path, limit: int) -> bytes:
    """The bytes of a file, at most `limit`. Raises OSError, also for what is no file, or longer."""
    strange = no_file(path)
    if strange is not None:
        raise OSError(errno.EINVAL, f"it is {strange}, not a file", str(path))
    with path.open("rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise OSError(errno.EFBIG, f"it has more than {limit:,} bytes", str(path))
    return content


def write_private(path: Path, content: bytes, *, exclusive: bool = False) -> None:
    """Write a file of mode 0600 so that readers see all of it or nothing of it, also after a crash.

    With `exclusive` a file that is there already is left alone and `FileExistsError` is raised.
    """
    partial = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if exclusive:
            _publish_new(partial, path)
        else:
            os.replace(partial, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            partial.unlink()
    sync_directory(path.parent)


def readable_by_others(path: Path) -> bool:
    """Whether the file's mode lets its group or anybody else in. Always False where there are no such modes."""
    return os.name == "posix" and bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))


def _publish_new(partial: Path, path: Path) -> None:
    if os.name == "posix":
        os.link(partial, path)  # fails if the name is taken; rename would take it
    else:
        os.rename(partial, path)


def sync_directory(directory: Path) -> None:
    """Make the new name itself durable; only POSIX needs and allows it."""
    if os.name != "posix":
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
