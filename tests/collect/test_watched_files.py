"""Watched folders: a file is taken once, when it is complete, and what cannot be loaded is put aside with the reason."""

from __future__ import annotations

import gzip
import json
import logging
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from tests.api.conftest import serving
from vedette.collect.files.folders import WatchedFolder
from vedette.collect.files.loader import FileLoader
from vedette.collect.files.watching import PATIENCE, SETTLED, FolderWatcher
from vedette.core.clock import VirtualClock
from vedette.core.datadir import DataDirectory
from vedette.store.logstore import LogStore

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


class Watch:
    """A folder, a store, and a clock that the test moves."""

    def __init__(self, folder: Path, store: LogStore, *, move: bool) -> None:
        self.folder, self.store = folder, store
        self.clock = VirtualClock(NOW)
        self.move = move
        self.restart()

    def restart(self) -> None:
        loader = FileLoader(self.store, self.clock)
        watched = WatchedFolder("1", self.folder, move=self.move)
        self.watcher = FolderWatcher(lambda: [watched], loader, self.clock)

    def write(self, name: str, text: str, *, age: float = 0) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        at = self.clock.now().timestamp() - age
        os.utime(path, (at, at))
        return path

    def look(self, after: float = 0) -> None:
        self.clock.advance(after)
        self.watcher.look()

    def rows(self) -> int:
        return int(self.store.query("SigninLogs | count").rows[0][0])


@pytest.fixture(params=[False, True], ids=["remembered", "moved"])
def watch(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Watch]:
    folder = tmp_path / "in"
    folder.mkdir()
    with LogStore(tmp_path / "logs.duckdb", VirtualClock(NOW)) as store:
        yield Watch(folder, store, move=request.param)


def lines(*names: str) -> str:
    return "".join(
        json.dumps({"TimeGenerated": "2026-03-01T00:00:00Z", "UserPrincipalName": name}) + "\n" for name in names
    )


def test_a_file_that_still_grows_is_left_alone(watch: Watch) -> None:
    watch.write("SigninLogs/a.jsonl", lines("a"))
    watch.look()
    watch.look(SETTLED / 2)
    watch.write("SigninLogs/a.jsonl", lines("a", "b"))
    watch.look(SETTLED / 2)
    watch.look(SETTLED / 2)
    assert watch.rows() == 0
    watch.look(SETTLED)
    assert watch.rows() == 2
    assert watch.watcher.state(watch.folder).rows == 2
    watch.look(SETTLED)
    assert watch.rows() == 2
    assert (watch.folder / "loaded/SigninLogs/a.jsonl").exists() is watch.move
    assert (watch.folder / "SigninLogs/a.jsonl").exists() is not watch.move


def test_a_file_that_was_moved_there_is_taken_at_once(watch: Watch) -> None:
    watch.write("SigninLogs/a.jsonl", lines("a"), age=60)
    for name in (".hidden.jsonl", "b.jsonl.part", "c.tmp"):
        watch.write(f"SigninLogs/{name}", lines("x"), age=60)
    watch.look()
    assert watch.rows() == 1


def test_what_was_loaded_is_known_after_a_restart(watch: Watch) -> None:
    watch.write("SigninLogs/a.jsonl", lines("a"), age=60)
    watch.look()
    watch.restart()
    watch.look()
    copy = watch.write("SigninLogs/copy.jsonl", lines("a"), age=60)
    watch.look()
    assert watch.rows() == 1
    assert copy.exists() is not watch.move


def test_what_cannot_be_loaded_is_put_aside_with_the_reason(watch: Watch) -> None:
    bad = watch.write("sub/noise.txt", "not a log\nat all\n", age=60)
    watch.write("SigninLogs/a.jsonl", lines("a"), age=60)
    watch.look()
    assert bad.exists()  # its writer may only have paused
    watch.look(PATIENCE)
    assert not bad.exists()
    aside = watch.folder / "failed/sub/noise.txt"
    assert aside.read_text() == "not a log\nat all\n"
    assert "neither JSON" in aside.with_name("noise.txt.reason.txt").read_text()
    state = watch.watcher.state(watch.folder)
    assert (state.files, state.failed, state.problems[0].file) == (1, 1, bad)
    watch.look(PATIENCE)
    assert watch.watcher.state(watch.folder).failed == 1
    # the name may come again
    watch.write("sub/noise.txt", "other noise\nof two lines\n", age=60)
    watch.look()
    watch.look(PATIENCE)
    assert (watch.folder / "failed/sub/noise.2.txt").exists()


