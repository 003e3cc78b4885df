"""How soon an event is an incident: near-real-time rules behind the HTTP door of a server, with other rules and rows beside them."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from bench.test_serve import serving
from vedette.core.datadir import DataDirectory

pytestmark = pytest.mark.bench
Record = Callable[[str, float, float, str], None]
EVENTS, RULES = 45, 10

_LOCAL = """\
id: 11111111-1111-4111-8111-{number:012}
name: Local {number}
kind: NRT
severity: Low
tactics: [Execution]
query: Probe_CL | where Kind == "local {number}" | extend Account = tolower(Who) | project TimeGenerated, Account, Probe
eventGroupingSettings: {{aggregationKind: AlertPerResult}}
customDetails: {{Probe: Probe}}
"""
_GROUPED = """\
id: 22222222-2222-4222-8222-222222222222
name: Grouped
kind: NRT
severity: Low
tactics: [CredentialAccess]
query: Probe_CL | where Kind == "grouped" | summarize Failures = count() by Probe | where Failures >= 3
eventGroupingSettings: {aggregationKind: AlertPerResult}
customDetails: {Probe: Probe}
"""


def p95(times: list[float]) -> float:
    return sorted(times)[int(len(times) * 0.95)]


def test_from_event_to_incident(tmp_path: Path, record: Record) -> None:
    source = random.Random(5)
    data = tmp_path / "data"
    with serving(data, patience=60):
        server = DataDirectory(data).server()
        assert server is not None
        headers = {"Authorization": f"Bearer {server.token}"}
        with httpx.Client(base_url=server.url, headers=headers, timeout=60) as client:
            base = "/api/v1/workspaces/default"
            assert client.post("/ingest/Probe_CL", json=[{"Kind": "none", "Who": "x", "Probe": "0"}]).is_success
            files = [_LOCAL.format(number=number) for number in range(RULES)] + [_GROUPED]
            body = {"files": [{"name": f"{number}.yaml", "content": text} for number, text in enumerate(files)]}
            report = client.post(f"{base}/rules/import", json=body).json()
            assert len(report["added"]) == RULES + 1, report
            stop = threading.Event()

            def fill() -> None:
                while not stop.wait(0.5):  # 250 rows/s of others
                    rows = [{"Kind": "none", "Who": "x", "Probe": "0", "N": n} for n in range(125)]
                    client.post("/ingest/Probe_CL", json=rows)

            filler = threading.Thread(target=fill)
            filler.start()
            sent: dict[str, float] = {}
            kinds: dict[str, str] = {}
            seen: dict[str, float] = {}
            seen_numbers: set[int] = set()
            due = time.perf_counter()
            number = 0
            while len(seen) < EVENTS and time.perf_counter() - due < EVENTS * 1.0 + 60:
                if number < EVENTS and time.perf_counter() >= due + number * 0.7:
                    name = f"probe {number}"
                    kind = "grouped" if number % 3 == 0 else f"local {source.randrange(RULES)}"
                    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
                    row = {"TimeGenerated": now, "Kind": kind, "Who": "ann", "Probe": name}
                    assert client.post("/ingest/Probe_CL", json=[row] * (3 if kind == "grouped" else 1)).is_success
                    sent[name], kinds[name] = time.perf_counter(), kind
                    number += 1
                listed = client.get(f"{base}/incidents", params={"top": "200"}).json()
                now_ = time.perf_counter()
                for one in listed["value"]:
                    if one["number"] in seen_numbers:
                        continue
                    seen_numbers.add(one["number"])
                    whole = client.get(f"{base}/incidents/{one['number']}").json()
                    for alert in whole["alerts"]:
                        for probe in alert["customDetails"].get("Probe", []):
                            seen.setdefault(probe, now_)
                time.sleep(0.05)
            stop.set()
            filler.join()
    assert len(seen) == EVENTS, f"{EVENTS - len(seen)} events became no incident"
    local = [seen[one] - at for one, at in sent.items() if kinds[one] != "grouped"]
    grouped = [seen[one] - at for one, at in sent.items() if kinds[one] == "grouped"]
    record(f"event to incident, p95, row-local NRT ({RULES} rules, 250 other rows/s)", p95(local), 2, "s")
    record("event to incident, p95, aggregating NRT", p95(grouped), 10, "s")
