"""The data directory: where everything of one installation lies, and who has it open."""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import socket
import sys
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from vedette.core.clock import Clock, SystemClock
from vedette.core.errors import Unavailable, VedetteError
from vedette.core.files import make_private_directory, write_private
from vedette.core.ids import is_uuid

LOCK_WAIT: Final = 10.0
"""Seconds that `DataDirectory.lock` waits for another process."""


@dataclass(frozen=True, slots=True)
class ServerRecord:
    """How to reach the server that has the data directory open, for its owner only."""

    url: str
    token: str
    pid: int
    started: datetime
    certificate: str | None = None
    """Of a server that speaks TLS: its certificate with the chain (PEM)."""

    def __repr__(self) -> str:
        return f"ServerRecord(url={self.url!r}, token=[redacted], pid={self.pid}, started={self.started.isoformat()})"


class DataDirectory:
    """A data directory by its path. Nothing is read or made before it is asked for.

    What the operating system refuses is raised as `Unavailable`, in one sentence that names the file and the reason.
    """

    def __init__(self, path: Path | str, clock: Clock | None = None) -> None:
        self.path = Path(path).expanduser().absolute()
        self._clock = clock or SystemClock()

    @property
    def state_file(self) -> Path:
        return self.path / "state.db"

    @property
    def keys(self) -> Path:
        return self.path / "keys"

    @property
    def secrets_key_file(self) -> Path:
        """The keys of secrets: beside the directory, not in it, so that a copy of it gives no secret away.

        A directory in which earlier versions have put them keeps them there.
        """
        inside = self.keys / "secrets.key"
        return inside if inside.is_file() else self.path.parent / f"{self.path.name}.keys" / "secrets.key"

    @property
    def tls(self) -> Path:
        return self.keys / "tls"

    @property
    def server_file(self) -> Path:
        return self.path / "server.json"

    @property
    def lock_file(self) -> Path:
        return self.path / "lock"

    @property
    def owner_file(self) -> Path:
        """Who holds the lock, for the message to those who wait (a locked file cannot be read on Windows)."""
        return self.path / "lock.json"

    def workspace(self, workspace_id: str) -> Path:
        """The folder of a workspace's files. `workspace_id` is an id, not a name (ValueError otherwise)."""
        if not is_uuid(workspace_id):
            raise ValueError(f"{workspace_id!r} is not a workspace id")
        return self.path / "workspaces" / workspace_id.lower()

    def logs_file(self, workspace_id: str) -> Path:
        """The log store of a workspace."""
        return self.workspace(workspace_id) / "logs.duckdb"

    def create(self) -> DataDirectory:
        """Make the directory and its folders where they are missing, for their owner only; returns itself."""
        with self._explained("prepared"):
            for folder in (self.path, self.keys, self.path / "workspaces"):
                make_private_directory(folder)
        return self

    @contextmanager
    def lock(
        self,
        purpose: str = "vedette",
        *,
        wait: float = LOCK_WAIT,
        on_wait: Callable[[str], None] | None = None,
    ) -> Iterator[None]:
        """Hold the directory for this process alone.

        If another process holds it, `on_wait` is told once, in one sentence, who that is; after `wait` seconds
        `Unavailable` is raised. The lock ends with the process that holds it, however that ends.
        """
        self.create()
        lock = FileLock(self.lock_file, thread_local=False)
        with self._explained("locked"):
            try:
                lock.acquire(timeout=0)
            except Timeout:
                self._wait_for(lock, wait, on_wait)
        try:
            with self._explained("locked"):
                owner = {"pid": os.getpid(), "purpose": purpose, "since": self._clock.now().isoformat()}
                write_private(self.owner_file, json.dumps(owner).encode())
            yield
        finally:
            with contextlib.suppress(OSError):
                self.owner_file.unlink(missing_ok=True)
            lock.release()

    def publish_server(self, record: ServerRecord) -> None:
        """Tell this directory's owner how to reach the server; written whole or not at all, mode 0600."""
        content = asdict(record) | {"started": record.started.astimezone(UTC).isoformat()}
        with self._explained("written"):
            write_private(self.server_file, json.dumps(content).encode())

    def withdraw_server(self) -> None:
        """Take the record away; nothing happens if there is none."""
        with self._explained("written"):
            self.server_file.unlink(missing_ok=True)

    def server(self, *, timeout: float = 1.0) -> ServerRecord | None:
        """The server that has this directory open, or None.

        A record that a killed server left behind counts as none: its process is gone, or nothing listens at its address
        within `timeout` seconds.
        """
        with self._explained("read"):
            try:
                content = self.server_file.read_bytes()
            except FileNotFoundError:
                return None
        record = _read_record(content)
        if record is None or not _process_exists(record.pid) or not _listens(record.url, timeout):
            return None
        return record

    def _wait_for(self, lock: FileLock, wait: float, on_wait: Callable[[str], None] | None) -> None:
        holder = self._holder()
        if on_wait is not None and wait > 0:
            on_wait(f"Waiting up to {wait:g} s for {holder} to let go of the data directory {self.path}.")
        try:
            lock.acquire(timeout=wait, poll_interval=0.05)
        except Timeout:
            raise Unavailable(
                f"The data directory {self.path} is in use by {self._holder()}.",
                code="VDT0510",
                hint="Wait until it has ended, stop it, or use another directory (--data).",
            ) from None

    def _holder(self) -> str:
        try:
            owner = json.loads(self.owner_file.read_bytes())
            return f"process {int(owner['pid'])} ({owner['purpose']}, since {owner['since'][:19]}Z)"
        except (OSError, ValueError, KeyError, TypeError):
            return "another process"

    @contextmanager
    def _explained(self, verb: str) -> Iterator[None]:
        try:
            yield
        except PermissionError as error:
            raise self._refused(verb, error, f"user '{_user()}' is not permitted to") from error
        except FileExistsError as error:
            raise self._refused(verb, error, "a file is in its place") from error
        except NotADirectoryError as error:
            raise self._refused(verb, error, "a part of its path is a file") from error
        except OSError as error:
            raise self._refused(verb, error, (error.strerror or str(error)).lower()) from error

    def _refused(self, verb: str, error: OSError, reason: str) -> VedetteError:
        at = f" ({error.filename})" if error.filename and str(error.filename) != str(self.path) else ""
        return Unavailable(
            f"The data directory {self.path} cannot be {verb}{at}: {reason}.",
            code="VDT0511",
            hint="Use a directory of your own (--data), or have its owner let you in.",
            target=str(self.path),
        )


