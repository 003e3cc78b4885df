"""From alerts to incidents: grouping, look-back, reopening, limits, entities; and the same again changes nothing."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.incidents.conftest import Fresh
from tests.incidents.runs import ANN, BOB, grouped, person, rule, run
from tests.plugins.state import NOON
from vedette.core.clock import VirtualClock
from vedette.core.database import State
from vedette.core.roles import SYSTEM
from vedette.core.workspaces import Workspaces
from vedette.detect.alerts.alert import Alert
from vedette.detect.entities.entity import identity
from vedette.detect.rule import AlertDetailsOverride, AnalyticsRule, EventGrouping, MatchingMethod, Severity
from vedette.incidents.grouping import MAX_ALERTS
from vedette.incidents.journal import IncidentEvent
from vedette.incidents.service import IncidentService
from vedette.incidents.vocabulary import ActivityKind

HOUR = timedelta(hours=1)


def test_each_alert_makes_an_incident_unless_grouped(service: IncidentService) -> None:
    report = service.ingest(run(rule(1), [{"User": "ann@x.com"}, {"User": "bob@x.com"}]))
    assert (len(report.alerts), report.created, report.updated) == (2, [1, 2], [])
    incident = service.get(1)
    assert incident["title"] == "Rule 1"
    assert (incident["status"], incident["severity"], incident["owner"]) == ("New", "Medium", None)
    assert (incident["tactics"], incident["techniques"], incident["ruleIds"]) == (
        ["InitialAccess"],
        ["T1078"],
        [rule(1).id],
    )
    assert incident["alertCount"] == 1
    assert incident["firstActivityTimeUtc"] == "2026-03-01T11:59:00.0000000Z"
    assert [(entity["type"], entity["name"]) for entity in incident["entities"]] == [("Account", "ann@x.com")]
    assert incident["entityNames"] == ["ann@x.com"]
    assert incident["together"] == []
    assert service.get(incident["id"]) == incident


def test_the_alert_in_the_incident(service: IncidentService) -> None:
    service.ingest(run(rule(1), [{"User": "ann@x.com", "Ip": "1.1.1.1", "N": 7}]))
    incident = service.get(1)
    (alert,) = incident["alerts"]
    assert alert["ruleName"] == "Rule 1"
    assert (alert["start"], alert["end"]) == ("2026-03-01T11:00:00.0000000Z", "2026-03-01T12:00:00.0000000Z")
    assert (alert["rows"], alert["query"], alert["incidentNumber"]) == (1, "T", 1)
    assert alert["sample"] == {
        "columns": [
            {"name": "TimeGenerated", "type": "datetime"},
            {"name": "User", "type": "string"},
            {"name": "Ip", "type": "string"},
            {"name": "N", "type": "long"},
        ],
        "rows": [["2026-03-01T11:59:00.0000000Z", "ann@x.com", "1.1.1.1", 7]],
    }
    names = {entity["id"]: entity["name"] for entity in incident["entities"]}
    assert [names[one] for one in alert["entities"]] == ["ann@x.com", "1.1.1.1"]
    assert service.alert(alert["id"])["mappedEntities"][0] == {"type": "Account", "FullName": "ann@x.com"}
    assert (alert["run"]["type"], alert["run"]["outcome"], alert["run"]["exhaustiveness"]) == (
        "SCHEDULED",
        "MATCHED",
        "COMPLETE",
    )


def test_a_rule_may_raise_alerts_without_incidents(service: IncidentService) -> None:
    report = service.ingest(run(rule(1, create=False), [{"User": "ann@x.com"}]))
    assert (len(report.alerts), report.incidents) == (1, [])
    assert service.alert(report.alerts[0])["incidentNumber"] is None
    assert service.list().count == 0


@pytest.mark.req("D-056")
def test_the_same_run_again_changes_nothing(service: IncidentService, clock: VirtualClock) -> None:
    found = run(rule(1, grouped()), [{"User": "ann@x.com"}, {"User": "ann@x.com", "N": 2}])
    first = service.ingest(found)
    before = service.get(1), service.outbox.pending()
    clock.advance(60)
    again = service.ingest(found)
    assert (again.alerts, again.created, again.incidents) == ([], [], first.incidents)
    assert (service.get(1), service.outbox.pending()) == before


def test_a_rerun_that_finds_more_completes(service: IncidentService) -> None:
    """A late event found by a second run of the same window adds its alert and doubles none."""
    of = rule(1, grouped(MatchingMethod.ANY_ALERT))
    service.ingest(run(of, [{"User": "ann@x.com"}]))
    report = service.ingest(run(of, [{"User": "ann@x.com"}, {"User": "late@x.com"}]))
    assert (len(report.alerts), report.updated) == (1, [1])
    assert service.get(1)["alertCount"] == 2


def numbers(service: IncidentService, of: AnalyticsRule, *rows: dict[str, Any]) -> list[int]:
    """The incident of each row's alert, one run an hour."""
    found = []
    for hour, row in enumerate(rows):
        (number,) = service.ingest(run(of, [row], NOON + hour * HOUR)).incidents
        found.append(number)
    return found


