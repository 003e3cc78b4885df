"""A private PostgreSQL server for the tests that need one: started from the installed programs, ended with the run.

It listens on a loopback port with a random password, in a temporary directory. PostgreSQL refuses to run as root, so a run
by root (a container, CI) starts it as the `postgres` user that Debian's package creates.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

USER = "vedette"
START_SECONDS = 60.0
MISSING = "PostgreSQL's server programs were not found (Debian: apt-get install postgresql)"


@dataclass(frozen=True)
class PostgresServer:
    """Where a running server listens, and who may come in."""

    port: int
    password: str

    def url(self, database: str) -> str:
        """The SQLAlchemy URL of one of its databases."""
        return f"postgresql+psycopg://{USER}:{self.password}@127.0.0.1:{self.port}/{database}"

    def execute(self, statement: str) -> None:
        """Runs one statement outside of a transaction, in the server's own database."""
        import psycopg

        with psycopg.connect(
            host="127.0.0.1", port=self.port, user=USER, password=self.password, dbname="postgres", autocommit=True
        ) as connection:
            connection.execute(statement)


def find_programs() -> Path | None:
    """The folder of initdb and postgres (the newest version, where Debian has several), or None."""
    found = shutil.which("initdb")
    if found and shutil.which("postgres"):
        return Path(found).resolve().parent
    versions = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/postgres")]
    return max(
        versions, key=lambda path: [int(part) for part in path.parent.name.split(".") if part.isdigit()], default=None
    )


def _unprivileged() -> dict[str, Any]:
    """Arguments of subprocess that leave root's rights behind; skips the test where there is no user to become."""
    if sys.platform == "win32" or os.geteuid() != 0:
        return {}
    import pwd

    try:
        account = pwd.getpwnam("postgres")
    except KeyError:
        pytest.skip("PostgreSQL does not run as root, and there is no user `postgres` to run it as")
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _initialise(programs: Path, folder: Path, password: str, identity: dict[str, Any]) -> None:
    word = folder / "password"
    word.touch(mode=0o600)
    word.write_text(password + "\n", encoding="ascii")
    if identity:
        os.chown(folder, identity["user"], identity["group"])
        os.chown(word, identity["user"], identity["group"])
    command = [
        programs / "initdb", "--pgdata", folder / "data", "--username", USER, "--pwfile", word, "--auth=scram-sha-256",
        "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, **identity)
    word.unlink()
    if done.returncode:
        raise RuntimeError(f"initdb failed: {done.stderr.strip() or done.stdout.strip()}")


def _wait_until_up(server: PostgresServer, process: subprocess.Popen[bytes]) -> bool:
    import psycopg

    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            server.execute("select 1")
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return True
    return False


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A running PostgreSQL server; one per test process."""
    programs = find_programs()
    if programs is None:
        pytest.skip(MISSING)
    identity = _unprivileged()
    folder = Path(tempfile.mkdtemp(prefix="vedette-postgres-"))
    process: subprocess.Popen[bytes] | None = None
    try:
        password = secrets.token_urlsafe(18)
        _initialise(programs, folder, password, identity)
        for _ in range(3):  # another program may take the port between the look and the start
            server = PostgresServer(_free_port(), password)
            settings = {
                "listen_addresses": "127.0.0.1", "port": str(server.port), "unix_socket_directories": "", "fsync": "off",
                "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "60", "shared_buffers": "32MB",
            }  # fmt: skip
            command: list[str | Path] = [programs / "postgres", "-D", folder / "data"]
            for name, value in settings.items():
                command += ["-c", f"{name}={value}"]
            with (folder / "log").open("ab") as log:
                process = subprocess.Popen(
                    command, cwd=folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL, **identity
                )
            if _wait_until_up(server, process):
                break
            process.kill()
            process.wait()
        else:
            raise RuntimeError(f"PostgreSQL did not start: {(folder / 'log').read_text(errors='replace')[-2000:]}")
        yield server
    finally:
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGINT)  # "fast shutdown": ends sessions and goes
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of an empty database of the test's own, dropped after it."""
    name = f"test_{secrets.token_hex(6)}"
    postgres_server.execute(f'create database "{name}"')
    yield postgres_server.url(name)
    postgres_server.execute(f'drop database if exists "{name}" with (force)')


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def state_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty state database: the test runs once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{(tmp_path / 'state.db').as_posix()}"
    url: str = request.getfixturevalue("postgres_url")
    return url
