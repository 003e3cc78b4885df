"""Backups of a data directory: made while a server runs or not, checked, and restored into a new directory.

A backup is a folder: `manifest.json` with the size and SHA-256 of every file, written last; the state; and of each workspace the log
store, its lake, and what its spool holds. What is acknowledged before the backup begins is in it. Secrets are in it as the state has them,
encrypted; the keys that decrypt them are not, so that who has a backup alone can read none of them.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import duckdb

from vedette import __version__
from vedette.core.clock import Clock
from vedette.core.datadir import DataDirectory
from vedette.core.errors import Conflict, InvalidInput, Unavailable
from vedette.core.files import make_private_directory, sync_directory, write_private
from vedette.core.ids import is_uuid, new_id
from vedette.core.watchdog import Watchdog
from vedette.engine.dialect import identifier, quote
from vedette.store.logstore import LogStore
from vedette.store.opening import STAGING
from vedette.store.retention.lake import FOLDER
from vedette.store.statements import engine_errors, run
from vedette.store.stores import Stores

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
_BLOCK: Final = 1024 * 1024
_SPOOL: Final = "spool"
_LOGS: Final = "logs.duckdb"

_WATCHDOG: Final = Watchdog("vedette-backups")

Tell = Callable[[str], None]
Stopped = Callable[[], bool]
"""Whether the backup is to end."""


@dataclass(frozen=True, slots=True)
class BackupFile:
    """A file of a backup: its path in it, with slashes, its size and its SHA-256."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class BackupReport:
    """A backup. `state` says whether the state is in it: not where it lies in a database of its own."""

    path: str
    created: datetime
    version: str
    workspaces: tuple[str, ...]
    files: int
    bytes: int
    state: bool

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def create(
    directory: DataDirectory, stores: Stores, workspaces: Sequence[str], target: Path, clock: Clock, *,
    with_state: bool = True, tell: Tell | None = None, stopped: Stopped = lambda: False,
) -> BackupReport:  # fmt: skip
    """Make a backup in a folder that is new or empty. Raises `Conflict` for one that is not, and `Unavailable`, also when it is
    `stopped`; then nothing of it is left there.

    The state comes first: what rules found is at most as new as the rows that they read. The spool comes before its store: rows that
    are moved meanwhile are in both, and a store takes each of them once.
    """
    say = tell or (lambda text: None)
    target = target.absolute()
    began = clock.now()
    try:
        was_there = target.exists()
        if was_there and any(target.iterdir()):
            raise Conflict(
                f"The folder {target} is not empty.", hint="Name a new one for each backup.", file=str(target)
            )
    except OSError as error:
        raise _failed(error, target) from error
    if target == directory.path or directory.path in target.parents:
        raise InvalidInput(f"{target} is within the data directory.", hint="Name a folder outside of it.")
    try:
        make_private_directory(target)
        if with_state:
            say("state")
            _copy_state(directory.state_file, target / directory.state_file.name)
        kept = [one for one in workspaces if directory.logs_file(one).exists()]
        for workspace in kept:
            say(f"workspace {workspace}")
            _copy_workspace(directory, stores.open(workspace), workspace, target, stopped)
        files = [_described(target, path, stopped) for path in sorted(target.rglob("*")) if path.is_file()]
        report = BackupReport(
            str(target), began, __version__, tuple(kept), len(files), sum(one.size for one in files), with_state
        )
        content = {
            "format": FORMAT, "version": __version__, "created": began.astimezone(UTC).isoformat(), "state": with_state,
            "workspaces": kept, "files": [asdict(one) for one in files],
        }  # fmt: skip
        write_private(target / MANIFEST, json.dumps(content, indent=1).encode())
        return report
    except BaseException as error:
        _remove(target, itself=not was_there)
        if isinstance(error, OSError):
            raise _failed(error, target) from error
        raise


def verify(source: Path) -> BackupReport:
    """Check that a backup is whole. Raises `InvalidInput` that names the file which is not."""
    manifest = _manifest(source)
    try:
        for one in manifest["files"]:
            file = _inside(source, one["path"])
            if not file.is_file():
                raise InvalidInput(f"The backup {source} lacks the file {one['path']}.", file=str(file))
            found = _described(source, file)
            if (found.size, found.sha256) != (one["size"], one["sha256"]):
                raise InvalidInput(f"The file {one['path']} of the backup {source} is damaged.", file=str(file))
    except OSError as error:
        raise _failed(error, source) from error
    files = manifest["files"]
    return BackupReport(
        str(source), datetime.fromisoformat(manifest["created"]), manifest["version"], tuple(manifest["workspaces"]),
        len(files), sum(one["size"] for one in files), manifest["state"],
    )  # fmt: skip


def restore(
    source: Path, directory: DataDirectory, secrets_key: Path | None = None, tell: Tell | None = None
) -> BackupReport:
    """Make a data directory out of a backup, which is verified first. `secrets_key` is the key file of the directory that was
    backed up; without it, its secrets cannot be decrypted. Raises `Conflict` for a directory that has something in it."""
    say = tell or (lambda text: None)
    say("checking the backup")
    report = verify(source)
    path = directory.path
    try:
        if path.exists() and any(path.iterdir()):
            raise Conflict(f"The data directory {path} is not empty.", hint="Restore into a new one.", file=str(path))
        directory.create()
        for one in _manifest(source)["files"]:
            say(one["path"])
            goal = _inside(path, one["path"])
            make_private_directory(goal.parent)
            _copy(_inside(source, one["path"]), goal)
        if secrets_key is not None:
            make_private_directory(directory.secrets_key_file.parent)
            write_private(directory.secrets_key_file, secrets_key.read_bytes())
        sync_directory(path)
        return report
    except OSError as error:
        raise _failed(error, path) from error


