"""Campaigns as incidents: one that grows, its story, and what becomes of the incidents that have its alerts."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.detect.rules import as_read
from tests.incidents.runs import ANN, rule, run
from tests.plugins.state import NOON
from vedette.core.clock import SystemClock, VirtualClock
from vedette.core.database import State
from vedette.core.ids import seeded_ids
from vedette.core.workspaces import Workspaces
from vedette.detect.alerts.alert import RunType
from vedette.detect.alerts.moments import wire_datetime
from vedette.detect.library import RuleLibrary
from vedette.detect.reading.files import read_rule_text
from vedette.detect.rule import AnalyticsRule
from vedette.detect.running.late import LateEvents
from vedette.detect.running.ledger import Ledger
from vedette.detect.running.replay import Replayer
from vedette.detect.running.runner import RuleRunner
from vedette.detect.running.scheduler import ScheduleOptions, Scheduler
from vedette.incidents.listing import IncidentFilter
from vedette.incidents.logrows import INCIDENTS
from vedette.incidents.service import IncidentService
from vedette.store.logstore import LogStore

HOUR = timedelta(hours=1)
STAGES = ("InitialAccess", "Persistence", "Collection", "Exfiltration")


def fusion(text: str = "") -> AnalyticsRule:
    [one], _ = read_rule_text(f"kind: Fusion\nname: Fusion\n{text}", "rule.yaml")
    return one.rule


class House:
    """Rules whose alerts become incidents and rows of SecurityAlert, and a Fusion rule over them."""

    def __init__(self, service: IncidentService, clock: VirtualClock, logs: LogStore) -> None:
        self.service, self.clock, self.logs = service, clock, logs
        self.rule = fusion()

    def alert(self, stage: int, hours: float, user: str, ip: str = "", *, create: bool = True) -> str:
        """An alert of the rule of a stage; returns its id."""
        at = NOON + hours * HOUR
        of = rule(
            stage + 1,
            create=create,
            name=f"{STAGES[stage]} seen",
            tactics=(STAGES[stage],),
            techniques=(f"T100{stage}",),
        )
        report = self.service.ingest(run(of, [{"User": user, **({"Ip": ip} if ip else {})}], at))
        return report.alerts[0]

    def product(
        self, id_: str, title: str, tactic: str, hours: float, user: str, severity: str = "Low", **more: Any
    ) -> None:
        """An alert of another product, which no rule of ours has seen."""
        at = wire_datetime(NOON + hours * HOUR)
        entities = json.dumps(
            [{"Type": "account", "Name": user.partition("@")[0], "UPNSuffix": user.partition("@")[2]}]
        )
        self.logs.append("SecurityAlert", [{
            "TimeGenerated": at, "StartTime": at, "EndTime": at, "SystemAlertId": id_, "DisplayName": title, "AlertSeverity": severity,
            "Tactics": tactic, "ProductName": "Microsoft Defender for Cloud Apps", "ProviderName": "MCAS", "Entities": entities, **more,
        }])  # fmt: skip

    def fuse(self, hours: float, since: float | None = None) -> list[int]:
        """Run the Fusion rule as of then; returns the incidents that it concerns."""
        self.service.outbox.drain(self.logs)
        at = NOON + hours * HOUR
        self.clock.advance_to(max(self.clock.now(), at))
        start = None if since is None else NOON + since * HOUR
        found = RuleRunner(self.logs, self.clock, shapes=self.logs).run(
            self.rule, at, run_type=RunType.SCHEDULED, since=start
        )
        assert found.error is None
        return self.service.ingest(found).incidents

    def incidents(self) -> list[dict[str, Any]]:
        return self.service.list(IncidentFilter(sort="number", top=100)).value


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[State]:
    state = State.in_file(tmp_path_factory.mktemp("campaigns") / "state.db")
    state.upgrade()
    yield state
    state.dispose()


@pytest.fixture
def house(sqlite: State, request: pytest.FixtureRequest) -> Iterator[House]:
    """In a workspace of its own."""
    clock = VirtualClock(NOON)
    workspace = Workspaces(sqlite).create(request.node.name[:60].replace("_", "-"))
    with LogStore(None, clock) as logs:
        yield House(IncidentService(sqlite, workspace.id, clock, new_id=seeded_ids(1)), clock, logs)


@pytest.fixture
def wherever(service: IncidentService, clock: VirtualClock) -> Iterator[House]:
    """On each kind of database."""
    with LogStore(None, clock) as logs:
        yield House(service, clock, logs)


@pytest.mark.req("T-011", "T-012", "T-013")
def test_alerts_of_rules_and_products_are_one_incident_with_its_story(wherever: House) -> None:
    house = wherever
    first = house.alert(0, 0, "ann@x.com", "203.0.113.9")
    second = house.alert(1, 1, "ann@x.com", create=False)
    house.product("mcas-1", "Mass download", "Exfiltration", 2, "ann@x.com", "High")
    house.logs.append("Anomalies", [{
        "TimeGenerated": wire_datetime(NOON + 1.5 * HOUR), "Id": "anomaly-1", "RuleName": "Rare country", "RuleStatus": "Production",
        "Tactics": "InitialAccess", "Entities": [{"Type": "ip", "Address": "203.0.113.9"}],
    }])  # fmt: skip
    house.logs.append("BehaviorAnalytics", [
        {"TimeGenerated": wire_datetime(NOON + 1.6 * HOUR), "SourceRecordId": f"ueba-{priority}", "InvestigationPriority": priority,
         "ActionType": "FirstTimeSeen", "UserPrincipalName": "ann@x.com"} for priority in (1, 7)
    ])  # fmt: skip
    assert house.fuse(3) == [2]
    incident = house.service.get(2)
    assert incident["title"] == (
        "Possible multistage attack activities detected by Fusion: InitialAccess seen leading to Mass download"
    )
    assert (incident["severity"], incident["tactics"]) == ("High", ["InitialAccess", "Persistence", "Exfiltration"])
    assert incident["techniques"] == ["T1000", "T1001"]
    story = incident["campaign"]
    assert [stage["tactic"] for stage in story["stages"]] == ["InitialAccess", "Persistence", "Exfiltration"]
    assert story["severities"] == {"High": 1, "Medium": 2, "Informational": 2}
    assert {one["id"]: one["incidentNumber"] for one in story["signals"]} == {
        first: 1, second: 2, "mcas-1": None, "anomaly-1": None, "ueba-7": None,
    }  # fmt: skip
    assert f"Where it started: {story['start']['title']} at 2026-03-01" in incident["description"]
    assert "Impact: the attack reached Exfiltration, on account ann@x.com." in incident["description"]
    assert incident["story"] == (
        "An attack in 3 stages, seen in 5 signals: it started with 'InitialAccess seen' at 2026-03-01 11:59 UTC"
        " and reached Exfiltration, on ann@x.com."
    )
    # what was in no incident is in this one; what was in one has stayed, and both say so
    assert {alert["id"] for alert in incident["alerts"]} >= {second}
    assert incident["campaignIncidents"] == [1]
    other = house.service.get(1)
    assert other["campaignIncidents"] == [2]
    assert (other["status"], [alert["id"] for alert in other["alerts"]]) == ("New", [first])
    assert "Part of the multistage attack of incident 2" in [entry["title"] for entry in other["timeline"]]
    names = {(entity["type"], entity["name"]) for entity in incident["entities"]}
    assert names == {("Account", "ann@x.com"), ("IP", "203.0.113.9")}
    assert incident["together"][0].startswith("Fusion sees stages of one attack in 3 alerts")
    house.service.outbox.drain(house.logs)
    told = house.logs.query(
        f"{INCIDENTS} | where IncidentNumber == 2 | summarize arg_max(TimeGenerated, *) by IncidentNumber"
    )
    line: dict[str, Any] = dict(zip([column.name for column in told.columns], told.rows[0]))
    assert {first, second, "mcas-1"} <= set(line["AlertIds"])


@pytest.mark.req("T-011")
def test_a_campaign_grows_in_its_incident(house: House) -> None:
    house.alert(0, 0, "ann@x.com")
    house.alert(1, 1, "ann@x.com")
    [number] = house.fuse(2)
    house.service.update(number, {"description": "What I know."}, ANN)
    before = house.service.get(number)
    assert house.fuse(2.5, since=2) == []  # nothing has come to it
    house.alert(3, 3, "ann@x.com")
    assert house.fuse(4, since=3) == [number]
    after = house.service.get(number)
    assert [alert["id"] for alert in after["alerts"]] == [alert["id"] for alert in before["alerts"]]
    assert after["title"].endswith("InitialAccess seen leading to Exfiltration seen")
    assert after["description"] == "What I know."
    assert [stage["tactic"] for stage in after["campaign"]["stages"]] == [
        "InitialAccess",
        "Persistence",
        "Exfiltration",
    ]
    assert after["campaignIncidents"] == [1, 2, 4]
    assert len(house.incidents()) == 4
    # the same again, and an earlier time again, change nothing
    house.fuse(4, since=3)
    house.fuse(2)
    assert house.service.get(number)["campaign"] == after["campaign"]
    assert len(house.incidents()) == 4


def test_a_campaign_that_goes_on_opens_its_incident_again_unless_it_was_found_to_be_none(house: House) -> None:
    verdicts = {"ann@x.com": ("TruePositive", "SuspiciousActivity"), "bob@x.com": ("FalsePositive", "InaccurateData")}
    for user in verdicts:
        house.alert(0, 0, user)
        house.alert(1, 1, user)
    numbers = {house.service.get(number)["entityNames"][0]: number for number in house.fuse(2)}
    for user, (verdict, reason) in verdicts.items():
        closing = {"status": "Closed", "classification": verdict, "classificationReason": reason}
        house.service.update(numbers[user], closing, ANN)
        house.alert(3, 3, user)
    house.fuse(4, since=3)
    assert [house.service.get(numbers[user])["status"] for user in verdicts] == ["Active", "Closed"]


def test_two_campaigns_that_turn_out_to_be_one_are_merged_unless_somebody_works_on_it(house: House) -> None:
    for user in ("ann", "bob", "eve"):
        house.alert(0, 0, f"{user}@x.com")
        house.alert(1, 1 + (user == "eve") / 10, f"{user}@x.com")
    ann, bob, eve = sorted(house.fuse(2))
    by_user = {name: number for number in (ann, bob, eve) for name in house.service.get(number)["entityNames"]}
    ann, bob, eve = (by_user[f"{user}@x.com"] for user in ("ann", "bob", "eve"))
    house.service.update(eve, {"owner": {"id": "id-ann", "name": "Ann"}}, ANN)
    at = NOON + 3 * HOUR
    of = rule(9, tactics=("Impact",), event_grouping=fusion().event_grouping.SINGLE_ALERT)
    house.service.ingest(run(of, [{"User": f"{user}@x.com"} for user in ("ann", "bob", "eve")], at))
    touched = house.fuse(4, since=3)
    merged = {number: house.service.get(number) for number in (ann, bob, eve)}
    [home] = touched
    assert merged[eve]["status"] == "New"
    assert merged[eve]["mergedInto"] is None
    others = {ann, bob, eve} - {home}
    assert {number for number in others if merged[number]["mergedInto"] == home} == others - {eve}
    if home != eve:
        assert eve in merged[home]["campaignIncidents"]
        assert home in merged[eve]["campaignIncidents"]
    moves = [move for move in merged[home]["moves"] if move["kind"] == "merge"]
    for move in moves:  # and it can be undone, for good
        house.service.regrouping.undo(move["id"], ANN)
    house.fuse(4.1, since=3)
    assert all(house.service.get(move["from"])["mergedInto"] is None for move in moves)


def test_a_signal_that_comes_late_before_the_first_joins_the_same_incident(house: House) -> None:
    house.alert(1, 1, "ann@x.com")
    house.alert(2, 2, "ann@x.com")
    [number] = house.fuse(3)
    house.product("late", "Phishing mail", "InitialAccess", 0.5, "ann@x.com")
    assert house.fuse(3.5) == [number]
    assert house.service.get(number)["campaign"]["start"]["signalId"] == "late"
    assert len(house.incidents()) == 3


@pytest.mark.req("D-055")
def test_live_equals_replay(house: House, sqlite: State) -> None:
    """The scheduler's incidents of a day in which alerts come, some of them late, and a replay of that day: the same campaigns."""
    one = fusion("queryFrequency: 1h\nqueryPeriod: 7d\n")
    plan = [  # hour of the alert, hour of its arrival
        (0.1, 0.1, "a1", "InitialAccess", "ann@x.com"), (1.1, 1.2, "b1", "InitialAccess", "bob@x.com"),
        (2.1, 4.6, "a2", "Persistence", "ann@x.com"), (3.1, 3.2, "a3", "Exfiltration", "ann@x.com"),
        (5.1, 5.2, "b2", "Impact", "bob@x.com"), (6.1, 6.2, "a4", "Impact", "ann@x.com"), (6.2, 6.3, "c1", "Impact", "eve@x.com"),
    ]  # fmt: skip
    service, clock, logs = house.service, house.clock, house.logs
    library, ledger = RuleLibrary(sqlite, service.workspace_id, clock), Ledger(sqlite, service.workspace_id, clock)
    scheduler = Scheduler(
        sqlite, library, RuleRunner(logs, clock, shapes=logs), ledger, clock, service.ingest,
        ScheduleOptions(ingestion_delay=timedelta(minutes=5), tick_runs=10**6),
        LateEvents(sqlite, service.workspace_id, logs, clock),
    )  # fmt: skip
    library.import_(as_read(one))
    coming = sorted(plan, key=lambda entry: entry[1])
    while clock.now() < NOON + 8 * HOUR:
        while coming and NOON + coming[0][1] * HOUR <= clock.now():
            hour, _, id_, tactic, user = coming.pop(0)
            house.product(id_, f"{tactic} of {user}", tactic, hour, user)
        scheduler.tick()
        clock.advance(1800)
    covered = ledger.covered_to(one.id)
    assert covered is not None
    assert ledger.verify() == []
    live = [alert for number in (1, 2) for alert in service.get(number)["alerts"]]
    with Replayer(logs, SystemClock(), shapes=logs) as replayer:
        again = [replayer.replay(dataclasses.replace(one), NOON - HOUR, covered) for _ in range(2)]
    assert len(service.list(IncidentFilter()).value) == 2
    assert json.dumps(again[0].lines) == json.dumps(again[1].lines)
    assert {line["id"]: again[0].hashes[line["id"]] for line in again[0].lines} == {
        one["id"]: one["rowsHash"] for one in live
    }
    assert {line["id"]: line["campaign"] for line in again[0].lines} == {one["id"]: one["campaign"] for one in live}
    assert [line["campaign"]["signalIds"] for line in again[0].lines] == [["a1", "a2", "a3", "a4"], ["b1", "b2"]]
