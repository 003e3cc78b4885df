"""The data directory: its layout, its lock, the record of its server."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from vedette.core.datadir import DataDirectory, ServerRecord, default_path
from vedette.core.errors import Unavailable

WORKSPACE = "11111111-2222-3333-4444-555555555555"
STARTED = datetime(2026, 3, 1, 12, tzinfo=UTC)
posix = pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_layout(tmp_path: Path) -> None:
    data = DataDirectory(tmp_path / "new" / "data").create()
    assert data.state_file == data.path / "state.db"
    assert data.secrets_key_file == data.path.parent / f"{data.path.name}.keys" / "secrets.key"
    assert data.logs_file(WORKSPACE) == data.path / "workspaces" / WORKSPACE / "logs.duckdb"
    assert data.server_file == data.path / "server.json"
    assert (data.path / "keys").is_dir()
    assert (data.path / "workspaces").is_dir()


@posix
def test_the_directory_is_its_owners_alone(tmp_path: Path) -> None:
    data = DataDirectory(tmp_path / "data").create()
    assert [mode(folder) for folder in (data.path, data.keys, data.path / "workspaces")] == [0o700] * 3


@pytest.mark.parametrize("name", ["default", "../escape", "", "/etc"])
def test_a_workspace_folder_is_named_by_an_id(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="workspace id"):
        DataDirectory(tmp_path).workspace(name)


def test_the_default_is_the_users_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variable in ("XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(variable, str(tmp_path))
    assert default_path().name.lower() == "vedette"


# ---- lock

HOLDER = """
import sys, time
from vedette.core.datadir import DataDirectory
with DataDirectory(sys.argv[1]).lock("vedette serve"):
    print("locked", flush=True)
    time.sleep(120)
"""


@contextmanager
def held_by_another_process(path: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    child = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE, text=True, env=environment
    )
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "locked\n"
        yield child
    finally:
        child.kill()
        child.wait(30)
        if child.stdout is not None:
            child.stdout.close()


def test_the_lock_keeps_others_out_and_says_who_holds_it(tmp_path: Path, python_environment: dict[str, str]) -> None:
    told: list[str] = []
    lock = DataDirectory(tmp_path).lock(wait=0.3, on_wait=told.append)
    holder = held_by_another_process(tmp_path, python_environment)
    with holder as child, pytest.raises(Unavailable) as caught, lock:
        pytest.fail("two hold the lock")
    assert f"is in use by process {child.pid} (vedette serve, since 20" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(told) == 1
    assert f"Waiting up to 0.3 s for process {child.pid} (vedette serve" in told[0]


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path, python_environment: dict[str, str]) -> None:
    with held_by_another_process(tmp_path, python_environment) as child:
        child.kill()
        child.wait(30)
        with DataDirectory(tmp_path).lock(wait=30):
            pass


def test_who_waits_gets_the_lock_when_it_is_let_go(tmp_path: Path) -> None:
    order: list[str] = []
    waiting = threading.Event()

    def second() -> None:
        with DataDirectory(tmp_path).lock(wait=60, on_wait=lambda _: waiting.set()):
            order.append("second")

    thread = threading.Thread(target=second)
    with DataDirectory(tmp_path).lock():
        thread.start()
        assert waiting.wait(60)
        order.append("first")
    thread.join(60)
    assert order == ["first", "second"]


def test_nobody_is_told_to_wait_for_nothing(tmp_path: Path) -> None:
    told: list[str] = []
    with DataDirectory(tmp_path).lock(on_wait=told.append):
        pass
    with DataDirectory(tmp_path).lock(on_wait=told.append):
        pass
    assert told == []


def test_the_lock_is_let_go_after_a_failure(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), DataDirectory(tmp_path).lock():
        raise RuntimeError
    with DataDirectory(tmp_path).lock(wait=0):
        pass


# ---- server record


@pytest.fixture
def listener() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def record(port: int, pid: int | None = None) -> ServerRecord:
    return ServerRecord(f"http://127.0.0.1:{port}", "vdt_token", pid or os.getpid(), STARTED)


def test_the_record_of_a_running_server(tmp_path: Path, listener: int) -> None:
    data = DataDirectory(tmp_path).create()
    assert data.server() is None
    data.publish_server(record(listener))
    assert data.server() == record(listener)
    assert json.loads(data.server_file.read_text())["url"] == f"http://127.0.0.1:{listener}"
    data.withdraw_server()
    data.withdraw_server()
    assert data.server() is None


@posix
def test_the_record_is_its_owners_alone(tmp_path: Path, listener: int) -> None:
    data = DataDirectory(tmp_path).create()
    data.server_file.write_text("{}")
    data.server_file.chmod(0o644)
    before = os.umask(0)
    try:
        data.publish_server(record(listener))
    finally:
        os.umask(before)
    assert mode(data.server_file) == 0o600
    assert [path.name for path in data.path.iterdir() if path.is_file()] == ["server.json"]


def test_the_record_of_a_dead_server_is_none(tmp_path: Path, listener: int) -> None:
    data = DataDirectory(tmp_path).create()
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait(30)
    data.publish_server(record(listener, gone.pid))
    assert data.server() is None


def test_a_record_whose_address_nobody_listens_at_is_none(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = DataDirectory(tmp_path).create()
    data.publish_server(record(port))
    begun = time.monotonic()
    assert data.server(timeout=0.5) is None
    assert time.monotonic() - begun < 30


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"url": 1, "pid": "x"}', '{"url": "http://[", "token": "t"}']
)
def test_a_record_that_makes_no_sense_is_none(tmp_path: Path, content: str) -> None:
    data = DataDirectory(tmp_path).create()
    data.server_file.write_text(content)
    assert data.server() is None


def test_the_token_is_not_printed() -> None:
    assert "vdt_token" not in repr(record(1))


# ---- what the operating system refuses


@pytest.mark.parametrize("step", ["create", "lock", "publish", "read"])
def test_a_refusal_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    data = DataDirectory(tmp_path / "data").create()

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(data.path / "thing"))

    target = {"create": "make_private_directory", "lock": "FileLock.acquire", "publish": "write_private"}
    if step == "read":
        monkeypatch.setattr(Path, "read_bytes", refuse)
    else:
        monkeypatch.setattr(f"vedette.core.datadir.{target[step]}", refuse)
    with pytest.raises(Unavailable) as caught:
        if step == "create":
            data.create()
        elif step == "lock":
            with data.lock():
                pytest.fail("locked")
        elif step == "publish":
            data.publish_server(record(1))
        else:
            data.server()
    message = str(caught.value)
    assert message.startswith(f"The data directory {data.path} cannot be ")
    assert "is not permitted to" in message
    assert "\n" not in message
    assert caught.value.hint


@posix
@pytest.mark.skipif(os.name == "posix" and os.geteuid() == 0, reason="the superuser is refused nothing")
def test_a_real_refusal(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    with pytest.raises(Unavailable, match="is not permitted to"):
        DataDirectory(locked / "data").create()


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(Unavailable, match="a file is in its place"):
        DataDirectory(tmp_path / "data").create()
    with pytest.raises(Unavailable, match="a file is in its place"):
        DataDirectory(tmp_path / "data" / "deeper").create()
