"""Backups: what is restored is what was there, with secrets encrypted and nothing acknowledged lost."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.plugins.secrecy import marked
from tests.plugins.state import NOON
from vedette.api.application import Application
from vedette.core.accounts import local_operator
from vedette.core.clock import VirtualClock
from vedette.core.datadir import DataDirectory
from vedette.core.errors import Conflict, InvalidInput, VedetteError
from vedette.core.redaction import Secret
from vedette.core.roles import SYSTEM
from vedette.core.settings import load_settings
from vedette.store import backup
from vedette.store.watchlists.lists import WatchlistSettings

SECRET = marked("of a backup")
QUESTIONS = (
    "SigninLogs | sort by TimeGenerated asc | project TimeGenerated, UserPrincipalName, DeviceDetail, _ItemId, ingestion_time()",
    "App_CL | sort by n asc | project n, TimeGenerated",
    "_GetWatchlist('People') | project SearchKey, WatchlistItem",
    "VedetteDeadLetter_CL | count",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data directory with rows in the tables, in the lake and in the spool, and with content and a secret."""
    path = tmp_path / "data"
    clock = VirtualClock(NOON)
    with Application(load_settings(data_dir=path), clock) as held:
        services = held.services(held.workspace("default"))
        services.logs.append(
            "SigninLogs",
            [
                {
                    "TimeGenerated": (NOON - timedelta(days=day)).isoformat(), "UserPrincipalName": f"u{day}",
                    "DeviceDetail": {"os": "W", "day": day},
                }
                for day in range(60)
            ],
        )  # fmt: skip
        services.retention.set("SigninLogs", 30, None, SYSTEM)
        assert services.keeper.run().tables
        services.watchlists.put("People", WatchlistSettings("user"), [{"user": "bob"}, {"user": "eve"}], SYSTEM)
        held.secrets.put("client", Secret(SECRET), by=SYSTEM)
        services.intake.accept("App_CL", [{"n": number} for number in range(10)], source="test")
        services.intake.flush()
    return path


def answers(path: Path) -> dict[str, Any]:
    """What a data directory says of everything."""
    with Application(load_settings(data_dir=path), VirtualClock(NOON)) as held:
        services = held.services(held.workspace("default"))
        return {
            "rows": [services.logs.query(text).rows for text in QUESTIONS],
            "tables": services.logs.tables(),
            "position": services.logs.position(),
            "watchlists": services.watchlists.list(),
            "retention": services.retention.list(),
            "workspace": services.workspace.id,
            "audit": [entry.action for entry in held.audit.entries() if entry.action != "backup/create"],
        }


def made(path: Path, target: Path) -> backup.BackupReport:
    """A backup of a data directory."""
    with Application(load_settings(data_dir=path), VirtualClock(NOON)) as held:
        return held.backup(target, local_operator(path))


def test_what_is_restored_is_what_was_there(folder: Path, tmp_path: Path) -> None:
    before = answers(folder)
    report = made(folder, tmp_path / "backup")
    assert (report.state, len(report.workspaces)) == (True, 1)
    restored = tmp_path / "restored"
    backup.restore(tmp_path / "backup", DataDirectory(restored))
    assert answers(restored) == before
    assert len(before["rows"][0]) == 60
    lake = [path.relative_to(restored).as_posix() for path in restored.rglob("*.parquet")]
    assert len(lake) == 29


def test_secrets_are_in_it_encrypted_alone(folder: Path, tmp_path: Path) -> None:
    made(folder, tmp_path / "backup")
    names = {path.relative_to(tmp_path / "backup").as_posix() for path in (tmp_path / "backup").rglob("*")}
    assert not [name for name in names if "keys" in name or "server.json" in name]
    key = (DataDirectory(folder).secrets_key_file).read_text().split()[-1].encode()
    for path in (tmp_path / "backup").rglob("*"):
        if path.is_file():
            assert SECRET.encode() not in path.read_bytes()
            assert key not in path.read_bytes()
    for name, given in (("without", None), ("with", DataDirectory(folder).secrets_key_file)):
        backup.restore(tmp_path / "backup", DataDirectory(tmp_path / name), given)
        with Application(load_settings(data_dir=tmp_path / name), VirtualClock(NOON)) as held:
            reference = next(one.reference for one in held.secrets.list(None) if one.name == "client")
            if given is None:
                with pytest.raises(VedetteError):
                    held.secrets.get(reference)
            else:
                assert held.secrets.get(reference).reveal() == SECRET