A, B = {"User": "ann@x.com", "Ip": "1.1.1.1"}, {"User": "bob@x.com", "Ip": "1.1.1.1"}


def test_all_entities(service: IncidentService) -> None:
    same = {"User": "ANN@X.com", "Ip": "1.1.1.1"}
    fewer = {"User": "ann@x.com", "Ip": None}
    assert numbers(service, rule(1, grouped()), A, B, same, fewer) == [1, 2, 1, 3]
    assert service.get(1)["together"] == [
        "The rule 'Rule 1' puts alerts within 5 hours together that share Account ann@x.com, IP 1.1.1.1",
        "Both alerts name the account ann@x.com",
        "Both alerts name the IP 1.1.1.1",
    ]


def test_any_alert(service: IncidentService) -> None:
    of = rule(1, grouped(MatchingMethod.ANY_ALERT))
    assert numbers(service, of, A, B, {"User": None}) == [1, 1, 1]
    assert numbers(service, rule(2, grouped(MatchingMethod.ANY_ALERT)), A) == [2]
    assert service.get(1)["together"][0] == "All alerts of the rule 'Rule 1' within 5 hours come together"


def test_selected_entities(service: IncidentService) -> None:
    of = rule(1, grouped(MatchingMethod.SELECTED, group_by_entities=("IP",)))
    assert numbers(service, of, A, B, {"User": "ann@x.com", "Ip": "2.2.2.2"}, {"User": "ann@x.com", "Ip": None}) == [
        1,
        1,
        2,
        3,
    ]


def test_selected_details(service: IncidentService) -> None:
    of = rule(
        1,
        grouped(
            MatchingMethod.SELECTED,
            group_by_alert_details=("Severity", "DisplayName"),
            group_by_custom_details=("Country",),
        ),
        custom_details={"Country": "C"},
        alert_details_override=AlertDetailsOverride(display_name_format="From {{C}}", severity_column="S"),
    )
    rows = [{"C": "DE", "S": "High"}, {"C": "DE", "S": "High"}, {"C": "DE", "S": "Low"}, {"C": "FR", "S": "High"}]
    assert numbers(service, of, *rows) == [1, 1, 2, 3]
    assert service.get(1)["together"] == [
        "The rule 'Rule 1' puts alerts within 5 hours together that share Severity High, DisplayName From DE, Country DE"
    ]


def test_alerts_with_nothing_to_share_stay_alone(service: IncidentService) -> None:
    assert numbers(service, rule(1, grouped()), {"X": 1}, {"X": 1}) == [1, 2]


def test_the_lookback_bounds_a_group(service: IncidentService) -> None:
    of = rule(1, grouped(lookback=2 * HOUR))
    assert numbers(service, of, A, A, A, A, A) == [1, 1, 1, 2, 2]


