"""The whole life of indicators on SQLite and on PostgreSQL."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from tests.intel.conftest import Held, indicator
from vedette.core.roles import SYSTEM
from vedette.intel.models import IntelObjectRow


@pytest.mark.req("P-080")
def test_the_life_of_indicators(held: Held) -> None:
    given = [indicator(number, name=f"50%_{number} \x00", valid_until="2026-03-20T00:00:00Z") for number in range(1, 6)]
    assert held.indicators.take(given, "S", "TAXII").added == 5
    assert held.indicators.take(given, "S", "TAXII").unchanged == 5
    assert held.indicators.find(words="50%_3")[1] == 1
    held.clock.advance(60)
    held.indicators.withdraw(given[0]["id"], SYSTEM)
    held.indicators.delete(given[1]["id"], SYSTEM)
    held.indicators.tag(given[2]["id"], SYSTEM, ["mine"])
    ended = {one.stix_id: (one.withdrawn_by, one.deleted) for one in held.indicators.changed(None, 10, ended=True)}
    assert (ended[given[0]["id"]], ended[given[1]["id"]]) == ((SYSTEM.name, False), (None, True))
    assert [one.stix_id for one in held.indicators.changed(None, 10, ended=False)] == [
        given[3]["id"],
        given[4]["id"],
        given[2]["id"],
    ]
    for _ in range(25):
        held.clock.advance(timedelta(days=1))
        held.indicators.write()
    newest = "ThreatIntelIndicators | summarize Rows = count(), arg_max(TimeGenerated, *) by Id | sort by ObservableValue asc"
    assert held.rows(f"{newest} | project ObservableValue, IsActive, IsDeleted, Rows > 2") == [
        ["203.0.113.1", False, False, False], ["203.0.113.2", False, True, False],
        *([f"203.0.113.{number}", False, False, True] for number in range(3, 6)),
    ]  # fmt: skip
    assert held.indicators.counts() == {}


def test_what_changes_while_its_rows_are_written_is_written_again(held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    accept = held.intake.accept

    def changing(*given: Any, **named: Any) -> object:
        monkeypatch.undo()
        with held.state.session() as session:
            row = session.scalars(select(IntelObjectRow)).one()
            row.tags, row.revision, row.writes, row.due_at = ["meanwhile"], row.revision + 1, 0, held.clock.now()
        return accept(*given, **named)

    monkeypatch.setattr(held.intake, "accept", changing)
    held.indicators.take([indicator()], "S", "TAXII")
    held.clock.advance(1)
    held.indicators.write()
    assert held.rows("ThreatIntelIndicators | project Tags | sort by Tags asc") == [['["meanwhile"]'], ["[]"]]
    assert held.indicators.write_due() == 0
