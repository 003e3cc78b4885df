"""10,000 alerts over 200 pages, three answers of 429 and a kill -9 in the middle, in a process on a clock 600 times faster."""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.collect.collecting import FastClock
from tests.collect.connecting import V2, VALUES
from tests.deliver.conftest import ADMIN
from tests.plugins.fake_tenant import START, TENANT
from vedette.api.application import Application
from vedette.clients.azure_cloud import local_cloud
from vedette.collect.connectors.service import ConnectorView
from vedette.core.settings import load_settings
from vedette.range.faults import Fault
from vedette.range.server import RangeServer
from vedette.range.state import RecordedRequest

ALERTS = 10_000
MINUTE = timedelta(minutes=1)


def _plant(server: RangeServer) -> None:
    alerts = server.tenant.documents.of("graph", TENANT, V2)
    for number in range(ALERTS):
        moment = (START - timedelta(seconds=number)).strftime("%Y-%m-%dT%H:%M:%S.1234567Z")
        alerts.put(
            f"m{number:05d}",
            {
                "id": f"m{number:05d}", "title": f"Alert {number}", "createdDateTime": moment, "evidence": [],
                "lastUpdateDateTime": moment, "severity": "low", "status": "new",
                "serviceSource": "microsoftDefenderForEndpoint",
            },
        )  # fmt: skip


def _of(server: RangeServer, path: str) -> list[RecordedRequest]:
    return [one for one in list(server.tenant.requests) if one.path.lower().endswith(path)]


@pytest.fixture
def children() -> Iterator[list[subprocess.Popen[str]]]:
    """Processes that have ended when the test has."""
    held: list[subprocess.Popen[str]] = []
    yield held
    for child in held:
        child.kill()
        child.wait(30)
        if child.stdout:
            child.stdout.close()


def _start(
    folder: Path, server: RangeServer, epoch: float, children: list[subprocess.Popen[str]]
) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [
            sys.executable, "-m", "tests.collect.collecting", str(folder), server.url, str(server.ca_path), str(epoch),
        ],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)},
    )  # fmt: skip
    children.append(child)
    assert child.stdout is not None
    assert child.stdout.readline() == "collecting\n"
    return child


def _until(done: str, condition: object, child: subprocess.Popen[str], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert child.poll() is None, child.stdout.read() if child.stdout else ""
        assert time.monotonic() < deadline, done
        time.sleep(0.002)


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is POSIX's")
@pytest.mark.req("C-033", "C-034", "C-035", "C-045", "C-046", "C-047", "C-048")
def test_every_alert_once_at_the_documented_pace(
    range_server: RangeServer, tmp_path: Path, children: list[subprocess.Popen[str]]
) -> None:
    folder, cloud = tmp_path / "data", {"Local": local_cloud(range_server.url, range_server.ca_path)}
    epoch = time.time()
    with Application(load_settings(data_dir=folder), FastClock(epoch), clouds=cloud) as application:
        workspace = application.workspace("default").id
        view: ConnectorView = application.connectors.create(
            ADMIN, workspace, "azure-security", "Azure Production Tenant", VALUES
        )
    seeded = random.Random(5)
    range_server.reset(clock=FastClock(epoch), rng=random.Random(7))
    _plant(range_server)
    faults = range_server.tenant.faults
    faults.add(Fault(429, path="*alerts_v2", times=3, skip=60 + seeded.randrange(20), service="graph", retry_after=30))

    first = _start(folder, range_server, epoch, children)
    kill_at = 120 + seeded.randrange(30)
    _until("half of the pages", lambda: len(_of(range_server, "alerts_v2")) > kill_at, first)
    first.send_signal(signal.SIGKILL)
    first.wait(30)
    killed = range_server.tenant.clock.now()

    second = _start(folder, range_server, epoch, children)

    def polled_again() -> bool:
        # the pass is over, and several more were made at their times
        after = [one for one in _of(range_server, "alerts_v2") if one.at > killed and one.status == 200]
        passes = [one for one in after if "skiptoken" not in one.query.lower()]
        return len(passes) >= 4 and len([one for one in _of(range_server, "incidents") if one.at > killed]) >= 3

    _until("several passes", polled_again, second)
    second.send_signal(signal.SIGTERM)
    told = second.stdout.read() if second.stdout else ""
    assert second.wait(60) == 0, told

    with Application(load_settings(data_dir=folder), clouds=cloud) as application:
        services = application.services(application.workspace("default"))
        assert services.intake.flush(120)
        counts = Counter(
            {
                str(name): int(count)
                for name, count in services.logs.query("SecurityAlert | summarize Rows = count() by SystemAlertId").rows
            }
        )
        polls = application.connectors.history(ADMIN, workspace, view.id, 1000)
    planted = {name: count for name, count in counts.items() if name.startswith("m")}
    assert len(planted) == ALERTS
    assert set(planted.values()) == {1}
    assert "[INFO] azure-security: fetched 0 events" in told

    requests = _of(range_server, "alerts_v2")
    pages = [one for one in requests if one.status == 200]
    assert len(pages) >= ALERTS / 50
    refused = [place for place, one in enumerate(requests) if one.status == 429]
    assert len(refused) == 3
    waits = [requests[place + 1].at - requests[place].at for place in refused]
    for wait, minutes in zip(waits, (10, 20, 40), strict=True):
        # a second of the machine is 10 minutes, and other work may keep this one for some seconds
        assert minutes * MINUTE <= wait <= (minutes + 60) * MINUTE, waits
    for path, minutes in (("security/alerts", 5), ("security/incidents", 15)):
        # a token that has ended (an hour is six seconds here) is answered with 401, and the request repeated at once
        found = [one for one in _of(range_server, path) if one.status == 200]
        begun = [one.at for one in found if "skiptoken" not in unquote(one.query).lower()]
        gaps = [later - earlier for earlier, later in itertools.pairwise(begun) if not earlier <= killed <= later]
        assert len(gaps) >= 2, path
        assert min(gaps) >= 0.95 * minutes * MINUTE, (path, gaps)
        assert min(gaps) < 3 * minutes * MINUTE, (path, gaps)  # the others may have been kept by other work
    assert {poll.outcome for poll in polls} == {"ok", "throttled"}
