"""The connector of ServiceNow beside the contract: equal moments, records that show late, rows, tokens, and tickets that are looked up."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.collect.connecting import Tenant
from tests.collect.connector_cases import CASES, ticket
from tests.deliver.conftest import ADMIN
from tests.incidents.runs import person, rule, run
from vedette.clients.servicenow import Records
from vedette.collect.connectors.contract import PollFailure, Trouble
from vedette.collect.connectors.servicenow import connector
from vedette.collect.connectors.servicenow.connector import ServiceNowConnection, row_of, table_of
from vedette.core.clock import VirtualClock
from vedette.detect.rule import EntityMapping, FieldMapping
from vedette.incidents.enrichment.registry import queries
from vedette.incidents.enrichment.service import Enricher
from vedette.incidents.service import IncidentService
from vedette.range.faults import Fault
from vedette.range.seed import plant
from vedette.range.servicenow import query as encoded
from vedette.store.logstore import LogStore

CASE = next(one for one in CASES if one.kind == "servicenow")
ROOT = Path(__file__).parents[2]
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CLIENT = {"client_id": "vedette-client", "client_secret": "range-client-secret", "user": "vedette"}


def spelled(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S")


# -- each state once, whatever happens between two pages


@dataclass
class Instance:
    """A table in memory that reads encoded queries as the fake tenant does. Of hidden records a page has none, but it counts them."""

    clock: VirtualClock
    records_: dict[str, dict[str, str]] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)

    def put(self, identity: str, ago: float) -> None:
        before = self.records_.get(identity)
        moment = spelled(self.clock.now() - timedelta(seconds=ago))
        count = 0 if before is None else int(before["sys_mod_count"]) + 1
        if before is not None:
            moment = max(moment, before["sys_updated_on"])
        self.records_[identity] = {"sys_id": identity, "sys_updated_on": moment, "sys_mod_count": str(count)}

    def records(self, table: str, text: str, limit: int, *, offset: int = 0, fields: Sequence[str] = ()) -> Records:
        fits, order = encoded.read(text, lambda name: True, lambda one, name: str(one.get(name, "")), self.clock.now())
        rows = [one for one in self.records_.values() if fits(one)]
        for name, descending in reversed(order):
            rows.sort(key=lambda one, name=name: one[name], reverse=descending)  # type: ignore[misc]
        shown = [one for one in rows[offset : offset + limit] if one["sys_id"] not in self.hidden]
        listed = [{name: {"value": text, "display_value": text} for name, text in one.items()} for one in shown]
        return Records(listed, offset + limit < len(rows))

    def close(self) -> None:
        pass


def identity_of(number: int) -> str:
    return f"f{number * 7919 % 1000:031x}"


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_each_state_once_whatever_changes_between_pages(data: st.DataObject) -> None:
    clock = VirtualClock(NOON, blocking=False)
    instance = Instance(clock)
    connection = ServiceNowConnection(instance, "incident", (), timedelta(days=1), clock)  # type: ignore[arg-type]
    limit = data.draw(st.integers(1, 4))
    # some of them at one moment, and more than a page; hidden ones may fill pages
    seconds = st.sampled_from([0.0, 0.0, 1.0, 3.0, 200.0])
    for number in range(20, 20 + data.draw(st.integers(0, 3))):  # before the first look-back
        instance.put(identity_of(number), 7 * 86_400.0)
    for number in range(data.draw(st.integers(0, 12))):
        instance.put(identity_of(number), data.draw(seconds))
        if data.draw(st.integers(0, 3)) == 0:
            instance.hidden.add(identity_of(number))
    cursor: dict[str, Any] = {}
    seen: Counter[str] = Counter()

    def poll() -> bool:
        nonlocal cursor
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(connector, "LIMIT", limit)
            page = connection.poll("records", cursor)
        cursor = dict(page.cursor)
        seen.update(event.record_id for event in page.events)
        return page.more

    for _ in range(data.draw(st.integers(1, 12))):
        what = data.draw(st.sampled_from(["poll", "poll", "change", "late", "pass"]))
        if what == "poll":
            poll()
        elif what == "pass":
            clock.advance(data.draw(st.sampled_from([0.0, 1.0, 300.0])))
        else:
            number = data.draw(st.integers(0, 14))
            if identity_of(number) not in instance.hidden:
                instance.put(identity_of(number), data.draw(seconds) if what == "late" else 0.0)
    while poll():
        pass
    while poll():  # one more pass, after one that was in its middle when something changed
        pass
    assert set(seen.values()) <= {1}
    final = {
        f"incident:{one['sys_id']}@{one['sys_updated_on']}@{one['sys_mod_count']}"
        for one in instance.records_.values()
        if one["sys_id"] not in instance.hidden and one["sys_updated_on"] > "2026-02-25"
    }
    assert not [state for state in seen if "@2026-02-2" in state and "@2026-02-28" not in state]
    assert final <= set(seen)


@pytest.mark.parametrize(
    ("moments", "trouble", "message"),
    [
        ([""], Trouble.GONE, "no sys_updated_on"),
        (["01.03.2026"], Trouble.UNAVAILABLE, r"'01\.03\.2026' is no moment"),
        (["2026-03-01 11:00:01", "2026-03-01 11:00:00"], Trouble.UNAVAILABLE, "not come in the order"),
    ],
)
def test_a_table_that_keeps_no_order_or_has_no_moment_is_refused(
    moments: list[str], trouble: Trouble, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = VirtualClock(NOON, blocking=False)
    instance = Instance(clock)
    told = [{"sys_id": {"value": str(number)}, "sys_updated_on": {"value": one}} for number, one in enumerate(moments)]
    monkeypatch.setattr(instance, "records", lambda *_, **__: Records(told, False))
    connection = ServiceNowConnection(instance, "incident", (), timedelta(days=1), clock)  # type: ignore[arg-type]
    with pytest.raises(PollFailure, match=message) as failure:
        connection.poll("records", {})
    assert failure.value.trouble is trouble


# -- rows


def test_a_record_as_a_row() -> None:
    record = {
        "sys_id": {"value": "1f", "display_value": "1f"}, "number": {"value": "INC1", "display_value": "INC1"},
        "state": {"value": "2", "display_value": "In Progress"}, "description": {"value": "", "display_value": ""},
        "sys_updated_on": {"value": "2026-03-01 11:00:05", "display_value": "01.03.2026 12:00:05"},
        "opened_at": {"value": "2026-03-01 10:00:00", "display_value": "01.03.2026 11:00:00"},
        "short_description": {"value": "2026-03-01 10:00:00", "display_value": "2026-03-01 10:00:00"},
        "caller_id": {"value": "2f", "display_value": "Ann"}, "caller_id.email": {"value": "ann@contoso.com", "display_value": "ann@contoso.com"},
        "_ResourceId": {"value": "x", "display_value": "x"},
    }  # fmt: skip
    assert row_of(record) == {
        "TimeGenerated": "2026-03-01T11:00:05.000000Z", "sys_id": "1f", "number": "INC1", "state": "2", "state_name": "In Progress",
        "sys_updated_on": "2026-03-01T11:00:05Z", "opened_at": "2026-03-01T10:00:00Z", "short_description": "2026-03-01 10:00:00",
        "caller_id": "2f", "caller_id_name": "Ann", "caller_id_email": "ann@contoso.com", "_ResourceId_s": "x",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        ("incident", "ServiceNowIncident_CL"),
        ("change_request", "ServiceNowChangeRequest_CL"),
        ("sn_si_incident", "ServiceNowSnSiIncident_CL"),
        ("u_asset2", "ServiceNowUAsset2_CL"),
    ],
)
def test_the_custom_table_of_a_table(table: str, rows: str) -> None:
    assert table_of(table) == rows


# -- over the fake tenant


@pytest.mark.req("P-070")
def test_tokens_other_tables_and_what_is_told_of_failures(tenant: Tenant) -> None:
    server = tenant.server.tenant
    server.documents.of("servicenow", "clients").put(CLIENT["client_id"], dict(CLIENT))
    ticket(tenant, "change_request", "a" * 32, tenant.clock.now(), number="CHG1", short_description="Patch")
    values = {
        field: text.format(url=tenant.server.url, ca=tenant.server.ca_path) for field, text in CASE.values.items()
    }
    oauth = {"client_id": CLIENT["client_id"], "client_secret": CLIENT["client_secret"], "table": "change_request"}
    one = tenant.connectors.create(ADMIN, tenant.workspace, "servicenow", "Changes", {**values, **oauth})
    tenant.runner.poll_due()
    assert tenant.endpoint(one, "records").trouble is None, tenant.endpoint(one, "records").message
    assert [row["number"] for row in tenant.sink.tables["ServiceNowChangeRequest_CL"]] == ["CHG1"]
    asked = [request.path for request in server.requests]
    assert asked.count("/oauth_token.do") == 1
    # A token that was revoked is replaced, and one that has come to its end.
    tokens = server.documents.of("servicenow", "tokens")
    for token, _ in tokens.items():
        tokens.delete(token)
    tenant.advance(minutes=5)
    tenant.advance(hours=1)
    assert tenant.endpoint(one, "records").trouble is None
    assert [request.path for request in server.requests].count("/oauth_token.do") == 3
    assert tenant.connectors.test(ADMIN, tenant.workspace, one.id).ok
    tenant.connectors.update(ADMIN, tenant.workspace, one.id, values={"client_secret": "wrong-client-secret"})
    tenant.runner.poll_due()
    assert tenant.endpoint(one, "records").trouble == Trouble.UNAUTHORIZED
    assert "wrong-client-secret" not in str(tenant.endpoint(one, "records").message)
    # A table that the instance does not have, and one of which the user may not see anything.
    other = tenant.connectors.create(ADMIN, tenant.workspace, "servicenow", "Other", {**values, "table": "incidnt"})
    tenant.runner.poll_due()
    at = tenant.endpoint(other, "records")
    assert (at.trouble, at.message) == (Trouble.GONE, "The instance has no table 'incidnt'.")
    plant(server, {"servicenow": {"users": [{"name": "reader", "password": "reader-password", "roles": []}]}})
    user = {"username": "reader", "password": "reader-password"}
    ticket(tenant, "incident", "b" * 32, tenant.clock.now(), number="INC1")
    blind = tenant.connectors.create(ADMIN, tenant.workspace, "servicenow", "Blind", {**values, **user})
    [step] = [step for step in tenant.connectors.test(ADMIN, tenant.workspace, blind.id).steps if step.ok is None]
    assert "the user lacks the role itil" in step.message


def test_a_rate_limit_is_obeyed(tenant: Tenant) -> None:
    server = tenant.server.tenant
    server.faults.add(Fault(429, service="servicenow", path="/api/now/table/*", times=1, retry_after=1200))
    one = CASE.add(tenant)
    tenant.runner.poll_due()
    at = tenant.endpoint(one, "records")
    assert (at.trouble, at.due_at - tenant.clock.now()) == (Trouble.THROTTLED, timedelta(minutes=20))


@pytest.mark.req("P-060", "P-070")
def test_the_entities_of_an_incident_are_found_in_open_tickets(tenant: Tenant) -> None:
    documents = tenant.server.tenant
    plant(
        documents,
        {
            "servicenow": {
                "tables": {
                    "sys_user": [
                        {"sys_id": "c" * 32, "user_name": "ann", "name": "Ann Smith", "email": "Ann@contoso.com"}
                    ],
                    "cmdb_ci": [
                        {"sys_id": "d" * 32, "name": "WEB-01", "fqdn": "web-01.contoso.com", "ip_address": "192.0.2.7"}
                    ],
                }
            }
        },
    )
    now = tenant.clock.now()
    tickets = {
        "1": {"short_description": "Cannot sign in", "caller_id": "c" * 32, "state": "2"},
        "2": {"short_description": "Disk is full", "cmdb_ci": "d" * 32, "impact": "1", "urgency": "1", "state": "1"},
        "3": {
            "short_description": "Odd traffic",
            "description": "It comes from 203.0.113.7 since noon.",
            "priority": "4",
            "state": "1",
        },
        "4": {"short_description": "Old", "cmdb_ci": "d" * 32, "state": "7", "active": "false"},
        "5": {"short_description": "Of another host", "description": "web-011 is slow", "state": "1"},
    }
    for key, fields in tickets.items():
        ticket(tenant, "incident", key * 32, now - timedelta(hours=1), number=f"INC{key}", **fields)
    # One was open when it was read first, and is not any more.
    ticket(tenant, "incident", "6" * 32, now - timedelta(hours=1), number="INC6", cmdb_ci="d" * 32, state="1")
    one = CASE.add(tenant)
    tenant.runner.poll_due()
    ticket(tenant, "incident", "6" * 32, now, number="INC6", cmdb_ci="d" * 32, state="6", sys_mod_count="1")
    tenant.advance(minutes=5)
    assert tenant.endpoint(one, "records").trouble is None, tenant.endpoint(one, "records").message
    [unit] = [unit for unit in queries() if unit.id == "tickets"]
    mappings = tuple(
        EntityMapping(kind, (FieldMapping(identifier, kind),))
        for kind, identifier in (("Account", "FullName"), ("Host", "FullName"), ("IP", "Address"))
    )
    found = {"Account": "ann@contoso.com", "Host": "web-01.contoso.com", "IP": "203.0.113.7"}
    service = IncidentService(tenant.state, tenant.workspace, tenant.clock)
    [number] = service.ingest(run(rule(1, entity_mappings=mappings), [found], tenant.clock.now())).incidents
    with LogStore(None, tenant.clock) as logs:
        logs.append("ServiceNowIncident_CL", tenant.sink.tables["ServiceNowIncident_CL"])
        enricher = Enricher(tenant.state, tenant.workspace, tenant.clock, logs, [unit])
        assert enricher.work() == 1
        blocks = re.findall(
            r"```text\n(.*?)```", (ROOT / "docs" / "incidents.md").read_text(encoding="utf-8"), re.DOTALL
        )
        [asked] = [block for block in blocks if block.startswith("ServiceNowIncident_CL")]
        assert sorted(row[:2] for row in logs.query(asked).rows) == [
            ["INC1", "Cannot sign in"],
            ["INC2", "Disk is full"],
        ]
    [told] = enricher.of(number, person("ann"))["value"]
    assert told["reason"] is None
    names = {entity["id"]: entity["name"] for entity in service.get(number)["entities"]}
    facts = [(names[fact["entityId"]], fact["title"], fact["properties"]["Relation"]) for fact in told["facts"]]
    assert facts == [
        ("web-01.contoso.com", "INC2: Disk is full", "Names it"),
        ("ann@contoso.com", "INC1: Cannot sign in", "Names it"),
        ("203.0.113.7", "INC3: Odd traffic", "Mentions it"),
    ]
    assert told["facts"][1]["properties"]["Caller"] == "Ann Smith"
    assert told["facts"][0]["properties"]["Priority"] == "1 - Critical"
