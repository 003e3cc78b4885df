"""Microsoft's query and ingestion SDKs against the fake tenant, whose tables Vedette's own engine queries."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.identity import ClientSecretCredential
from azure.monitor.ingestion import LogsIngestionClient
from azure.monitor.query import LogsBatchQuery, LogsQueryClient, LogsQueryStatus

from tests.plugins.fake_tenant import ABSENT, CLIENT, SECRET, SUBSCRIPTION, TENANT
from tests.range.conftest import COLLECTOR, RESPONDER
from vedette.cli.log_engine import StoreLogEngine
from vedette.core.tls import client_context
from vedette.range.faults import Fault
from vedette.range.planting import plant_rows
from vedette.range.seed import CONTOSO
from vedette.range.server import RangeServer

WORKSPACE_ID = "9a4d2f6e-13f7-4d0b-8c1e-6b7a5d4c3b2a"
RULE = "dcr-5f2c1b0a9e8d7c6b5a4f3e2d1c0b9a88"
SCOPE = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-sec-prod/providers/Microsoft.OperationalInsights/workspaces/law-sec-prod"


@pytest.fixture(scope="module")
def server() -> Iterator[RangeServer]:
    with RangeServer(log_engine=StoreLogEngine()) as running:
        yield running


@pytest.fixture
def tenant(server: RangeServer) -> RangeServer:
    server.reset()
    return server


def credential(server: RangeServer, who: tuple[str, str]) -> ClientSecretCredential:
    trust = {"connection_verify": str(server.ca_path)}
    return ClientSecretCredential(TENANT, *who, authority=server.url, disable_instance_discovery=True, **trust)


def query_client(server: RangeServer, who: tuple[str, str] = COLLECTOR, **more: Any) -> LogsQueryClient:
    return LogsQueryClient(
        credential(server, who),
        endpoint=f"{server.url}/v1",
        connection_verify=str(server.ca_path),
        retry_total=0,
        **more,
    )


def upload_client(server: RangeServer, who: tuple[str, str] = (CLIENT, SECRET)) -> LogsIngestionClient:
    return LogsIngestionClient(
        server.url, credential(server, who), connection_verify=str(server.ca_path), retry_total=0
    )


def plant(server: RangeServer) -> None:
    rows = [
        {"TimeGenerated": f"2026-03-04T0{hour}:00:00Z", "UserPrincipalName": f"u{hour}@x", "ResultType": str(hour % 2),
         "Status": {"errorCode": hour}}
        for hour in range(8)
    ]  # fmt: skip
    plant_rows(server.tenant, WORKSPACE_ID, "SigninLogs", rows)


def test_a_query_over_seeded_tables(tenant: RangeServer) -> None:
    plant(tenant)
    text = "SigninLogs | where ResultType == '1' | project TimeGenerated, UserPrincipalName, Status | sort by TimeGenerated asc"
    for client in (query_client(tenant), query_client(tenant, audience="https://api.loganalytics.io")):
        answer = client.query_workspace(WORKSPACE_ID, text, timespan=None, include_statistics=True)
        assert answer.status == LogsQueryStatus.SUCCESS
        table = answer.tables[0]
        assert (table.name, table.columns, table.columns_types) == (
            "PrimaryResult", ["TimeGenerated", "UserPrincipalName", "Status"], ["datetime", "string", "dynamic"],
        )  # fmt: skip
        assert [row["UserPrincipalName"] for row in table.rows] == ["u1@x", "u3@x", "u5@x", "u7@x"]
        assert table.rows[0]["TimeGenerated"] == datetime(2026, 3, 4, 1, tzinfo=UTC)
        assert json.loads(table.rows[0]["Status"]) == {"errorCode": 1}
        assert answer.statistics


def test_a_time_range_holds_beside_the_query(tenant: RangeServer) -> None:
    plant(tenant)
    client, end = query_client(tenant), datetime(2026, 3, 4, 5, tzinfo=UTC)
    spans = [(end - timedelta(hours=2), end), (end - timedelta(hours=2), timedelta(hours=2))]
    for span in spans:
        rows = client.query_workspace(WORKSPACE_ID, "SigninLogs | count", timespan=span).tables[0].rows
        assert rows[0][0] == 2
    assert client.query_workspace(WORKSPACE_ID, "SigninLogs", timespan=timedelta(minutes=5)).tables[0].rows == []
    found = client.query_resource(SCOPE, "SigninLogs | count", timespan=None).tables[0].rows
    assert found[0][0] == 8


@pytest.mark.parametrize(
    ("text", "kind"), [("SigninLogs | where Nothing == 1", "SemanticError"), ("SigninLogs | where", "SyntaxError")]
)
def test_a_query_with_a_mistake(tenant: RangeServer, text: str, kind: str) -> None:
    plant(tenant)
    with pytest.raises(HttpResponseError) as refused:
        query_client(tenant).query_workspace(WORKSPACE_ID, text, timespan=None)
    assert refused.value.status_code == 400
    assert refused.value.error is not None
    assert refused.value.error.code == "BadArgumentError"
    assert refused.value.error.innererror["code"] == kind


def test_queries_in_a_batch(tenant: RangeServer) -> None:
    plant(tenant)
    texts = ["SigninLogs | count", "Nothing", "print x = 1.5"]
    requests = [LogsBatchQuery(workspace_id=WORKSPACE_ID, query=text, timespan=None) for text in texts]
    first, second, third = query_client(tenant).query_batch(requests)
    assert first.tables[0].rows[0][0] == 8
    assert (second.status, second.code) == (LogsQueryStatus.FAILURE, "BadArgumentError")
    assert third.tables[0].rows[0][0] == 1.5


def test_who_may_query_what(tenant: RangeServer) -> None:
    client = query_client(tenant)
    assert client.query_workspace(WORKSPACE_ID, "print 1", timespan=None).status == LogsQueryStatus.SUCCESS
    with pytest.raises(HttpResponseError) as absent:
        client.query_workspace(ABSENT, "print 1", timespan=None)
    assert absent.value.status_code == 404
    tenant.tenant.subscriptions[0].role_assignments.clear()
    with pytest.raises(HttpResponseError) as refused:
        client.query_workspace(WORKSPACE_ID, "print 1", timespan=None)
    assert refused.value.status_code == 403
    with httpx.Client(base_url=tenant.url, verify=client_context(tenant.ca_path), timeout=60) as http:
        path = f"/v1/workspaces/{WORKSPACE_ID}/query"
        assert http.post(path, json={"query": "print 1"}).status_code == 401
        token = credential(tenant, COLLECTOR).get_token("https://graph.microsoft.com/.default").token
        answer = http.post(path, json={"query": "print 1"}, headers={"Authorization": f"Bearer {token}"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "InvalidAuthenticationTokenAudience")


def test_rows_are_sent_and_found(tenant: RangeServer) -> None:
    rows = [{"TimeGenerated": "2026-03-04T09:00:00Z", "Finding": f"f{number}", "Score": number} for number in range(50)]
    upload_client(tenant).upload(rule_id=RULE, stream_name="Custom-Findings_CL", logs=rows)
    text = "Findings_CL | summarize n = count(), top = max(Score)"
    answer = query_client(tenant).query_workspace(WORKSPACE_ID, text, timespan=None)
    assert list(answer.tables[0].rows[0]) == [50, 49]
    large = [{"Finding": "x" * 400_000} for _ in range(5)]
    upload_client(tenant).upload(rule_id=RULE, stream_name="Custom-Findings_CL", logs=large)
    found = query_client(tenant).query_workspace(WORKSPACE_ID, "Findings_CL | count", timespan=None)
    assert found.tables[0].rows[0][0] == 55


def test_what_is_not_taken(tenant: RangeServer) -> None:
    client = upload_client(tenant)
    for rule, stream, status in ((RULE, "Custom-Other_CL", 404), ("dcr-" + "0" * 32, "Custom-Findings_CL", 404)):
        with pytest.raises(HttpResponseError) as refused:
            client.upload(rule_id=rule, stream_name=stream, logs=[{"a": 1}])
        assert refused.value.status_code == status
    with pytest.raises(HttpResponseError) as refused:
        upload_client(tenant, COLLECTOR).upload(rule_id=RULE, stream_name="Custom-Findings_CL", logs=[{"a": 1}])
    assert refused.value.status_code == 403
    with pytest.raises(ClientAuthenticationError):
        upload_client(tenant, (CLIENT, "wrong")).upload(rule_id=RULE, stream_name="Custom-Findings_CL", logs=[{"a": 1}])
    token = credential(tenant, (CLIENT, SECRET)).get_token("https://monitor.azure.com/.default").token
    path = f"/dataCollectionRules/{RULE}/streams/Custom-Findings_CL?api-version=2023-01-01"
    bodies: list[tuple[bytes, dict[str, str], int]] = [
        (b"{}", {}, 400),
        (b"[1]", {}, 400),
        (b"[", {}, 400),
        (b"x" * 1_048_577, {}, 413),
        (gzip.compress(b'[{"a": "' + b"x" * 2_000_000 + b'"}]'), {"Content-Encoding": "gzip"}, 413),
        (b"[]", {"Content-Encoding": "gzip"}, 400),
        (b"[]", {"Content-Encoding": "br"}, 415),
        (b"[]", {}, 204),
    ]
    with httpx.Client(base_url=tenant.url, verify=client_context(tenant.ca_path), timeout=60) as http:
        for body, headers, status in bodies:
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", **headers}
            assert http.post(path, content=body, headers=headers).status_code == status
        assert http.post(path, content=b"[]").status_code == 401


def test_a_sender_that_is_told_to_wait(tenant: RangeServer) -> None:
    fault = tenant.tenant.faults.add(Fault(429, service="ingestion", retry_after=1))
    client = LogsIngestionClient(
        tenant.url, credential(tenant, (CLIENT, SECRET)), connection_verify=str(tenant.ca_path)
    )
    client.upload(rule_id=RULE, stream_name="Custom-Findings_CL", logs=[{"Finding": "x"}])
    assert fault.hits == 1


def test_without_an_engine_there_are_no_answers(fake_tenant: RangeServer) -> None:
    with pytest.raises(HttpResponseError) as refused:
        query_client(fake_tenant).query_workspace(WORKSPACE_ID, "print 1", timespan=None)
    assert refused.value.status_code == 501


def test_a_query_over_several_workspaces(server: RangeServer) -> None:
    [subscription] = CONTOSO["subscriptions"]
    second = {"name": "law-sec-dev", "customer_id": "9a4d2f6e-13f7-4d0b-8c1e-6b7a5d4c3b2b"}
    groups = [
        {**group, "workspaces": [*group.get("workspaces", []), *([second] if group["name"] == "rg-sec-prod" else [])]}
        for group in subscription["resource_groups"]
    ]
    server.reset(seed={**CONTOSO, "subscriptions": [{**subscription, "resource_groups": groups}]})
    plant(server)
    row = {"TimeGenerated": "2026-03-04T12:00:00Z", "UserPrincipalName": "u@dev", "ResultType": "0"}
    plant_rows(server.tenant, second["customer_id"], "SigninLogs", [row])
    client = query_client(server, RESPONDER)
    for name in ("law-sec-dev", second["customer_id"], SCOPE.replace("law-sec-prod", "law-sec-dev").upper()):
        answer = client.query_workspace(
            WORKSPACE_ID, "SigninLogs | summarize count(), max(TimeGenerated)", timespan=None, additional_workspaces=[name, WORKSPACE_ID]
        )  # fmt: skip
        assert list(answer.tables[0].rows[0]) == [9, datetime(2026, 3, 4, 12, tzinfo=UTC)]
    for who, name in ((RESPONDER, "law-nothing"), ((CLIENT, SECRET), "law-sec-dev")):
        with pytest.raises(HttpResponseError) as refused:
            query_client(server, who).query_workspace(
                WORKSPACE_ID, "SigninLogs", timespan=None, additional_workspaces=[name]
            )
        assert (refused.value.status_code, refused.value.error and refused.value.error.code) == (
            400,
            "BadArgumentError",
        )
