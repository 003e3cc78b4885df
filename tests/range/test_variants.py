"""Calls of Microsoft's and ServiceNow's clients that are made less often, each as a case: what is asked, and what comes back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from azure.mgmt.compute import ComputeManagementClient
from azure.mgmt.network import NetworkManagementClient
from azure.mgmt.securityinsight import SecurityInsights
from azure.mgmt.securityinsight import models as si

from tests.plugins.fake_tenant import GROUP, WORKSPACE, Door
from tests.range.conftest import RESPONDER, Graph
from tests.range.test_client_arm import APP, SNAPSHOT, connect
from vedette.range.server import RangeServer

EVENTUAL = {"ConsistencyLevel": "eventual"}
DANA = "26be570a-6b1c-4189-b4e2-a37c6808512d"


def refused(call: Callable[[], Any]) -> tuple[int | None, str | None]:
    with pytest.raises(HttpResponseError) as refusal:
        call()
    return refusal.value.status_code, refusal.value.error.code if refusal.value.error else None


def test_disks_and_snapshots_are_changed_in_part(fake_tenant: RangeServer) -> None:
    compute = connect(fake_tenant, ComputeManagementClient)
    empty = {"location": "westeurope", "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 4}}
    compute.disks.begin_create_or_update(APP, "d", empty).result()
    changed = compute.disks.begin_update(APP, "d", {"tags": {"case": "7"}, "properties": {"diskSizeGB": 8}}).result()
    assert (changed.tags, changed.disk_size_gb, changed.disk_state) == ({"case": "7"}, 8, "Unattached")
    smaller = {"properties": {"diskSizeGB": 2}}
    assert refused(lambda: compute.disks.begin_update(APP, "d", smaller).result()) == (400, "InvalidParameter")
    compute.disks.begin_grant_access(APP, "d", {"access": "Read", "durationInSeconds": 60}).result()
    assert refused(lambda: compute.disks.begin_delete(APP, "d").result()) == (409, "OperationNotAllowed")
    compute.disks.begin_revoke_access(APP, "d").result()
    compute.disks.begin_delete(APP, "d").result()
    compute.snapshots.begin_create_or_update(APP, "s", SNAPSHOT).result()
    closed = compute.snapshots.begin_update(APP, "s", {"properties": {"networkAccessPolicy": "DenyAll"}}).result()
    assert (closed.network_access_policy, closed.tags) == ("DenyAll", {"case": "3177"})
    other = {"properties": {"creationData": {"createOption": "Empty"}}}
    assert refused(lambda: compute.snapshots.begin_update(APP, "s", other).result()) == (
        409,
        "PropertyChangeNotAllowed",
    )
    assert refused(lambda: compute.snapshots.begin_update(APP, "x", {"tags": {}}).result())[0] == 404


def test_groups_have_rules_behind_their_own(fake_tenant: RangeServer) -> None:
    network = connect(fake_tenant, NetworkManagementClient)
    rules = {rule.name: rule for rule in network.default_security_rules.list(APP, "nsg-vm1")}
    assert [rule.priority for rule in rules.values()] == [65000, 65001, 65500] * 2
    assert network.default_security_rules.get(APP, "nsg-vm1", "denyallinbound").access == "Deny"
    assert [one.name for one in network.network_security_groups.get(APP, "nsg-vm1").default_security_rules] == list(
        rules
    )
    assert network.network_security_groups.update_tags(APP, "nsg-vm1", {"tags": {"a": "b"}}).tags == {"a": "b"}
    assert network.network_interfaces.update_tags(APP, "nic-vm1", {"tags": {"c": "d"}}).tags == {"c": "d"}
    assert refused(lambda: network.default_security_rules.get(APP, "nsg-vm1", "nothing")) == (404, "NotFound")


def test_less_usual_calls_of_sentinel(fake_tenant: RangeServer) -> None:
    client, where = connect(fake_tenant, SecurityInsights), (GROUP, WORKSPACE)
    client.incidents.create_or_update(*where, "i", si.Incident(title="t", severity="Low", status="New"))
    for number in range(3):
        client.incident_comments.create_or_update(*where, "i", f"c{number}", si.IncidentComment(message=f"m{number}"))
    newest = client.incident_comments.list(*where, "i", orderby="properties/message desc", top=2)
    assert [one.message for one in newest] == ["m2", "m1", "m0"]
    found = client.incident_comments.list(*where, "i", filter="properties/message eq 'm1'")
    assert [one.name for one in found] == ["c1"]
    assert [one.name for one in client.sentinel_onboarding_states.list(*where).value] == ["default"]
    indicator = si.ThreatIntelligenceIndicatorModel(
        source="s", display_name="d", pattern="[ipv4-addr:value = '203.0.113.9']", pattern_type="ipv4-addr",
        threat_intelligence_tags=["a", "b"],
    )  # fmt: skip
    made = client.threat_intelligence_indicator.create_indicator(*where, indicator)
    tags = si.ThreatIntelligenceIndicatorModel(threat_intelligence_tags=["c"])
    replaced = client.threat_intelligence_indicator.replace_tags(*where, made.name, tags)
    assert replaced.threat_intelligence_tags == ["c"]
    assert refused(lambda: client.threat_intelligence_indicator.replace_tags(*where, "x", tags)) == (404, "NotFound")


def test_tasks_of_an_incident(door: Door) -> None:
    door.arm("PUT", "incidents/i", {"properties": {"title": "t", "severity": "Low", "status": "New"}})
    task = {"properties": {"title": "Call the owner", "description": "<p>now</p>", "status": "New"}}
    token = door.token(client=RESPONDER[0], secret=RESPONDER[1])

    def ask(method: str, path: str, body: Any = None, version: str = "2025-09-01") -> Any:
        return door.arm(method, f"incidents/i/{path}", body, version=version, token=token)

    assert ask("PUT", "tasks/one", task, version="2021-10-01").status_code == 400
    made = ask("PUT", "tasks/one", task)
    assert (made.status_code, made.json()["type"]) == (201, "Microsoft.SecurityInsights/Incidents/Tasks")
    done = {"etag": made.json()["etag"], "properties": {**task["properties"], "status": "Completed"}}
    assert ask("PUT", "tasks/one", done).json()["properties"]["status"] == "Completed"
    assert ask("PUT", "tasks/one", done).status_code == 409
    assert ask("PUT", "tasks/two", {"properties": {"title": "x", "status": "Later"}}).status_code == 400
    assert [one["name"] for one in ask("GET", "tasks").json()["value"]] == ["one"]
    assert [ask("DELETE", "tasks/one").status_code for _ in range(2)] == [200, 204]
    assert ask("GET", "tasks/one").status_code == 404


@pytest.mark.parametrize(
    ("path", "query", "headers", "expected"),
    [
        ("security/alerts_v2/$count", {}, {}, "2"),
        ("users/$count", {}, EVENTUAL, "2"),
        ("users/$count", {"filter": "startswith(displayName,'D')"}, EVENTUAL, "1"),
        ("users/$count", {}, {}, 400),
        ("users/nobody/$count", {}, EVENTUAL, 404),
        (f"users/{DANA}/$count", {}, EVENTUAL, 400),
        ("me", {}, {}, 400),
        ("users", {"search": '"displayName:dana"'}, EVENTUAL, [DANA]),
        ("users", {"search": '"displayName:cruz" AND "mail:dana"'}, EVENTUAL, [DANA]),
        ("users", {"search": '("displayName:nobody" OR "mail:dana")'}, EVENTUAL, [DANA]),
        ("users", {"search": '"displayName:ana"'}, EVENTUAL, []),
        ("users", {"search": '"displayName:dana"'}, {}, 400),
        ("users", {"search": "dana"}, EVENTUAL, 400),
        ("users", {"search": "(" * 5_000}, EVENTUAL, 400),
        ("users", {"search": '"city:dana"'}, EVENTUAL, 400),
        ("security/alerts_v2", {"search": '"title:x"'}, EVENTUAL, 400),
        (
            "security/alerts_v2",
            {"filter": "severity eq microsoft.graph.security.alertSeverity'high'"},
            {},
            ["da0001_1"],
        ),
        ("security/incidents", {"expand": "alerts($select=title)"}, {}, ["501"]),
        ("security/incidents", {"expand": "alerts($top=1)"}, {}, 400),
    ],
)
def test_options_of_graph(
    graph: Graph, path: str, query: dict[str, str], headers: dict[str, str], expected: str | int | list[str]
) -> None:
    answer = graph.ask("GET", path, headers=headers, **query)
    if isinstance(expected, int):
        assert answer.status_code == expected, answer.text
        assert answer.json()["error"]["message"]
    elif isinstance(expected, str):
        assert (answer.text, answer.headers["content-type"].partition(";")[0]) == (expected, "text/plain")
    else:
        assert [one["id"] for one in answer.json()["value"]] == expected
        if "expand" in query:
            assert {name for name in answer.json()["value"][0]["alerts"][0] if name[0] != "@"} == {"title"}


def test_a_batch_of_graph(graph: Graph) -> None:
    requests: list[dict[str, Any]] = [
        {"id": "1", "method": "GET", "url": "/users?$top=1&$select=id"},
        {"id": "2", "method": "PATCH", "url": f"/users/{DANA}", "body": {"accountEnabled": False},
         "headers": {"Content-Type": "application/json"}},
        {"id": "3", "method": "GET", "url": f"users/{DANA}?$select=accountEnabled", "dependsOn": ["2"]},
        {"id": "4", "method": "GET", "url": "/security/alerts_v2/nothing"},
        {"id": "5", "method": "GET", "url": "/users", "dependsOn": ["4"]},
    ]  # fmt: skip
    answer = graph.ask("POST", "$batch", {"requests": requests})
    told = {one["id"]: one for one in answer.json()["responses"]}
    assert {name: one["status"] for name, one in told.items()} == {"1": 200, "2": 204, "3": 200, "4": 404, "5": 424}
    assert told["3"]["body"]["accountEnabled"] is False
    assert told["4"]["body"]["error"]["code"] == "NotFound"
    assert graph.ask("POST", "$batch", {"requests": requests * 5}).status_code == 400
    assert graph.ask("POST", "$batch", {"requests": [requests[2]]}).status_code == 400
    assert graph.door.http.post("/v1.0/$batch", json={"requests": []}).status_code == 401


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("impactSAMEASurgency", {"b"}),
        ("impactNSAMEASurgency", {"a", "c"}),
        ("sys_class_nameINSTANCEOFincident", {"a", "b", "c"}),
        ("opened_by.user_name=vedette", {"a", "b", "c"}),
        ("opened_by.user_name=nobody", set()),
        ("123TEXTQUERY321=phishing", {"c"}),
        ("sys_created_on>=javascript:gs.daysAgoStart(1)", {"a", "b", "c"}),
        ("sys_created_on<javascript:gs.hoursAgo(1)", set()),
        ("sys_created_onONToday@javascript:gs.beginningOfToday()@javascript:gs.endOfToday()", {"a", "b", "c"}),
        ("sys_created_onRELATIVEGT@hour@ago@1", {"a", "b", "c"}),
        ("sys_created_onRELATIVELT@hour@ago@1", set()),
        ("GOTOshort_description>=b", {"b", "c"}),
        ("sys_created_on>javascript:gs.nonsense()", 400),
    ],
)
def test_queries_of_servicenow(door: Door, text: str, expected: set[str] | int) -> None:
    user = ("vedette", "range-password-1")
    for name, more in (("a", {"impact": "1", "urgency": "2"}), ("b", {"impact": "2", "urgency": "2"}),
                       ("c", {"impact": "1", "urgency": "3", "description": "Phishing"})):  # fmt: skip
        door.http.post("/api/now/table/incident", json={"short_description": name, **more}, auth=user)
    answer = door.http.get("/api/now/table/incident", params={"sysparm_query": text}, auth=user)
    if isinstance(expected, int):
        assert answer.status_code == expected
    else:
        assert {one["short_description"] for one in answer.json()["result"]} == expected


def test_values_and_files_and_batches_of_servicenow(fake_tenant: RangeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    pysnc = pytest.importorskip("pysnc", reason="ServiceNow's client is not installed")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(fake_tenant.ca_path))
    client = pysnc.ServiceNowClient(fake_tenant.url, ("vedette", "range-password-1"))
    record = client.GlideRecord("incident")
    for number in range(3):
        record.initialize()
        record.short_description = f"n{number}"
        record.insert()
    assert record.get_display_value("opened_by") == "vedette"
    record.add_attachment("evidence.txt", b"seen", content_type="text/plain")
    [file] = list(record.get_attachments())
    assert (file.file_name, b"".join(file.read() for _ in range(1))) == ("evidence.txt", b"seen")
    many = client.GlideRecord("incident")
    many.add_query("short_description", "STARTSWITH", "n")
    many.query()
    while many.next():
        many.category = "network"
    assert many.update_multiple()
    kept = fake_tenant.tenant.documents.of("servicenow", "table", "incident")
    assert {one["category"] for one in kept} == {"network"}
    assert client.GlideRecord("incident").get(record.sys_id)
    session = client.session
    made = session.post(
        f"{fake_tenant.url}/api/now/table/incident", params={"sysparm_input_display_value": "true", "sysparm_fields": "impact,priority,caller_id.user_name"},
        json={"impact": "1 - High", "urgency": "1 - High", "caller_id": "Vedette"},
    )  # fmt: skip
    assert made.json()["result"] == {"impact": "1", "priority": "1", "caller_id.user_name": "vedette"}
