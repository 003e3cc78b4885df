"""kill -9 while rules run: the ledger tiles, no alert is lost or doubled, and nothing hangs half-written."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from tests.incidents.crashing import END, START, automated, fusion, rules
from tests.killing import killed_again_and_again
from vedette.core.clock import VirtualClock
from vedette.core.database import State
from vedette.core.workspaces import Workspaces
from vedette.detect.running.ledger import Ledger
from vedette.incidents.listing import IncidentFilter
from vedette.incidents.logrows import HEALTH
from vedette.incidents.models import ActivityRow, LogOutboxRow
from vedette.incidents.service import IncidentService

KILLS = 8


@pytest.mark.req("D-056", "D-057")
def test_killed_again_and_again(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    killed_again_and_again("tests.incidents.crashing", path, times=KILLS, seed=7, least=0.02, most=0.25)

    state = State.in_file(path)
    workspace = Workspaces(state).default().id
    ledger, service = Ledger(state, workspace, VirtualClock(END)), IncidentService(state, workspace, VirtualClock(END))
    assert ledger.verify() == []
    for rule in rules():
        entries = ledger.coverage(rule.id)
        assert entries[0].window.start == START - rule.frequency
        assert entries[-1].window.end == END
        # Every one of the 72 events in exactly one alert, and every alert in exactly one incident.
        assert sum(entry.rows for entry in entries) == sum(entry.alerts for entry in entries) == 72
        page = service.list(IncidentFilter(rule_id=rule.id, top=1000))
        assert page.count == 72
        names = [name for line in page.value for name in line["entityNames"]]
        assert sorted(names) == sorted(f"user{number}@x.com" for number in range(72))
    numbers = [line["number"] for line in service.list(IncidentFilter(sort="number", top=1000)).value]
    assert numbers == list(range(1, 3 * 72 + 24 + 1))
    # Every three events are a campaign: one incident, one alert, whether they came together or it grew.
    campaigns = [service.get(line["number"]) for line in service.list(IncidentFilter(rule_id="fusion", top=1000)).value]
    assert [len(one["alerts"]) for one in campaigns] == [1] * 24
    told = sorted(signal["id"] for one in campaigns for signal in one["campaign"]["signals"])
    assert told == sorted(f"user{number}@x.com" for number in range(72))
    assert ledger.coverage(fusion().id)[-1].window.end == END
    # The automation rule was applied once to each of its incidents, in the transaction that made it.
    tagged = [line["number"] for line in service.list(IncidentFilter(rule_id=rules()[-1].id, top=1000)).value]
    assert [line["number"] for line in service.list(IncidentFilter(label="new", top=1000)).value] == tagged
    with state.session(read_only=True) as session:
        actions = select(ActivityRow.number).where(ActivityRow.kind == "action", ActivityRow.reference == "tag")
        assert sorted(session.scalars(actions)) == sorted(tagged)
        health = session.scalars(select(LogOutboxRow.row).where(LogOutboxRow.table_name == HEALTH)).all()
        assert sorted(int(row["ExtendedProperties"]["IncidentNumber"]) for row in health) == sorted(tagged)
    (applied,) = automated(state, service, VirtualClock(END)).list()
    assert (applied.applied, applied.errors) == (72, 0)
    # half of the campaigns have grown once: a further row of their alert, and of their incident
    assert service.outbox.pending() == 2 * 3 * 72 + 72 + 72 + 2 * (24 + 12)
    state.dispose()
