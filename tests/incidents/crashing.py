"""A process that runs rules for a stretch of time and may be killed at any moment: ``crashing.py STATE``."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.detect.logs import EventLogs, Result, table
from tests.detect.rules import as_read, rule
from tests.respond.conftest import condition, modify
from tests.respond.conftest import rule as automation_rule
from vedette.core.clock import VirtualClock
from vedette.core.database import State
from vedette.core.roles import SYSTEM
from vedette.core.workspaces import Workspaces
from vedette.detect.library import RuleLibrary
from vedette.detect.reading.files import read_rule_text
from vedette.detect.rule import AnalyticsRule, EntityMapping, EventGrouping, FieldMapping
from vedette.detect.running.ledger import Ledger
from vedette.detect.running.runner import RuleRunner
from vedette.detect.running.scheduler import ScheduleOptions, Scheduler
from vedette.incidents.service import IncidentService
from vedette.respond.automation.automation import Automation
from vedette.respond.automation.library import AutomationRules

START = datetime(2026, 3, 1, tzinfo=UTC)
END = START + timedelta(hours=6)


STAGES = ("InitialAccess", "Persistence", "Impact")


class Signals(EventLogs):
    """To a Fusion rule every three events are the stages of one campaign."""

    def query(self, text: str, *, now: datetime, timespan: tuple[datetime, datetime]) -> Result:
        """The events, or what a Fusion rule sees in them."""
        found = super().query(text, now=now, timespan=timespan)
        if "SecurityAlert" not in text:
            return found
        signals = []
        for at, user in found.rows:
            campaign, stage = divmod(int(user.removeprefix("user").partition("@")[0]), len(STAGES))
            entities = json.dumps([{"Type": "account", "FullName": f"campaign{campaign}@x.com"}])
            signals.append({
                "StartTime": at, "EndTime": at, "RaisedTime": at, "Kind": "Alert", "Product": "P", "Title": STAGES[stage], "Severity": "Low",
                "Tactics": STAGES[stage], "Techniques": "", "Detection": STAGES[stage], "SignalId": user, "Entities": entities,
            })  # fmt: skip
        return table(signals)


def fusion() -> AnalyticsRule:
    """A rule over those signals, whose campaigns half come whole and half grow."""
    [one], _ = read_rule_text(
        "kind: Fusion\nid: fusion\nname: Fusion\nqueryFrequency: 10m\nqueryPeriod: 1d\n", "rule.yaml"
    )
    return one.rule


def events() -> EventLogs:
    """An event every five minutes."""
    logs = Signals()
    for number in range(72):
        logs.add(START + timedelta(minutes=5 * number, seconds=30), User=f"user{number}@x.com")
    return logs


def rules() -> list[AnalyticsRule]:
    """Three rules over the events, on different schedules."""
    mapping = (EntityMapping("Account", (FieldMapping("FullName", "User"),)),)
    return [
        rule(
            minutes,
            query_frequency=timedelta(minutes=minutes),
            query_period=timedelta(minutes=minutes),
            entity_mappings=mapping,
            event_grouping=EventGrouping.ALERT_PER_RESULT,
        )
        for minutes in (5, 10, 30)
    ]


def automated(state: State, service: IncidentService, clock: VirtualClock) -> AutomationRules:
    """The incidents with an automation rule that tags each new one of one analytics rule, made once."""
    automation = AutomationRules(state, service.workspace_id, clock)
    if not automation.list():
        of = condition("IncidentRelatedAnalyticRuleIds", "Equals", rules()[-1].id)
        automation.create(automation_rule("Tag", conditions=[of], actions=[modify(labels=["new"])]), SYSTEM, "tag")
    Automation(state, service, automation, clock, lambda names: None, lambda number, action, who: 0)
    return automation


def main(path: str) -> None:
    """Run from where the ledger ends to the end."""
    state = State.in_file(Path(path))
    state.upgrade()
    clock = VirtualClock(START)
    workspace = Workspaces(state, clock).default().id
    library, ledger = RuleLibrary(state, workspace, clock), Ledger(state, workspace, clock)
    service = IncidentService(state, workspace, clock)
    automated(state, service, clock)
    library.import_(as_read(*rules(), fusion()))
    options = ScheduleOptions(ingestion_delay=timedelta(0))
    scheduler = Scheduler(state, library, RuleRunner(events(), clock), ledger, clock, service.ingest, options)
    print("ready", flush=True)
    clock.advance_to(END)
    while scheduler.tick().behind:
        pass


if __name__ == "__main__":
    main(sys.argv[1])
