"""How long the REST API takes for the list of 10,000 incidents: the median of twenty answers, by the clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from statistics import median

import httpx
import orjson
import pytest
from sqlalchemy import insert

from tests.api.conftest import serving
from vedette.core.database import State
from vedette.detect.rule import Severity
from vedette.incidents.fields import FIELDS
from vedette.incidents.listing import summary
from vedette.incidents.models import IncidentCounterRow, IncidentRow

pytestmark = pytest.mark.bench
Record = Callable[[str, float, float, str], None]
COUNT, ROUNDS = 10_000, 20


def fill(state: State, workspace: str) -> None:
    """Ten thousand incidents."""
    rows = []
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    for number in range(1, COUNT + 1):
        severity = list(Severity)[number % 4]
        row = {
            "workspace_id": workspace, "number": number, "id": f"00000000-0000-4000-8000-{number:012}",
            "title": f"Incident of rule {number % 40}", "description": "x" * 400, "severity": severity.value,
            "severity_rank": severity.rank, "status": ["New", "Active", "Closed"][number % 3], "owner_id": None,
            "owner_name": None, "labels": ["a"], "revisions": dict.fromkeys(FIELDS, 1), "tactics": ["InitialAccess"],
            "techniques": ["T1078"], "rule_ids": ["r"], "rule_names": ["r"], "product_names": ["Vedette"],
            "entity_names": [f"user{number % 997}@contoso.com", "10.0.0.1"],
            "first_activity": "2026-03-01T11:59:00.0000000Z", "last_activity": "2026-03-01T11:59:00.0000000Z",
            "alert_count": 1, "comment_count": 0, "created_at": noon + timedelta(minutes=number), "modified_at": noon,
            "modified_by": "", "change": number, "search_text": f"#{number}\nuser{number % 997}@contoso.com",
            "priority": number % 101, "priority_parts": [], "priority_stale": False,
        }  # fmt: skip
        rows.append(row | {"summary": orjson.dumps(summary(IncidentRow(**row))).decode()})
    with state.session() as session:
        session.add(IncidentCounterRow(workspace_id=workspace, last_number=COUNT, last_change=COUNT, watched=""))
        session.execute(insert(IncidentRow), rows)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with serving(tmp_path_factory.mktemp("server") / "data") as running, running.client() as client:
        fill(running.application.state, running.application.workspace("default").id)
        yield client


@pytest.mark.parametrize(
    "query", ["top=100", "top=500&sort=-priority", "top=100&q=user12", "top=10000", "top=10000&sort=title"]
)
def test_ten_thousand_incidents_through_the_api(client: httpx.Client, record: Record, query: str) -> None:
    clocks, processors = [], []
    for _ in range(ROUNDS + 1):
        clock, processor = time.perf_counter(), time.process_time()
        answer = client.get(f"/workspaces/default/incidents?{query}")
        clocks.append(time.perf_counter() - clock)
        processors.append(time.process_time() - processor)
        assert answer.status_code == 200
        assert answer.json()["facets"]["status"]["New"] > 0
    took, worked = 1000 * median(clocks[1:]), 1000 * median(processors[1:])
    print(f"{query}: clock {took:.0f} ms, processor (server and client) {worked:.0f} ms; medians of {ROUNDS}")
    record(f"incident list of 10,000, {query}, median of {ROUNDS}", took, 100.0, "ms")