# -- parts


def _copy_state(source: Path, goal: Path) -> None:
    """A consistent copy of the state, whoever writes to it meanwhile."""
    try:
        with closing(sqlite3.connect(source)) as held, closing(sqlite3.connect(goal)) as copy:
            held.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        raise Unavailable(f"The state {source} cannot be copied: {error}.", file=str(source)) from error
    _own(goal)


def _remove(target: Path, *, itself: bool) -> None:
    """Remove what was written of a backup that is not whole: the folder would be refused for the next one."""
    with suppress(OSError):
        for path in target.iterdir():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()
        if itself:
            target.rmdir()


def _check(stopped: Stopped) -> None:
    if stopped():
        raise Unavailable("The backup was stopped; nothing of it is left.", code="VDT0653")


@dataclass(slots=True)
class _Copying:
    """The engine at its copy, as the watchdog sees it."""

    connection: duckdb.DuckDBPyConnection
    stopped: Stopped
    deadline: float = math.inf

    def interrupt(self) -> None:
        self.connection.interrupt()


def _copy_workspace(directory: DataDirectory, logs: LogStore, workspace: str, target: Path, stopped: Stopped) -> None:
    goal = target / "workspaces" / workspace.lower()
    make_private_directory(goal)
    source = directory.workspace(workspace)
    make_private_directory(goal / _SPOOL)
    if (source / _SPOOL).is_dir():
        for segment in sorted((source / _SPOOL).iterdir()):
            with suppress(FileNotFoundError):  # its rows are in the tables by now
                _copy(segment, goal / _SPOOL / segment.name, stopped)
    with logs.maintenance:
        for file in _copy_store(logs, goal / _LOGS, stopped):
            make_private_directory((goal / FOLDER / file).parent)
            _copy(source / FOLDER / file, goal / FOLDER / file, stopped)


def _copy_store(logs: LogStore, goal: Path, stopped: Stopped) -> list[str]:
    """A copy of the tables at one moment, and the files of the lake that belong to it."""
    assert logs.path is not None
    staging = logs.path.with_name(STAGING)
    make_private_directory(staging)
    for left in staging.iterdir():
        left.unlink()
    file = staging / f"{new_id()}.duckdb"
    name = f"backup_{file.stem.replace('-', '')}"
    try:
        with logs.cursor() as cursor, engine_errors():
            own = str(run(cursor, "SELECT current_database()")[0][0])
            run(cursor, f"ATTACH {quote(str(file))} AS {identifier(name)}")
            try:
                with _WATCHDOG.over(_Copying(cursor, stopped)):
                    run(cursor, f"COPY FROM DATABASE {identifier(own)} TO {identifier(name)}")
                files = run(cursor, f"SELECT file FROM {identifier(name)}.store_catalog.lake ORDER BY id")
                run(cursor, f"CHECKPOINT {identifier(name)}")
            finally:
                run(cursor, f"DETACH {identifier(name)}")
        _copy(file, goal, stopped)
        return [str(row[0]) for row in files]
    except duckdb.InterruptException:
        _check(stopped)
        raise
    finally:
        for left in staging.iterdir():
            left.unlink()


def _copy(source: Path, goal: Path, stopped: Stopped = lambda: False) -> None:
    with source.open("rb") as held, goal.open("xb") as copy:
        _own(goal)
        while block := held.read(_BLOCK):
            _check(stopped)
            copy.write(block)
        copy.flush()
        os.fsync(copy.fileno())


def _own(path: Path) -> None:
    if os.name == "posix":
        path.chmod(0o600)


def _described(root: Path, path: Path, stopped: Stopped = lambda: False) -> BackupFile:
    digest = hashlib.sha256()
    size = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            _check(stopped)
            digest.update(block)
            size += len(block)
    return BackupFile(path.relative_to(root).as_posix(), size, digest.hexdigest())


def _manifest(source: Path) -> dict[str, Any]:
    try:
        content = json.loads((source / MANIFEST).read_bytes())
    except FileNotFoundError:
        raise InvalidInput(
            f"{source} is not a backup, or one that was not finished: it has no {MANIFEST}.", file=str(source)
        ) from None
    except (OSError, ValueError) as error:
        raise InvalidInput(
            f"The manifest of the backup {source} cannot be read: {getattr(error, 'strerror', None) or error}.",
            file=str(source),
        ) from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise InvalidInput(
            f"The backup {source} has the form {content.get('format') if isinstance(content, dict) else '?'}, and this "
            f"version of Vedette knows {FORMAT}.", file=str(source),
        )  # fmt: skip
    try:
        for one in content["files"]:
            _inside(source, one["path"])
            if not isinstance(one["size"], int) or not isinstance(one["sha256"], str):
                raise TypeError
        if not all(is_uuid(one) for one in content["workspaces"]) or not isinstance(content["state"], bool):
            raise TypeError
        datetime.fromisoformat(content["created"])
        str(content["version"])
    except (KeyError, TypeError, ValueError):
        raise InvalidInput(f"The manifest of the backup {source} is damaged.", file=str(source)) from None
    return content


def _inside(root: Path, path: str) -> Path:
    """A file of a backup; a path that leads out of it is none."""
    parts = path.split("/")
    if not path or any(part in ("", ".", "..") or "\\" in part or ":" in part for part in parts):
        raise ValueError(path)
    return root.joinpath(*parts)


def _failed(error: OSError, path: Path) -> Unavailable:
    reason = (error.strerror or str(error)).lower()
    name = error.filename or str(path)
    return Unavailable(f"The backup failed at {name}: {reason}.", code="VDT0660", file=str(name))