def test_a_late_alert_joins_the_group_of_its_time(service: IncidentService) -> None:
    of = rule(1, grouped(lookback=2 * HOUR))
    service.ingest(run(of, [A], NOON))
    service.ingest(run(of, [A], NOON + 8 * HOUR))
    assert service.ingest(run(of, [A], NOON - HOUR)).incidents == [1]
    assert service.ingest(run(of, [A], NOON + 2 * HOUR)).incidents == [3]


@pytest.mark.parametrize("reopen", [False, True])
def test_a_closed_incident(service: IncidentService, reopen: bool) -> None:
    of = rule(1, grouped(reopen_closed_incident=reopen))
    service.ingest(run(of, [A], NOON))
    service.update(
        1, {"status": "Closed", "classification": "TruePositive", "classificationReason": "SuspiciousActivity"}, ANN
    )
    report = service.ingest(run(of, [A], NOON + HOUR))
    incident = service.get(1)
    if not reopen:
        assert report.created == [2]
        assert incident["status"] == "Closed"
        return
    assert (report.updated, incident["alertCount"]) == ([1], 2)
    assert (incident["status"], incident["classification"], incident["classificationReason"]) == ("Active", None, None)
    assert incident["closedTimeUtc"] is None
    assert incident["history"][-1]["actor"]["id"] == SYSTEM.id


def test_an_incident_is_full_at_some_time(service: IncidentService) -> None:
    of = rule(1, grouped(MatchingMethod.ANY_ALERT))
    for hour in range(2):
        service.ingest(run(of, [{"N": n} for n in range(100)], NOON + hour * HOUR))
    assert [service.get(number)["alertCount"] for number in (1, 2)] == [MAX_ALERTS, 200 - MAX_ALERTS]


def test_severity_rises_with_graver_alerts_until_a_person_sets_it(service: IncidentService) -> None:
    of = rule(
        1,
        grouped(MatchingMethod.ANY_ALERT),
        alert_details_override=AlertDetailsOverride(severity_column="S"),
        severity=Severity.LOW,
    )
    service.ingest(run(of, [{"S": "Medium"}], NOON))
    service.ingest(run(of, [{"S": "Low"}], NOON + HOUR))
    assert service.get(1)["severity"] == "Medium"
    service.ingest(run(of, [{"S": "High"}], NOON + 2 * HOUR))
    assert service.get(1)["severity"] == "High"
    service.update(1, {"severity": "Low"}, ANN)
    service.ingest(run(of, [{"S": "High"}], NOON + 3 * HOUR))
    assert service.get(1)["severity"] == "Low"


def test_entities_are_merged_over_alerts(service: IncidentService) -> None:
    from vedette.detect.rule import EntityMapping, FieldMapping

    fields = (FieldMapping("FullName", "User"), FieldMapping("AadUserId", "Oid"))
    of = rule(1, grouped(MatchingMethod.ANY_ALERT), entity_mappings=(EntityMapping("Account", fields),))
    service.ingest(run(of, [{"User": "ann@x.com", "Oid": None}], NOON))
    service.ingest(run(of, [{"User": None, "Oid": "0-1"}], NOON + HOUR))
    first, second = service.get(1)["entities"]
    assert {first["name"], second["name"]} == {"ann@x.com", "0-1"}
    service.ingest(run(of, [{"User": "ANN@x.com", "Oid": "0-1"}], NOON + 2 * HOUR))
    (entity,) = service.get(1)["entities"]
    assert entity["properties"] == {"FullName": "ann@x.com", "Name": "ann", "UPNSuffix": "x.com", "AadUserId": "0-1"}
    assert len(entity["alertIds"]) == 3
    assert entity["id"] in (first["id"], second["id"])
    assert service.get(1)["entityNames"] == ["ann@x.com"]


