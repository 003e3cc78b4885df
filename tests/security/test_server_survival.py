"""A server that is killed, whose disk is full, or whose clients dawdle: what was acknowledged stays, and others are served."""

from __future__ import annotations

import contextlib
import json
import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from tests.api.conftest import RULE, RULE_ID
from tests.cli.test_processes import big_file, environment, server, vedette
from vedette.api.application import Application
from vedette.api.services import WorkspaceServices
from vedette.core.settings import load_settings
from vedette.incidents.logrows import security_alert
from vedette.incidents.models import AlertRow

posix = pytest.mark.skipif(os.name == "nt", reason="signals and limits of a process are POSIX's")
WS = "/api/v1/workspaces/default"
ROWS = 200
AT = "2026-03-01T13:{:02}:{:02}Z"
"""A time of its own for each run: the same rule over the same window gives the same alert."""


@contextlib.contextmanager
def client(data: Path, url: str) -> Iterator[httpx.Client]:
    """A client with the token that the server has published."""
    deadline = time.monotonic() + 60
    while True:
        with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
            record = json.loads((data / "server.json").read_text())
            if record["url"] == url:
                break
        assert time.monotonic() < deadline
        time.sleep(0.05)
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {record['token']}"}, timeout=60) as made:
        yield made


def work(web: httpx.Client, round_: int, kind: str, done: list[Any]) -> None:
    """Sends work until the server is gone, and notes what it has acknowledged."""
    with contextlib.suppress(httpx.HTTPError):
        for number in range(10_000):
            if kind == "load":
                name = f"{round_}-{number}.jsonl"
                rows = "".join(f'{{"file": "{name}", "n": {n}}}\n' for n in range(ROWS))
                params = {"name": name, "table": "Work_CL"}
                answer = web.post(f"{WS}/load", params=params, content=rows.encode())
                assert answer.json()["files"][0]["outcome"] == "loaded", answer.text
                done.append(name)
            elif kind == "run":
                answer = web.post(f"{WS}/rules/run", json={"ruleId": RULE_ID, "at": AT.format(round_, number % 60)})
                body = answer.json()
                assert answer.status_code == 200, answer.text
                done.append((body["id"], body["alerts"]))
            else:
                text = f"round {round_}, comment {number}"
                answer = web.post(f"{WS}/incidents/1/comments", json={"message": text})
                assert answer.status_code == 201, answer.text
                done.append(text)


def held_after(data: Path, loads: list[str], runs: list[tuple[str, int]], comments: list[str]) -> None:
    """Everything acknowledged is there, nothing is there in part or twice."""
    with Application(load_settings(data_dir=data)) as application:
        services = application.services(application.workspaces.default())
        counts = dict(services.logs.query("Work_CL | summarize count() by file").rows)
        assert set(loads) <= counts.keys()
        assert set(counts.values()) <= {ROWS}
        assert services.ledger.verify() == []
        kept = {entry.run_id: entry.alerts for entry in services.ledger.runs(RULE_ID, limit=1000)}
        for run_id, alerts in runs:
            assert kept.get(run_id) == alerts, run_id
        services.settle()
        assert services.incidents.outbox.pending() == 0
        alerts_once(services)
        said = [one["message"] for one in services.incidents.get(1)["comments"]]
        assert set(comments) <= set(said)
        assert len(set(said)) == len(said)


def alerts_once(services: WorkspaceServices) -> None:
    """Every run of the ledger that matched has its alerts, each once in the state and once, the same, in SecurityAlert."""
    expected: Counter[str] = Counter()
    for entry in services.ledger.runs(limit=100_000):
        if entry.alerts:
            assert entry.run_id is not None
            expected[entry.run_id] = max(expected[entry.run_id], entry.alerts)  # the same window again is the same run
    with services.application.state.session(read_only=True) as session:
        kept = {row.id: row for row in session.scalars(select(AlertRow))}
    assert Counter(row.run_id for row in kept.values()) == expected
    logged = services.logs.query(
        "SecurityAlert | project SystemAlertId, DisplayName, StartTime, EndTime, Entities"
    ).rows
    told = {row.id: security_alert(row, services.workspace.id) for row in kept.values()}
    assert len(logged) == len(told)
    for alert_id, title, start, end, entities in logged:
        one = told.pop(alert_id)
        assert [title, start, end, entities] == [
            one["DisplayName"], one["StartTime"], one["EndTime"], one["Entities"]
        ], alert_id  # fmt: skip
    numbers = {number for (number,) in services.logs.query("SecurityIncident | distinct IncidentNumber").rows}
    assert {row.incident_number for row in kept.values()} <= numbers