def test_what_an_archive_with_one_damaged_file_has_brought_is_told(
    watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    bad = gzip.compress(lines(*(f"u{n}" for n in range(100))).encode())[:40]
    path = watch.write("e.zip", "")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("SigninLogs/a.jsonl", lines("a", "b") + "no record\n")
        archive.writestr("SigninLogs/b.jsonl.gz", bad)
    os.utime(path, (watch.clock.now().timestamp(),) * 2)
    with caplog.at_level(logging.INFO):
        for after in (0, SETTLED, PATIENCE):
            watch.look(after)
    assert watch.rows() == 2
    said = (watch.folder / "failed" / "e.zip.reason.txt").read_text().splitlines()
    assert [line == "All else in it is loaded." for line in said] == [False, True]
    aside = [message for message in caplog.messages if "VedetteDeadLetter_CL" in message]
    assert len(aside) == 1
    assert aside[0].endswith("records: 1")


def test_a_file_that_is_completed_after_it_could_not_be_loaded(watch: Watch) -> None:
    whole = json.dumps([{"Type": "SigninLogs", "TimeGenerated": "2026-03-01T00:00:00Z", "UserPrincipalName": "a"}])
    watch.write("a.json", "", age=60)
    watch.look()
    watch.look(PATIENCE / 2)
    watch.write("a.json", whole)
    watch.look(1)
    watch.look(SETTLED)
    assert watch.rows() == 1


def test_a_folder_that_is_gone(watch: Watch) -> None:
    watch.folder.rmdir()
    watch.look()
    assert watch.watcher.state(watch.folder).problem is not None
    watch.folder.mkdir()
    watch.write("SigninLogs/a.jsonl", lines("a"), age=60)
    watch.look()
    assert watch.watcher.state(watch.folder).problem is None
    assert watch.rows() == 1


def test_the_names_of_the_watched_folder_says_nothing(watch: Watch) -> None:
    watch.write("x.json", '[{"a": 1}]', age=60)
    watch.look()
    watch.look(PATIENCE)
    assert (watch.folder / "failed/x.json").exists()
    assert watch.store.tables() == [] or all(one.name.startswith("Vedette") for one in watch.store.tables())


def test_over_the_api(tmp_path: Path) -> None:
    inside = tmp_path / "drop"
    inside.mkdir()
    with serving(tmp_path / "data") as running:
        record = DataDirectory(running.data).server()
        assert record is not None
        path = "/api/v1/workspaces/default/watched-folders"
        with httpx.Client(
            base_url=record.url, headers={"Authorization": f"Bearer {record.token}"}, timeout=60
        ) as client:
            assert client.get(path).json() == {"value": [], "count": 0}
            for wrong, code in (
                (str(tmp_path / "none"), 400),
                (str(running.data), 400),
                (str(tmp_path), 400),
                ("drop", 400),
            ):
                assert client.post(path, json={"path": wrong}).status_code == code, wrong
            made = client.post(path, json={"path": str(inside), "move": True})
            assert (made.status_code, made.json()["path"]) == (201, str(inside))
            assert client.post(path, json={"path": str(inside)}).status_code == 409
            assert client.get(path).json()["count"] == 1
            assert client.delete(path, params={"folder": "elsewhere"}).status_code == 404
            assert client.delete(path, params={"folder": str(inside)}).status_code == 204
            assert client.get(path).json()["count"] == 0
        assert httpx.get(record.url + path, timeout=60).status_code == 401
        application = running.application
        workspace = application.workspace("default")
        from vedette.core.accounts import local_operator
        from vedette.core.roles import Role

        owner = local_operator(running.data)
        application.identity.create_account("user", "con", by=owner)
        application.identity.grant("con", Role.CONTRIBUTOR, workspace.id, by=owner)
        token = application.identity.create_token("con", "t", by=owner).text.reveal()
        as_contributor = {"Authorization": f"Bearer {token}"}
        assert httpx.get(record.url + path, headers=as_contributor, timeout=60).status_code == 200
        assert (
            httpx.post(record.url + path, headers=as_contributor, json={"path": str(inside)}, timeout=60).status_code
            == 403
        )


MAIN = "import sys; from vedette.cli.main import main; sys.argv[0] = 'vedette'; main()"


@pytest.mark.skipif(os.name == "nt", reason="a process is killed by a signal")
def test_killed_while_loading(tmp_path: Path) -> None:
    """Whatever moment the server is killed at, each row is there once in the end."""
    folder, data = tmp_path / "in", tmp_path / "data"
    (folder / "SigninLogs").mkdir(parents=True)
    per_file, files = 3_000, 6
    for number in range(files):
        text = lines(*(f"{number}-{row}" for row in range(per_file)))
        path = folder / "SigninLogs" / f"{number}.jsonl"
        path.write_text(text)
        os.utime(path, (1_700_000_000, 1_700_000_000))
    root = Path(__file__).resolve().parents[2]

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-c", MAIN, "serve", "--data", str(data), "--port", "0", "--watch", str(folder)],
            cwd=root / "src", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    for delay in (0.05, 0.5):
        server = start()
        assert server.stdout is not None
        assert server.stdout.readline()
        time.sleep(delay)
        server.send_signal(signal.SIGKILL)
        server.wait()
    server = start()
    try:
        assert server.stdout is not None
        assert server.stdout.readline()
        deadline = time.monotonic() + 60
        found: list[dict[str, int]] = []
        while time.monotonic() < deadline:
            record = DataDirectory(data).server()
            if record is None:  # the address is told a moment earlier
                time.sleep(0.1)
                continue
            answer = httpx.post(
                f"{record.url}/api/v1/workspaces/default/query", headers={"Authorization": f"Bearer {record.token}"},
                json={"query": "SigninLogs | summarize count(), dcount(UserPrincipalName, 4)"}, timeout=60,
            ).json()  # fmt: skip
            found = answer["rows"]
            if found and found[0][0] >= per_file * files:
                break
            time.sleep(0.3)
        time.sleep(1.5)
        assert found[0][0] == per_file * files
        assert found[0][1] == pytest.approx(per_file * files, rel=0.05)
    finally:
        server.terminate()
        server.wait(timeout=60)