def test_the_story(service: IncidentService) -> None:
    of = rule(1, grouped(MatchingMethod.ANY_ALERT), event_grouping=EventGrouping.SINGLE_ALERT)
    service.ingest(run(of, [A, B], NOON))
    assert service.get(1)["story"] == (
        "Rule 1: ann@x.com and bob@x.com from 1.1.1.1; 1 alert over 2 result rows at 2026-03-01 11:59 UTC (Initial Access)."
    )
    service.ingest(run(of, [{"User": f"u{n}@x.com"} for n in range(4)], NOON + HOUR))
    assert service.get(1)["story"] == (
        "Rule 1: ann@x.com, bob@x.com and 4 more from 1.1.1.1; 2 alerts over 6 result rows"
        " between 2026-03-01 11:59 and 12:59 UTC (Initial Access)."
    )


def test_the_timeline(service: IncidentService, clock: VirtualClock) -> None:
    service.ingest(run(rule(1), [A]))
    clock.advance(60)
    service.update(1, {"owner": {"id": "id-bob", "name": "Bob"}}, ANN)
    clock.advance(60)
    service.comment(1, "Looking at it", BOB)
    service.note(1, ActivityKind.DELIVERY, "Sent to Production", about="d-1")
    timeline = service.get(1)["timeline"]
    assert [(item["kind"], item["title"]) for item in timeline] == [
        ("alert", "Rule 1"),
        ("created", "Created by the rule 'Rule 1'"),
        ("change", "Owner: none → Bob"),
        ("comment", "Comment"),
        ("delivery", "Sent to Production"),
    ]
    assert timeline[2]["actor"] == {"id": "id-ann", "name": "Ann"}
    assert timeline[3]["detail"] == "Looking at it"
    assert timeline[0]["alertId"] == service.get(1)["alerts"][0]["id"]
    assert [item["time"] for item in timeline] == sorted(item["time"] for item in timeline)


def test_listeners_are_told_in_the_transaction(service: IncidentService, state: State) -> None:
    heard: list[IncidentEvent] = []
    service.subscribe(heard.append)
    found = run(rule(1, grouped(MatchingMethod.ANY_ALERT)), [A, B])
    service.ingest(found)
    service.ingest(run(rule(1, grouped(MatchingMethod.ANY_ALERT)), [A], NOON + HOUR))
    service.update(1, {"labels": ["x"]}, ANN)
    service.update(1, {"labels": ["x"]}, ANN)
    assert [(event.kind, event.number, len(event.alert_ids), event.fields) for event in heard] == [
        (ActivityKind.CREATED, 1, 2, ()),
        (ActivityKind.ALERT, 1, 1, ()),
        (ActivityKind.CHANGE, 1, 0, ("labels",)),
    ]
    assert heard[0].run == found

    def fails(event: IncidentEvent) -> None:
        raise RuntimeError("no")

    service.subscribe(fails)
    pending = service.outbox.pending()
    with pytest.raises(RuntimeError):
        service.ingest(run(rule(2), [A]))
    assert service.list().count == 1
    assert service.outbox.pending() == pending


def test_numbers_are_those_of_the_workspace(service: IncidentService, state: State, clock: VirtualClock) -> None:
    other = IncidentService(state, Workspaces(state).create("second").id, clock)
    service.ingest(run(rule(1), [A]))
    other.ingest(run(rule(1), [A]))
    service.ingest(run(rule(1), [B], NOON + HOUR))
    assert [line["number"] for line in service.list().value] == [2, 1]
    assert [line["number"] for line in other.list().value] == [1]
    assert service.get(1)["id"] != other.get(1)["id"]
    assert service.incidents_of_runs([run(rule(1), [A]).id]) == {run(rule(1), [A]).id: [1]}


def test_text_that_no_database_takes_is_kept_with_marks(service: IncidentService) -> None:
    odd = {"User": "a\x00b\ud800@x.com", "Ip": "\x00"}
    service.ingest(run(rule(1, name="Odd"), [odd]))
    assert service.get(1)["entityNames"][0] == "a\ufffdb\ufffd@x.com"
    assert service.list().count == 1