def default_path() -> Path:
    """Where a user's data directory is if none is named: where the operating system wants application data."""
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "Vedette"
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "Vedette"
    return Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share") / "vedette"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return str(os.getuid()) if hasattr(os, "getuid") else "unknown"


def _read_record(content: bytes) -> ServerRecord | None:
    try:
        found = json.loads(content)
        return ServerRecord(
            url=str(found["url"]),
            token=str(found["token"]),
            pid=int(found["pid"]),
            started=datetime.fromisoformat(found["started"]),
            certificate=None if found.get("certificate") is None else str(found["certificate"]),
        )
    except (ValueError, KeyError, TypeError):
        return None


def _process_exists(pid: int) -> bool:
    if pid <= 0:
        return False
    if sys.platform == "win32":
        return _windows_process_exists(pid)
    try:
        os.kill(pid, 0)
    except PermissionError:  # it exists and is somebody else's
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return True


def _windows_process_exists(pid: int) -> bool:
    """`os.kill` would end the process on Windows; ask for a handle instead."""
    import ctypes

    kernel = ctypes.WinDLL("kernel32", use_last_error=True)  # type: ignore[attr-defined, unused-ignore]
    query_limited_information, still_active = 0x1000, 259
    handle = kernel.OpenProcess(query_limited_information, False, pid)
    if not handle:
        access_denied = 5
        return bool(ctypes.get_last_error() == access_denied)  # type: ignore[attr-defined, unused-ignore]
    try:
        code = ctypes.c_ulong()
        return bool(kernel.GetExitCodeProcess(handle, ctypes.byref(code))) and code.value == still_active
    finally:
        kernel.CloseHandle(handle)


def _listens(url: str, timeout: float) -> bool:
    try:
        parts = urllib.parse.urlsplit(url)
        host, port = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return False
    if host is None:
        return False
    try:
        with socket.create_connection((host, port), timeout=timeout):
            return True
    except OSError:
        return False