def test_rows_that_wait_in_the_spool_are_in_it_once(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Application(load_settings(data_dir=folder), VirtualClock(NOON)) as held:
        services = held.services(held.workspace("default"))
        with monkeypatch.context() as patch:
            patch.setattr(
                type(services.logs), "take", lambda *arguments: (_ for _ in ()).throw(VedetteError("not now"))
            )
            services.intake.accept("App_CL", [{"n": number} for number in range(10, 15)], source="test")
            held.backup(tmp_path / "backup", local_operator(folder))
    backup.restore(tmp_path / "backup", DataDirectory(tmp_path / "restored"))
    with Application(load_settings(data_dir=tmp_path / "restored"), VirtualClock(NOON)) as held:
        services = held.services(held.workspace("default"))
        assert services.intake.flush()
        assert services.logs.query("App_CL | summarize count(), dcount(n)").rows == [[15, 15]]


def test_senders_go_on_while_it_is_made(folder: Path, tmp_path: Path) -> None:
    with Application(load_settings(data_dir=folder)) as held:
        services = held.services(held.workspace("default"))
        services.intake.accept("App_CL", [{"n": 100}], source="before")
        held.backup(tmp_path / "backup", local_operator(folder))
        services.intake.accept("App_CL", [{"n": 101}], source="after")
        assert services.intake.flush()
        assert services.logs.query("App_CL | count").rows == [[12]]
    backup.restore(tmp_path / "backup", DataDirectory(tmp_path / "restored"))
    with Application(load_settings(data_dir=tmp_path / "restored")) as held:
        services = held.services(held.workspace("default"))
        assert services.intake.flush()
        assert services.logs.query("App_CL | summarize max(n)").rows == [[100]]


def test_a_backup_that_is_not_whole_is_refused(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "backup"
    made(folder, target)
    with pytest.raises(Conflict):
        made(folder, target)
    with pytest.raises(Conflict):
        backup.restore(target, DataDirectory(folder))
    file = next(target.rglob("*.parquet"))
    content = file.read_bytes()
    file.write_bytes(content[:-1] + b"X")
    with pytest.raises(InvalidInput, match="damaged"):
        backup.restore(target, DataDirectory(tmp_path / "restored"))
    assert not (tmp_path / "restored").exists()
    file.unlink()
    with pytest.raises(InvalidInput, match="lacks"):
        backup.verify(target)
    manifest = json.loads((target / "manifest.json").read_text())
    manifest["files"][0]["path"] = "../../etc/passwd"
    (target / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InvalidInput, match="damaged"):
        backup.verify(target)
    (target / "manifest.json").unlink()
    with pytest.raises(InvalidInput, match="not a backup"):
        backup.verify(target)
    with pytest.raises(InvalidInput, match="within"):
        made(folder, folder / "backup")


def test_a_backup_that_is_stopped_leaves_nothing(folder: Path, tmp_path: Path) -> None:
    """Wherever it is stopped; the same folder can be named again."""
    target = tmp_path / "backup"
    with Application(load_settings(data_dir=folder), VirtualClock(NOON)) as held:
        by = local_operator(folder)
        asked = 0

        def stopped() -> bool:
            nonlocal asked
            if threading.current_thread() is not threading.main_thread():
                return False  # who watches over the engine asks as often as it takes
            asked += 1
            return asked == limit

        limit = 0
        held.backup(target, by, stopped)
        assert asked > 8
        files = asked
        for place in sorted({1, 2, 3, files // 2, files - 1, files}):
            target = tmp_path / f"stopped {place}"
            if place % 2:
                target.mkdir()
            asked, limit = 0, place
            with pytest.raises(VedetteError, match="stopped"):
                held.backup(target, by, stopped)
            assert target.exists() == bool(place % 2)
            assert not target.exists() or not list(target.iterdir())
            assert not list((folder / "workspaces").glob("*/staging/*"))
            limit = 0
            assert held.backup(target, by, stopped).files
    assert backup.verify(tmp_path / "stopped 1").files


def test_a_backup_is_stopped_while_the_engine_copies(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copying = threading.Event()
    really = backup.run

    def slow(connection: Any, sql: str, *arguments: Any) -> Any:
        if sql.startswith("COPY FROM DATABASE"):
            copying.set()
            sql = "SELECT sum(hash(a.range + b.range)) FROM range(10000000) AS a, range(10000000) AS b"
        return really(connection, sql, *arguments)

    monkeypatch.setattr(backup, "run", slow)
    with Application(load_settings(data_dir=folder), VirtualClock(NOON)) as held:
        with pytest.raises(VedetteError, match="stopped"):
            held.backup(tmp_path / "backup", local_operator(folder), copying.is_set)
        assert not (tmp_path / "backup").exists()
        monkeypatch.undo()
        assert held.backup(tmp_path / "backup", local_operator(folder)).files


def test_a_backup_that_fails_leaves_nothing(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "backup").mkdir()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backup, "write_private", full)
    with pytest.raises(VedetteError, match="no space left"):
        made(folder, tmp_path / "backup")
    assert not list((tmp_path / "backup").iterdir())
    monkeypatch.undo()
    assert made(folder, tmp_path / "backup").files
