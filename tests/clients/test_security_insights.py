"""The client of Microsoft Sentinel's incidents against the fake tenant: what it sends, reads, and says when it fails."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.plugins.fake_tenant import ABSENT, CLIENT, GROUP, SECRET, SUBSCRIPTION, TENANT, WORKSPACE, insights
from vedette.clients.azure_cloud import CLOUDS, PUBLIC, clouds_with, local_cloud
from vedette.clients.azure_errors import AzureFailure, FailureKind
from vedette.clients.azure_http import ClientSecretCredentials
from vedette.clients.security_insights import (
    READ_INCIDENTS,
    WRITE_INCIDENTS,
    IncidentProperties,
    Permission,
    SecurityInsightsClient,
    WorkspaceAddress,
    iso_utc,
)
from vedette.core.errors import InvalidInput
from vedette.core.redaction import Secret
from vedette.range.faults import Fault
from vedette.range.server import RangeServer

CREDENTIALS = ClientSecretCredentials(TENANT, CLIENT, Secret(SECRET))
ADDRESS = WorkspaceAddress(SUBSCRIPTION, GROUP, WORKSPACE)
PROPERTIES = IncidentProperties("Title", "High", "New")


def client_for(
    server: RangeServer,
    *,
    credentials: dict[str, Any] | None = None,
    address: dict[str, str] | None = None,
    **options: Any,
) -> SecurityInsightsClient:
    return SecurityInsightsClient(
        replace(CREDENTIALS, **(credentials or {})),
        replace(ADDRESS, **(address or {})),
        cloud=local_cloud(server.url, server.ca_path),
        **{"timeout": 60.0, **options},
    )


@pytest.fixture
def client(fake_tenant: RangeServer) -> Iterator[SecurityInsightsClient]:
    with client_for(fake_tenant) as made:
        yield made


def failure(call: Any) -> AzureFailure:
    with pytest.raises(AzureFailure) as caught:
        call()
    return caught.value


@pytest.mark.req("D-017", "D-018")
def test_the_put_is_the_one_of_the_contract(fake_tenant: RangeServer, client: SecurityInsightsClient) -> None:
    client.put_incident("73e01a99-5cd7-4139-a149-9f2736ff2ab5", PROPERTIES)
    sent = fake_tenant.tenant.requests[-1]
    assert sent.method == "PUT"
    assert sent.path == (
        f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/providers/Microsoft.OperationalInsights/workspaces/"
        f"{WORKSPACE}/providers/Microsoft.SecurityInsights/incidents/73e01a99-5cd7-4139-a149-9f2736ff2ab5"
    )
    assert sent.query == "api-version=2022-07-01-preview"
    assert (PUBLIC.resource_manager, PUBLIC.scope) == (
        "https://management.azure.com",
        "https://management.azure.com/.default",
    )


@pytest.mark.req("D-018")
def test_another_api_version_can_be_asked_for(fake_tenant: RangeServer) -> None:
    with client_for(fake_tenant, api_version="2024-09-01") as client:
        client.put_incident("a", PROPERTIES)
    assert fake_tenant.tenant.requests[-1].query == "api-version=2024-09-01"


@pytest.mark.req("D-020")
def test_the_token_is_got_by_the_client_credentials_flow_and_used_again(
    fake_tenant: RangeServer, client: SecurityInsightsClient
) -> None:
    client.first_page()
    client.first_page()
    assert [(entry.method, entry.path) for entry in fake_tenant.tenant.requests] == [
        ("GET", f"/{TENANT}/v2.0/.well-known/openid-configuration"),
        ("POST", f"/{TENANT}/oauth2/v2.0/token"),
        ("GET", f"{insights()}/incidents"),
        ("GET", f"{insights()}/incidents"),
    ]


def test_every_property_arrives_and_comes_back(client: SecurityInsightsClient) -> None:
    properties = IncidentProperties(
        title='Ünusual \U0001f600 "quotes"',
        severity="Medium",
        status="Closed",
        description="line 1\nline 2",
        first_activity=datetime(2026, 3, 4, 8, 58, 2, tzinfo=UTC),
        last_activity=datetime(2026, 3, 4, 9, 5, 41, 619583, tzinfo=UTC),
        labels=("a", "b"),
        provider_name="Vedette Federated Detections",
        provider_incident_id="77",
        classification="TruePositive",
        classification_reason="SuspiciousActivity",
        classification_comment="seen",
        owner={"objectId": None, "email": "a@b.example", "assignedTo": "A", "userPrincipalName": "a@b.example"},
    )
    made = client.put_incident("a", properties)
    assert made.properties == properties
    found = client.get_incident("A")
    assert found is not None
    assert (found.name, found.etag, found.number, found.properties) == ("a", made.etag, 1, properties)
    assert found.raw["type"] == "Microsoft.SecurityInsights/Incidents"
    assert found.url is not None
    assert found.url.startswith("https://portal.azure.com/")


def test_changing_needs_the_etag(client: SecurityInsightsClient) -> None:
    made = client.put_incident("a", PROPERTIES)
    assert failure(lambda: client.put_incident("a", PROPERTIES)).kind is FailureKind.CONFLICT
    changed = client.put_incident("a", replace(PROPERTIES, status="Active"), etag=made.etag)
    assert changed.properties.status == "Active"
    assert failure(lambda: client.put_incident("a", PROPERTIES, etag=made.etag)).kind is FailureKind.CONFLICT


def test_absent_and_deleted(client: SecurityInsightsClient) -> None:
    assert client.get_incident("a") is None
    assert client.delete_incident("a") is False
    client.put_incident("a", PROPERTIES)
    assert client.delete_incident("a") is True


def test_pages_are_followed(client: SecurityInsightsClient) -> None:
    for number in range(5):
        client.put_incident(f"i-{number}", replace(PROPERTIES, title=str(number)))
    listed = client.list_incidents(
        orderby="properties/incidentNumber asc", top=2, filter="properties/severity eq 'High'"
    )
    assert [incident.properties.title for incident in listed] == ["0", "1", "2", "3", "4"]
    assert [incident.properties.title for incident in client.first_page(2)] == ["4", "3"]


def test_a_next_page_on_another_host_does_not_get_the_token(
    client: SecurityInsightsClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(2):
        client.put_incident(f"i-{number}", PROPERTIES)
    monkeypatch.setattr("vedette.range.arm.incidents._next_link", lambda *_: "https://localhost:1/steal")
    found = failure(lambda: list(client.list_incidents(top=1)))
    assert found.kind is FailureKind.REFUSED
    assert "another host, localhost:1" in str(found)


def test_ids_and_names_cannot_leave_their_place_in_the_path(
    fake_tenant: RangeServer, client: SecurityInsightsClient
) -> None:
    assert WorkspaceAddress("s", "a/b", "c?d").path.endswith(
        "/resourceGroups/a%2Fb/providers/Microsoft.OperationalInsights/workspaces/c%3Fd"
    )
    client.put_incident("a?b#c", PROPERTIES)
    assert list(fake_tenant.tenant.workspace(WORKSPACE).incidents) == ["a?b#c"]


def test_permissions(fake_tenant: RangeServer, client: SecurityInsightsClient) -> None:
    assert [entry.permits(WRITE_INCIDENTS) for entry in client.permissions()] == [True]
    fake_tenant.tenant.subscriptions[0].role_assignments[0].role = "Microsoft Sentinel Reader"
    (reader,) = client.permissions()
    assert (reader.permits(READ_INCIDENTS), reader.permits(WRITE_INCIDENTS)) == (True, False)


@pytest.mark.parametrize(
    ("actions", "not_actions", "expected"),
    [
        (("*",), (), True),
        (("microsoft.securityinsights/*",), (), True),
        (("Microsoft.SecurityInsights/incidents/*",), (), True),
        (("Microsoft.SecurityInsights/*/write",), (), True),
        (("*/read",), (), False),
        (("Microsoft.SecurityInsights/incidents/write/more",), (), False),
        (("MicrosoftXSecurityInsights/incidents/write",), (), False),
        (("*",), ("Microsoft.SecurityInsights/*",), False),
        ((), (), False),
    ],
)
def test_what_a_role_permits(actions: tuple[str, ...], not_actions: tuple[str, ...], expected: bool) -> None:
    assert Permission(actions, not_actions).permits(WRITE_INCIDENTS) is expected


# what is wrong, the kind, words of the message, words of the hint, fields, the remote code
WRONG: list[tuple[dict[str, Any], FailureKind, str, str, tuple[str, ...], str | None]] = [
    (
        {"credentials": {"tenant_id": ABSENT}},
        FailureKind.TENANT_NOT_FOUND,
        "Tenant not found",
        "tenant_id",
        ("tenant_id",),
        "AADSTS90002",
    ),
    (
        {"credentials": {"client_id": ABSENT}},
        FailureKind.AUTHENTICATION,
        "Authentication failed",
        "client_id",
        ("client_id", "tenant_id"),
        "AADSTS700016",
    ),
    (
        {"credentials": {"client_secret": Secret("not-the-secret")}},
        FailureKind.AUTHENTICATION,
        "Authentication failed",
        "client_secret",
        ("client_secret",),
        "AADSTS7000215",
    ),
    (
        {"address": {"subscription_id": ABSENT}},
        FailureKind.NOT_FOUND,
        "Resource not found",
        "subscription_id",
        ("subscription_id",),
        "SubscriptionNotFound",
    ),
    (
        {"address": {"resource_group_name": "rg-nope"}},
        FailureKind.NOT_FOUND,
        "Resource not found",
        "resource_group_name",
        ("resource_group_name",),
        "ResourceGroupNotFound",
    ),
    (
        {"address": {"workspace_name": "law-nope"}},
        FailureKind.NOT_FOUND,
        "Resource not found",
        "workspace_name",
        ("workspace_name",),
        "ResourceNotFound",
    ),
]


@pytest.mark.parametrize(("wrong", "kind", "message", "hint", "fields", "code"), WRONG)
def test_what_is_wrong_is_named(
    fake_tenant: RangeServer,
    wrong: dict[str, Any],
    kind: FailureKind,
    message: str,
    hint: str,
    fields: tuple[str, ...],
    code: str | None,
) -> None:
    fake_tenant.tenant.subscriptions[0].role_assignments[0].scope = f"/subscriptions/{SUBSCRIPTION}"
    with client_for(fake_tenant, **wrong) as client:
        found = failure(client.first_page)
    assert (found.kind, found.fields, found.remote_code) == (kind, fields, code)
    assert str(found).startswith(message)
    assert hint in (found.hint or "")
    assert found.to_dict()["cause"]
    assert "\n" not in str(found)


def test_a_secret_that_has_expired(fake_tenant: RangeServer) -> None:
    app = fake_tenant.tenant.directories[0].applications[0]
    app.secrets[0].expires = datetime(2020, 1, 1, tzinfo=UTC)
    with client_for(fake_tenant) as client:
        found = failure(client.authenticate)
    assert found.remote_code == "AADSTS7000222"
    assert "expired" in (found.hint or "")


def test_without_the_role(fake_tenant: RangeServer) -> None:
    fake_tenant.tenant.subscriptions[0].role_assignments[0].role = "Microsoft Sentinel Reader"
    with client_for(fake_tenant) as client:
        client.first_page()
        found = failure(lambda: client.put_incident("a", PROPERTIES))
    assert (found.kind, found.remote_status) == (FailureKind.FORBIDDEN, 403)
    assert str(found).startswith("Forbidden / 403")
    assert "Microsoft Sentinel Responder" in (found.hint or "")


def test_a_subscription_of_another_tenant(fake_tenant: RangeServer) -> None:
    fake_tenant.tenant.faults.add(Fault(401, path="*/incidents", code="InvalidAuthenticationTokenTenant", times=2))
    with client_for(fake_tenant) as client:
        found = failure(client.first_page)
    assert found.fields == ("tenant_id", "subscription_id")


@pytest.mark.parametrize(
    ("fault", "kind", "retry_after"),
    [
        (Fault(429, path="*/incidents*", retry_after=17), FailureKind.THROTTLED, 17),
        (Fault(429, path="*/incidents*"), FailureKind.THROTTLED, None),
        (Fault(503, path="*/incidents*", retry_after=5), FailureKind.UNAVAILABLE, 5),
        (Fault(500, path="*/incidents*"), FailureKind.UNAVAILABLE, None),
        (Fault(408, path="*/incidents*"), FailureKind.UNAVAILABLE, None),
        (Fault(409, path="*/incidents*"), FailureKind.CONFLICT, None),
        (Fault(412, path="*/incidents*"), FailureKind.CONFLICT, None),
        (Fault(400, path="*/incidents*"), FailureKind.REFUSED, None),
        (Fault(401, path="*/incidents*", times=2), FailureKind.AUTHENTICATION, None),
        (Fault(path="*/incidents*", broken=True), FailureKind.UNAVAILABLE, None),
        (Fault(path="*/incidents*", delay=30), FailureKind.UNAVAILABLE, None),
        (Fault(503, path="*/token"), FailureKind.UNAVAILABLE, None),
        (Fault(429, path="*/token"), FailureKind.UNAVAILABLE, None),
        (Fault(path="*/token", broken=True), FailureKind.UNAVAILABLE, None),
        (Fault(path="*/token", delay=30), FailureKind.UNAVAILABLE, None),
        (Fault(503, path="*openid-configuration"), FailureKind.UNAVAILABLE, None),
        (Fault(429, path="*openid-configuration"), FailureKind.UNAVAILABLE, None),
    ],
)
def test_faults_are_told_apart_and_nothing_is_repeated(
    fake_tenant: RangeServer, fault: Fault, kind: FailureKind, retry_after: float | None
) -> None:
    fault.hits = 0
    fake_tenant.tenant.faults.add(fault)
    with client_for(fake_tenant, timeout=2 if fault.delay else 60) as client:
        found = failure(lambda: client.put_incident("a", PROPERTIES))
        assert (found.kind, found.retry_after) == (kind, retry_after)
        assert fault.hits == (fault.times or 1)
        assert SECRET not in json.dumps(found.to_dict())


def test_a_token_that_is_refused_is_replaced_once(fake_tenant: RangeServer, client: SecurityInsightsClient) -> None:
    client.first_page()
    fake_tenant.tenant.faults.add(Fault(401, method="PUT"))
    assert client.put_incident("a", PROPERTIES).number == 1
    assert sum(entry.path.endswith("/token") for entry in fake_tenant.tenant.requests) == 2


def test_a_failure_of_the_token_service_is_not_remembered(
    fake_tenant: RangeServer, client: SecurityInsightsClient
) -> None:
    fake_tenant.tenant.faults.add(Fault(503, path="*/token"))
    assert failure(client.first_page).kind is FailureKind.UNAVAILABLE
    assert client.first_page() == []
    client.close()
    fake_tenant.tenant.faults.add(Fault(503, path="*/token"))
    assert failure(client.authenticate).kind is FailureKind.UNAVAILABLE
    client.authenticate()


def test_a_date_to_wait_for(fake_tenant: RangeServer) -> None:
    from vedette.core.clock import VirtualClock

    fake_tenant.tenant.faults.add(Fault(429, path="*/incidents*", retry_after="Wed, 04 Mar 2026 10:16:00 GMT"))
    clock = VirtualClock(datetime(2026, 3, 4, 10, 15, 30, tzinfo=UTC))
    with client_for(fake_tenant, clock=clock) as client:
        assert failure(client.first_page).retry_after == 30


def test_nobody_there() -> None:
    cloud = replace(
        PUBLIC, authority="https://localhost:9", resource_manager="https://localhost:9", instance_discovery=False
    )
    with SecurityInsightsClient(CREDENTIALS, ADDRESS, cloud=cloud, timeout=30) as client:
        assert failure(client.first_page).kind is FailureKind.UNAVAILABLE


def test_a_server_that_is_not_trusted(fake_tenant: RangeServer) -> None:
    cloud = replace(local_cloud(fake_tenant.url, fake_tenant.ca_path), ca_file=None)
    with SecurityInsightsClient(CREDENTIALS, ADDRESS, cloud=cloud, timeout=30) as client:
        found = failure(client.first_page)
    assert found.kind is FailureKind.UNAVAILABLE
    assert "certificate" in str(found).lower()


def test_the_clouds() -> None:
    assert {cloud.name for cloud in CLOUDS.values()} == {"AzurePublic", "AzureUSGovernment", "AzureChina"}
    for cloud in CLOUDS.values():
        assert cloud.authority.startswith("https://")
        assert cloud.scope.endswith("/.default")


def test_the_secret_is_in_no_log(fake_tenant: RangeServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with client_for(fake_tenant) as client:
        client.put_incident("a", PROPERTIES)
    with client_for(fake_tenant, credentials={"client_secret": Secret("another-secret")}) as client:
        failure(client.first_page)
    assert caplog.records
    assert SECRET not in caplog.text
    assert "another-secret" not in caplog.text
    assert "eyJ" not in caplog.text
    assert SECRET not in repr(CREDENTIALS)


def test_azures_sdk_is_imported_at_first_use() -> None:
    code = (
        "import sys, vedette.clients.security_insights, vedette.clients.azure_errors;"
        "print([name for name in sys.modules if name.split('.')[0] in ('azure', 'msal', 'requests')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 3, 4, 8, 58, 2, tzinfo=UTC), "2026-03-04T08:58:02Z"),
        (datetime(2026, 3, 4, 8, 58, 2, 500, tzinfo=UTC), "2026-03-04T08:58:02.0005Z"),
        (datetime.fromisoformat("2026-03-04T08:58:02+02:00"), "2026-03-04T06:58:02Z"),
    ],
)
def test_times_on_the_wire(moment: datetime, text: str) -> None:
    assert iso_utc(moment) == text


def test_further_clouds(fake_tenant: RangeServer) -> None:
    clouds = clouds_with(
        {
            "Stack": {
                "authority": f"{fake_tenant.url}/",
                "resource_manager": fake_tenant.url,
                "ca_file": str(fake_tenant.ca_path),
            }
        }
    )
    assert list(clouds) == ["AzurePublic", "AzureUSGovernment", "AzureChina", "Stack"]
    assert clouds["Stack"] == local_cloud(fake_tenant.url, fake_tenant.ca_path, "Stack")
    with SecurityInsightsClient(CREDENTIALS, ADDRESS, cloud=clouds["Stack"]) as client:
        assert client.first_page() == []


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({}, "needs an https address as its authority"),
        ({"authority": "https://a"}, "needs an https address as its resource_manager"),
        ({"authority": "http://a", "resource_manager": "https://b"}, "needs an https address as its authority"),
        ({"authority": "https://u@a", "resource_manager": "https://b"}, "needs an https address as its authority"),
        ({"authority": "https://a", "resource_manager": "https://b", "ca_file": "/nowhere"}, "which is not there"),
        ({"authorty": "https://a"}, "has no part 'authorty'"),
    ],
)
def test_a_cloud_that_is_not_right_is_named(parts: dict[str, str], words: str) -> None:
    with pytest.raises(InvalidInput, match=f"The Azure cloud 'Stack' {words}|'Stack'.*{words}") as caught:
        clouds_with({"Stack": parts})
    assert caught.value.target == "azure_clouds"
