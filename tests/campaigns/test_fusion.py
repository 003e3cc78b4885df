"""The real campaigns through the whole: their rules' alerts, what Fusion makes of them, and the incident that tells it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.campaigns.test_campaigns import PERIOD, campaigns, newest, rules
from vedette.content.templates import template
from vedette.core.clock import VirtualClock
from vedette.core.database import State
from vedette.core.workspaces import Workspaces
from vedette.detect.alerts.alert import RuleRun
from vedette.detect.rule import AnalyticsRule
from vedette.detect.running.runner import RuleRunner
from vedette.incidents.service import IncidentService
from vedette.store.logstore import LogStore
from vedette.store.report import LoadOptions

__all__ = ["campaigns", "rules"]  # fixtures


def _named() -> Iterator[Any]:
    """Those of several stages about the same entities are one campaign; the others, of one stage or of different people, none."""
    yield pytest.param("A-golden-saml", ["Persistence", "DefenseEvasion"], id="golden SAML")
    yield pytest.param("B-sentinel-training-lab", None, id="training lab", marks=pytest.mark.soak)
    for number in ("01", "02", "03"):
        yield pytest.param(f"C-lsass-campaign-{number}", None, id=f"LSASS {number}", marks=pytest.mark.soak)


@pytest.mark.req("T-011", "T-013")
@pytest.mark.parametrize(("name", "stages"), list(_named()))
def test_a_campaign_of_several_stages_is_one_incident(
    shared: Path, tmp_path: Path, rules: dict[str, AnalyticsRule], campaigns: dict[str, list[dict[str, Any]]], name: str,
    stages: list[str] | None,
) -> None:  # fmt: skip
    entries = campaigns[name]
    at = newest(entries) + timedelta(hours=2)
    state, clock = State.in_file(tmp_path / "state.db"), VirtualClock(at)
    state.upgrade()
    service = IncidentService(state, Workspaces(state).default().id, clock)
    fusion = template("f71aba3d-28fb-450b-b192-4e76a83015c8").read.rule
    found: list[RuleRun] = []
    with LogStore(None, clock) as logs:
        files = sorted({shared / "data" / entry["file"] for entry in entries})
        logs.load(files, LoadOptions(stamp=at - timedelta(hours=1)))
        runner = RuleRunner(logs, clock, shapes=logs)
        for rule_id in sorted({entry["rule_id"] for entry in entries if "rule_id" in entry}):
            service.ingest(runner.run(rules[rule_id], at, PERIOD))
        for minutes in (15, 30):  # the second time changes nothing
            service.outbox.drain(logs)
            found.append(runner.run(fusion, at + timedelta(minutes=minutes)))
            report = service.ingest(found[-1])
    assert [run.error for run in found] == [None, None]
    assert [len(run.alerts) for run in found] == [int(stages is not None)] * 2
    if stages is not None:
        [number] = report.incidents
        incident = service.get(number)
        assert [stage["tactic"] for stage in incident["campaign"]["stages"]] == stages
        assert incident["campaign"]["start"]["title"] == "Mail.Read Permissions Granted to Application"
        assert "account pgustavo@simulandlabs.com" in incident["description"]
        assert len(incident["campaignIncidents"]) == 2
    state.dispose()