def kill_rounds(tmp_path: Path, rounds: int) -> None:
    data = tmp_path / "data"
    source = random.Random(9)
    rule = tmp_path / "rule.yaml"
    rule.write_text(RULE.replace("queryFrequency: 1h", "queryFrequency: 5m"), encoding="utf-8")
    logs = tmp_path / "SigninLogs" / "one.jsonl"
    logs.parent.mkdir()
    logs.write_text(
        '{"TimeGenerated": "2026-03-01T11:00:00Z", "UserPrincipalName": "a@contoso.example", "Location": "KP", "ResultType": "0"}\n'
    )
    vedette("load", logs, "--data", data)
    vedette("rules", "import", rule, "--data", data)
    vedette("rules", "run", "--at", "2026-03-01T12:00:00Z", "--data", data)
    done: dict[str, list[Any]] = {"load": [], "run": [], "comment": []}
    for round_ in range(rounds):
        with server(data) as (process, url), client(data, url) as web:
            before = {kind: len(some) for kind, some in done.items()}
            threads = [
                threading.Thread(target=work, args=(web, round_, kind, some), daemon=True)
                for kind, some in done.items()
            ]
            for thread in threads:
                thread.start()
            deadline = time.monotonic() + 60
            while any(len(some) == before[kind] for kind, some in done.items()):
                assert time.monotonic() < deadline, done
                time.sleep(0.01)
            time.sleep(source.uniform(0, 1.0))
            process.kill()
            process.wait(30)
            for thread in threads:
                thread.join(60)
        if round_ % 5 == 4 or round_ == rounds - 1:
            held_after(data, done["load"], done["run"], done["comment"])


@posix
def test_a_server_killed_under_load_loses_nothing(tmp_path: Path) -> None:
    kill_rounds(tmp_path, 2)


@posix
@pytest.mark.soak
def test_a_server_killed_twenty_times_loses_nothing(tmp_path: Path) -> None:
    kill_rounds(tmp_path, 20)


# -- a full disk


LIMITED = """
import resource, signal, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
sys.argv = ["vedette", *sys.argv[2:]]
from vedette.cli.main import main
main()
"""


def limited(size: int, *arguments: object) -> subprocess.CompletedProcess[str]:
    """The command, where no file may grow beyond a size: a write fails as on a full disk."""
    return subprocess.run(
        [sys.executable, "-c", LIMITED, str(size), *map(str, arguments)],
        capture_output=True, encoding="utf-8", env=environment(), timeout=120,
    )  # fmt: skip


@posix
def test_a_full_disk_is_one_sentence_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    data = tmp_path / "data"
    first = tmp_path / "first.jsonl"
    first.write_text('{"UserPrincipalName": "kept"}\n')
    vedette("load", first, "--table", "SigninLogs", "--data", data)
    file = big_file(tmp_path / "big", 120_000)
    done = limited(3_000_000, "load", file, "--data", data)
    told = done.stdout + done.stderr
    assert "Traceback" not in told
    assert "failed where it should not" not in told
    assert done.returncode == 1, told
    assert "INTERNAL" not in told.upper().replace("INTERNALERROR", "INTERNAL"), told
    counted = vedette("query", "SigninLogs | count", "--data", data, "--format", "csv").stdout
    assert counted == "Count\n1\n"
    # and with room again everything goes on
    assert vedette("load", file, "--data", data, "--json").stdout.startswith('{"rows":120000,')
    counted = vedette("query", "SigninLogs | count", "--data", data, "--format", "csv").stdout
    assert counted == "Count\n120001\n"


@posix
def test_a_full_disk_for_the_state_is_one_sentence(tmp_path: Path) -> None:
    data = tmp_path / "data"
    rule = tmp_path / "rule.yaml"
    rule.write_text(RULE, encoding="utf-8")
    for size in (0, 10_000, 100_000):
        done = limited(size, "rules", "import", rule, "--data", data)
        told = done.stdout + done.stderr
        assert "Traceback" not in told, told
        assert "failed where it should not" not in told, told
        assert done.returncode == 1, told
        assert len(told.strip().splitlines()) <= 3, told
    assert "added" in vedette("rules", "import", rule, "--data", data, "--json").stdout


# -- clients that dawdle


@posix
def test_clients_that_never_finish_a_request_are_let_go(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with server(data) as (_, url), client(data, url) as web:
        port = int(url.rsplit(":", 1)[1])
        idle = [socket.create_connection(("127.0.0.1", port), timeout=60) for _ in range(60)]
        try:
            for number, one in enumerate(idle):
                if number % 2:
                    one.sendall(b"GET /api/v1/health HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
            started = time.monotonic()
            assert web.get("/api/v1/health").status_code == 200
            assert time.monotonic() - started < 15, "it waited until they were let go, which is after 20 seconds"
            deadline = time.monotonic() + 120
            for number, one in enumerate(idle):
                ended = False
                while not ended:
                    assert time.monotonic() < deadline, f"connection {number} is open still"
                    if number % 2:
                        with contextlib.suppress(OSError):
                            one.sendall(b"a")  # a byte now and then keeps nothing alive
                    one.settimeout(1)
                    try:
                        ended = one.recv(1000) == b""
                    except TimeoutError:
                        continue
                    except OSError:
                        ended = True
            assert web.get("/api/v1/health").status_code == 200
        finally:
            for one in idle:
                one.close()
