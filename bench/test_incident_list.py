"""How long the REST API takes for the list of 10,000 incidents; the processor's time beside the clock's."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

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
COUNT = 10_000


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


@pytest.mark.parametrize("query", ["top=100", "top=500&sort=-priority", "top=100&q=user12", "top=10000"])
def test_ten_thousand_incidents_through_the_api(tmp_path: Path, record: Record, query: str) -> None:
    with serving(tmp_path / "data") as running, running.client() as client:
        fill(running.application.state, running.application.workspace("default").id)
        clocks, processors = [], []
        for _ in range(7):
            clock, processor = time.perf_counter(), time.process_time()
            answer = client.get(f"/workspaces/default/incidents?{query}")
            clocks.append(time.perf_counter() - clock)
            processors.append(time.process_time() - processor)
            assert answer.status_code == 200
    print(f"{query}: clock {1000 * min(clocks):.0f} ms, processor (server and client) {1000 * min(processors):.0f} ms")
    record(f"incident list of 10,000, {query}", 1000 * min(processors), 100.0, "ms")
