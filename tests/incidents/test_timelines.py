"""Timelines and explorations: pages without holes, events of any time, and entities however logs write them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.incidents.runs import grouped, person, rule, run
from tests.plugins.state import NOON
from vedette.core.clock import VirtualClock
from vedette.core.database import State
from vedette.core.roles import Role
from vedette.detect.entities.entity import Entity
from vedette.detect.rule import MatchingMethod
from vedette.incidents.investigation.service import Investigation, Span
from vedette.incidents.investigation.timelines import merged
from vedette.incidents.service import IncidentService
from vedette.store.logstore import LogStore

ROOT = person("root", Role.ADMINISTRATOR)
MINUTES = st.lists(st.integers(0, 6), max_size=12)


def moment(minute: int) -> str:
    return f"2026-03-01T12:{minute:02}:00.0000000Z"


def answer(alerts: list[int], tables: list[list[int]], end: str, top: int) -> tuple[list[Any], list[Any]]:
    """All alerts before a time, and of each table the latest events, as the service asks for them."""
    items = [{"kind": "alert", "time": moment(at), "id": f"alert-{number}"} for number, at in enumerate(alerts)]
    items = [item for item in items if item["time"] < end]
    sources = []
    for table, minutes in enumerate(tables):
        events = sorted(((moment(at), number) for number, at in enumerate(minutes) if moment(at) < end), reverse=True)
        items += [{"kind": "activity", "time": at, "id": f"t{table}-{number}"} for at, number in events[:top]]
        sources.append({"id": f"t{table}", "truncated": len(events) > top})
    return items, sources


@settings(max_examples=150, deadline=None)
@given(MINUTES, st.lists(MINUTES, max_size=3), st.integers(1, 5))
def test_pages_have_everything_once(alerts: list[int], tables: list[list[int]], top: int) -> None:
    """But for what a table has of one moment beyond what is asked of it at once."""
    end: str | None = "9999"
    seen: list[str] = []
    while end is not None:
        items, sources = answer(alerts, tables, end, top)
        page = merged(items, {"alert", "activity"}, top, sources)
        seen = [item["id"] for item in page["value"]] + seen
        assert page["next"] is None or page["next"] < end
        end = page["next"]
    assert len(seen) == len(set(seen))
    there = {f"alert-{number}": 0 for number in range(len(alerts))}
    for table, minutes in enumerate(tables):
        there |= {f"t{table}-{number}": minutes.count(at) for number, at in enumerate(minutes)}
    assert {name for name, together in there.items() if together <= top} <= set(seen) <= set(there)


@pytest.mark.parametrize("times", [("0001-01-01", "9999-12-31"), ("1601-01-01", "1601-01-01")])
def test_events_of_any_time_have_a_timeline(
    service: IncidentService, state: State, workspace: str, clock: VirtualClock, times: tuple[str, str]
) -> None:
    rows = [{"User": "a@x.com", "TimeGenerated": f"{day}T23:30:00.0000000Z"} for day in times]
    rows[0]["TimeGenerated"] = f"{times[0]}T00:30:00.0000000Z"
    service.ingest(run(rule(1, grouped(MatchingMethod.ANY_ALERT)), rows))
    with LogStore(None, clock) as logs:
        told = Investigation(state, workspace, clock, logs).incident_timeline(1, 100, (), ROOT)
    assert [item["kind"] for item in told["value"]].count("alert") == 2


def test_a_span_ends_with_time() -> None:
    early, late = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)
    assert Span.of(None, early, NOON).start == datetime(1, 1, 1, tzinfo=UTC)
    assert Span.of(late, None, NOON).end > late


AT = "2026-03-01T11:00:00Z"
WRITTEN = [
    ("ip-logon-hosts", {"type": "IP", "Address": "10.0.0.5"}, "SecurityEvent",
     {"EventID": 4624, "Computer": "pc", "IpAddress": "::ffff:10.0.0.5"}),
    ("ip-logon-hosts", {"type": "IP", "Address": "::ffff:10.0.0.5"}, "SecurityEvent",
     {"EventID": 4624, "Computer": "pc", "IpAddress": "10.0.0.5"}),
    ("ip-firewall-sources", {"type": "IP", "Address": "fe80::1%4"}, "CommonSecurityLog",
     {"SourceIP": "10.1.1.1", "DestinationIP": "fe80::1%4"}),
    ("ip-sign-in-accounts", {"type": "IP", "Address": "2001:db8::1"}, "SigninLogs",
     {"UserPrincipalName": "a@x.com", "IPAddress": "2001:0DB8:0000:0000:0000:0000:0000:0001"}),
    ("ip-firewall-sources", {"type": "IP", "Address": "2001:DB8:0::1"}, "CommonSecurityLog",
     {"SourceIP": "10.1.1.1", "DestinationIP": "2001:DB8::1"}),
    ("url-clicks", {"type": "URL", "Url": "http://b\u00fccher.example/"}, "UrlClickEvents",
     {"AccountUpn": "a@x.com", "Url": "HTTP://b\u00fccher.example"}),
    ("url-clicks", {"type": "URL", "Url": "http://xn--bcher-kva.example"}, "UrlClickEvents",
     {"AccountUpn": "a@x.com", "Url": "http://b\u00fccher.example/"}),
    ("dns-clients", {"type": "DNS", "DomainName": "b\u00fccher.example"}, "DnsEvents",
     {"ClientIP": "10.1.1.1", "Name": "xn--bcher-kva.example."}),
]  # fmt: skip


@pytest.mark.parametrize(("unit", "asked", "table", "row"), WRITTEN)
def test_an_entity_is_found_however_the_log_writes_it(
    state: State, workspace: str, clock: VirtualClock, unit: str, asked: dict[str, str], table: str, row: dict[str, Any]
) -> None:
    entity, span = Entity.from_dict(asked), Span.of(None, None, NOON)
    with LogStore(None, clock) as logs:
        logs.append(table, [{"TimeGenerated": AT, **row}])
        investigation = Investigation(state, workspace, clock, logs)
        counts = {one["id"]: one["count"] for one in investigation.explorations(entity, span, ROOT)}
        brought = investigation.explore(unit, entity, span, 10, ROOT)
    assert (counts[unit], len(brought["rows"])) == (1, 1)
    assert len(brought["edges"]) == 1
