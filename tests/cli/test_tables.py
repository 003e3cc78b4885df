"""`vedette transformations`, `tables`, `export` and `backup`, with and without a server that holds the directory."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from vedette.api.application import Application
from vedette.core.errors import VedetteError
from vedette.core.roles import Principal
from vedette.store.backup import BackupReport


def test_a_transformation_from_trial_to_deletion(vedette: Command, data: Path, tmp_path: Path) -> None:
    assert vedette("tables", "create", "Seed_CL", "--data", data).code == 0
    sample = tmp_path / "rows.jsonl"
    sample.write_text('{"level": "info", "n": 1}\n{"level": "debug", "n": 2}\n')
    text = "source | where level != 'debug' | extend twice = n * 2"
    tried = vedette("transformations", "try", "Custom-App", text, "--sample", sample, "--data", data, "--json").json()
    assert [(one["table"], [row["twice"] for row in one["rows"]]) for one in tried["outputs"]] == [("App_CL", [2])]
    refused = vedette("transformations", "set", "App_CL", "source | sort by n", "--sample", sample, "--data", data)
    assert refused.code == 1
    assert "The operator 'sort' is not supported in a transformation" in refused.err
    assert "^^^^" in refused.err
    kept = vedette(
        "transformations",
        "set",
        "App_CL",
        text,
        text,
        "--to",
        "App_CL",
        "--to",
        "Two_CL",
        "--sample",
        sample,
        "--data",
        data,
    )
    assert (kept.code, kept.out) == (0, "App_CL: revision 1, to App_CL, Two_CL\n")
    assert vedette("transformations", "list", "--data", data, "--json").json()[0]["stream"] == "App_CL"
    assert text in vedette("transformations", "show", "App_CL", "--data", data).out
    again = vedette("transformations", "try", "App_CL", "--sample", sample, "--data", data)
    assert "Two_CL: 1 row of 2" in again.out
    assert vedette("transformations", "delete", "App_CL", "--data", data).code == 0
    gone = vedette("transformations", "show", "App_CL", "--data", data)
    assert (gone.code, "no transformation 'App_CL'" in gone.err) == (1, True)


def test_tables_retention_purge_and_export(vedette: Command, data: Path, tmp_path: Path) -> None:
    made = vedette("tables", "create", "My_CL", "--column", "n:long", "--data", data)
    assert (made.code, made.out) == (0, "made My_CL with 15 columns\n")
    assert vedette("tables", "create", "My", "--data", data).code != 0
    assert "Did you mean 'n:long'?" in vedette("tables", "create", "Other_CL", "--column", "n:lomg", "--data", data).err
    rows = tmp_path / "rows.jsonl"
    now = datetime.now(UTC)
    rows.write_text(
        "".join(json.dumps({"TimeGenerated": (now - timedelta(days=n)).isoformat(), "n": n}) + "\n" for n in range(20))
    )
    assert vedette("load", rows, "--table", "My_CL", "--data", data).code == 0
    setting = ("tables", "retention", "set", "My_CL", "--interactive", "10d", "--total", "15", "--data", data)
    asked = vedette(*setting)
    assert (asked.code, "deleted for good?" in asked.out + asked.err) == (1, True)
    assert "for ever" in vedette("tables", "retention", "show", "My_CL", "--data", data).out
    told = vedette(*setting, "--yes")
    assert told.out == "My_CL: interactive 10 days, in all 15 days\n"
    assert re.search(
        r"My_CL: 4 rows \([\d,]+ bytes\) will be deleted and 5 rows \([\d,]+ bytes\) will go to the lake", told.err
    )
    assert "whole" not in vedette("tables", "retention", "set", "My_CL", "--total", "2h", "--data", data).out
    done = vedette("tables", "retention", "run", "--data", data, "--json").json()["tables"][0]
    assert (done["table"], done["moved_days"], done["deleted_rows"]) == ("My_CL", 5, 4)
    assert vedette("query", "My_CL | summarize count(), max(n)", "--data", data, "--format", "json").json() == [
        {"count_": 16, "max_n": 15}
    ]
    assert "5 of them in the lake (5 files)" in vedette("tables", "show", "My_CL", "--data", data).err
    assert (
        vedette("tables", "purge", "My_CL", "n == 12 or n == 1", "--yes", "--data", data).out
        == "removed 2 rows of My_CL\n"
    )
    assert (
        vedette("tables", "purge", "My_CL", "n == 12", "--yes", "--data", data).out
        == "No row of My_CL meets the condition.\n"
    )
    file = tmp_path / "out.csv"
    assert vedette("export", "My_CL | sort by n asc | project n", "--to", file, "--data", data).code == 0
    assert file.read_text().split() == ["n", *(str(n) for n in range(16) if n not in (1, 12))]
    again = vedette("export", "My_CL", "--to", file, "--data", data)
    assert (again.code, "is there already" in again.err, "--force" in again.err) == (1, True, True)
    assert vedette("export", "My_CL | take 1", "--to", file, "--force", "--data", data).code == 0
    assert vedette("export", "My_CL |", "--to", tmp_path / "x.csv", "--data", data).code == 1
    every = vedette("tables", "retention", "set", "*", "--total", "3d", "--data", data)
    assert (every.code, "My_CL" in every.err) == (0, False), "it has a setting of its own"
    assert vedette("tables", "retention", "reset", "*", "--data", data).code == 0
    assert vedette("tables", "retention", "reset", "My_CL", "--data", data).code == 0
    every = vedette("tables", "retention", "set", "*", "--total", "3d", "--data", data)
    assert every.code == 1
    # days 0 to 3 stay, and days 12 and 1 were purged; what is in the lake by now goes with the rest
    assert "My_CL: 11 rows" in every.err
    missing = vedette("tables", "retention", "show", "Mi_CL", "--data", data)
    assert (missing.code, "Did you mean 'My_CL'?" in missing.err) == (1, True)
    assert vedette("tables", "retention", "show", "*", "--data", data).code == 0
    assert vedette("tables", "retention", "list", "--data", data, "--json").json() == []


def test_a_backup_is_made_verified_and_restored(vedette: Command, data: Path, tmp_path: Path) -> None:
    assert vedette("tables", "create", "Seed_CL", "--data", data).code == 0
    (tmp_path / "rows.jsonl").write_text('{"n": 1}\n{"n": 2}\n')
    assert vedette("load", tmp_path / "rows.jsonl", "--table", "Seed_CL", "--data", data).code == 0
    made = vedette("backup", "create", tmp_path / "backup", "--data", data, "--json").json()
    assert made["state"]
    assert vedette("backup", "verify", tmp_path / "backup").code == 0
    assert vedette("backup", "restore", tmp_path / "backup", "--data", data).code == 1
    assert vedette("backup", "restore", tmp_path / "backup", "--data", tmp_path / "restored").code == 0
    # a server goes on writing of itself
    before = f"ingestion_time() < todatetime('{made['created']}')"
    text = f"union * | where {before} | summarize count() by Type | sort by Type asc"
    assert "Seed_CL" in vedette("query", text, "--data", data).out
    assert vedette("query", text, "--data", tmp_path / "restored").out == vedette("query", text, "--data", data).out


@pytest.mark.skipif(os.name != "posix", reason="signals for a thread are POSIX's")
def test_ctrl_c_stops_a_backup_wherever_it_is_made(
    vedette: Command, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server that makes it, too: its answer would go to nobody, and the folder could not be named again."""
    assert vedette("tables", "create", "Seed_CL", "--data", data).code == 0
    ended: list[bool] = []
    really = Application.backup
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def pressed(held: Application, target: Path, by: Principal, stopped: Callable[[], bool]) -> BackupReport:
        time.sleep(0.3)  # who waits for it does so by now
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        deadline = time.monotonic() + 30
        while not stopped() and time.monotonic() < deadline:
            time.sleep(0.02)
        try:
            return really(held, target, by, stopped)
        except VedetteError as error:
            ended.append("stopped" in str(error))
            raise

    try:
        with monkeypatch.context() as patched:
            patched.setattr(Application, "backup", pressed)
            done = vedette("backup", "create", tmp_path / "backup", "--data", data)
    finally:
        signal.signal(signal.SIGINT, before)
    assert (done.code, done.err) == (1, "Stopped.\n")
    deadline = time.monotonic() + 30
    while not ended and time.monotonic() < deadline:
        time.sleep(0.02)
    assert ended == [True]
    assert not (tmp_path / "backup").exists()
    assert vedette("backup", "create", tmp_path / "backup", "--data", data).code == 0