users = st.sampled_from(["ann@x.com", "bob@x.com", "ANN@x.com", None])
addresses = st.sampled_from(["1.1.1.1", "2.2.2.2", None])
arrivals = st.lists(
    st.tuples(
        st.integers(0, 12),
        st.lists(
            st.fixed_dictionaries({"User": users, "Ip": addresses, "C": st.sampled_from("xy")}), min_size=1, max_size=3
        ),
        st.booleans(),
    ),
    max_size=8,
)
configurations = st.builds(
    lambda method, lookback, reopen: grouped(
        method,
        lookback=lookback * HOUR,
        reopen_closed_incident=reopen,
        group_by_entities=("Account",),
        group_by_custom_details=("C",) if method is MatchingMethod.SELECTED else (),
    ),
    st.sampled_from(list(MatchingMethod)),
    st.integers(0, 6),
    st.booleans(),
)


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(arrivals, configurations)
def test_grouping_holds_in_any_order(fresh: Fresh, arrivals: list[Any], grouping: Any) -> None:
    """Whatever arrives in whatever order: alerts of an incident share what they must, within the look-back, each once."""
    service = fresh()
    of = rule(1, grouping, custom_details={"C": "C"})
    alerts: dict[str, Alert] = {}
    closed: set[int] = set()
    for hour, rows, close in arrivals:
        found = run(of, rows, NOON + hour * HOUR)
        report = service.ingest(found)
        if not grouping.reopen_closed_incident:
            assert not closed & {service.alert(one)["incidentNumber"] for one in report.alerts}
        assert service.ingest(found).alerts == []
        alerts |= {alert.id: alert for alert in found.alerts}
        if close and report.incidents:
            service.update(report.incidents[0], {"status": "Closed", "classification": "Undetermined"}, ANN)
            closed.add(report.incidents[0])
    members: dict[int, list[Alert]] = defaultdict(list)
    for alert_id, alert in alerts.items():
        number = service.alert(alert_id)["incidentNumber"]
        assert number is not None
        members[number].append(alert)
    assert sorted(members) == sorted(line["number"] for line in service.list().value)
    for number, together in members.items():
        incident = service.get(number)
        assert incident["alertCount"] == len(together) == len(incident["alerts"])
        assert incident["firstActivityTimeUtc"] == min(alert.start for alert in together)
        assert incident["lastActivityTimeUtc"] == max(alert.end for alert in together)
        moments = [alert.generated for alert in together]
        if len(together) > 1:
            assert max(moments) - min(moments) <= grouping.lookback
            assert len({shared(grouping, alert) for alert in together}) == 1
        named = {identity(entity) for alert in together for entity in alert.entities}
        assert len(incident["entities"]) == len(named)


def shared(grouping: Any, alert: Alert) -> Any:
    if grouping.matching_method is MatchingMethod.ANY_ALERT:
        return ()
    if grouping.matching_method is MatchingMethod.ALL_ENTITIES:
        return frozenset(identity(entity) for entity in alert.entities)
    return frozenset(identity(entity) for entity in alert.entities if entity.type == "Account"), alert.custom_details[
        "C"
    ]


def test_readers_may_not_change(service: IncidentService) -> None:
    from vedette.core.errors import Forbidden
    from vedette.core.roles import Role

    service.ingest(run(rule(1), [A]))
    reader = person("eve", Role.READER)
    with pytest.raises(Forbidden):
        service.update(1, {"status": "Active"}, reader)
    with pytest.raises(Forbidden):
        service.comment(1, "x", reader)


def test_a_group_belongs_to_one_rule(service: IncidentService) -> None:
    of = rule(1, grouped())
    service.ingest(run(of, [A]))
    assert service.ingest(run(dataclasses.replace(of, id="another"), [A])).created == [2]
