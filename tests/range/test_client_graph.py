"""Microsoft's Graph SDK and azure-identity against the fake tenant."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CertificateCredential, ClientSecretCredential
from azure.identity.aio import ClientSecretCredential as AsyncClientSecretCredential

msgraph = pytest.importorskip("msgraph", reason="Microsoft's Graph SDK is not installed")

from kiota_abstractions.api_error import APIError  # noqa: E402
from kiota_abstractions.base_request_configuration import RequestConfiguration  # noqa: E402
from kiota_authentication_azure.azure_identity_authentication_provider import (  # noqa: E402
    AzureIdentityAuthenticationProvider,
)
from msgraph import GraphRequestAdapter, GraphServiceClient  # noqa: E402
from msgraph.generated.applications.item.add_password.add_password_post_request_body import (  # noqa: E402
    AddPasswordPostRequestBody,
)
from msgraph.generated.identity_protection.risky_users.confirm_compromised.confirm_compromised_post_request_body import (  # noqa: E402
    ConfirmCompromisedPostRequestBody,
)
from msgraph.generated.models.i_pv4_cidr_range import IPv4CidrRange  # noqa: E402
from msgraph.generated.models.ip_named_location import IpNamedLocation  # noqa: E402
from msgraph.generated.models.password_credential import PasswordCredential  # noqa: E402
from msgraph.generated.models.security.alert import Alert  # noqa: E402
from msgraph.generated.models.security.alert_comment import AlertComment  # noqa: E402
from msgraph.generated.models.security.alert_status import AlertStatus  # noqa: E402
from msgraph.generated.models.security.mailbox_evidence import MailboxEvidence  # noqa: E402
from msgraph.generated.models.security.url_evidence import UrlEvidence  # noqa: E402
from msgraph.generated.models.user import User  # noqa: E402
from msgraph.generated.security.alerts_v2.alerts_v2_request_builder import Alerts_v2RequestBuilder  # noqa: E402
from msgraph.generated.security.incidents.incidents_request_builder import IncidentsRequestBuilder  # noqa: E402
from msgraph_core import GraphClientFactory  # noqa: E402

from tests.plugins.fake_tenant import TENANT  # noqa: E402
from tests.range.conftest import COLLECTOR, RESPONDER  # noqa: E402
from tests.range.test_assertions import key_pair  # noqa: E402
from tests.range.test_graph_directory import DANA  # noqa: E402
from vedette.core.clock import SystemClock  # noqa: E402
from vedette.core.tls import client_context  # noqa: E402
from vedette.range.certificates import read_certificate  # noqa: E402
from vedette.range.faults import Fault  # noqa: E402
from vedette.range.server import RangeServer  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the SDK's own, about itself


def with_client(
    server: RangeServer, work: Callable[[GraphServiceClient], Awaitable[Any]], who: tuple[str, str] = RESPONDER
) -> Any:
    """Run something with a client as Microsoft's documentation builds one, pointed at the fake tenant."""

    async def main() -> Any:
        credential = AsyncClientSecretCredential(
            TENANT, *who, authority=server.url, disable_instance_discovery=True, connection_verify=str(server.ca_path)
        )
        provider = AzureIdentityAuthenticationProvider(credential, scopes=["https://graph.microsoft.com/.default"])
        provider.access_token_provider.get_allowed_hosts_validator().set_allowed_hosts(["localhost"])
        base = httpx.AsyncClient(verify=client_context(server.ca_path), timeout=60)
        http = GraphClientFactory.create_with_default_middleware(client=base)
        adapter = GraphRequestAdapter(provider, client=http)
        adapter.base_url = f"{server.url}/v1.0"
        client = GraphServiceClient(request_adapter=adapter)
        adapter.base_url = f"{server.url}/v1.0"
        try:
            return await work(client)
        finally:
            await http.aclose()
            await credential.close()

    return asyncio.run(main())


def test_alerts_over_pages_with_typed_evidence(fake_tenant: RangeServer) -> None:
    store = fake_tenant.tenant.documents.of("graph", TENANT, "security/alerts_v2")
    for number in range(30):
        store.put(f"x{number}", {"id": f"x{number}", "createdDateTime": "2026-01-01T00:00:00Z", "severity": "low"})

    async def work(client: GraphServiceClient) -> list[Alert]:
        query = Alerts_v2RequestBuilder.Alerts_v2RequestBuilderGetQueryParameters(
            top=10, orderby=["createdDateTime desc"]
        )
        page = await client.security.alerts_v2.get(RequestConfiguration(query_parameters=query))
        found = []
        while page is not None:
            found += page.value or []
            if not page.odata_next_link:
                return found
            page = await client.security.alerts_v2.with_url(page.odata_next_link).get()
        return found

    alerts = with_client(fake_tenant, work, COLLECTOR)
    assert len({alert.id for alert in alerts}) == len(alerts) == 32
    first = next(alert for alert in alerts if alert.id == "da0001_1")
    assert isinstance(first.evidence[0], MailboxEvidence)
    assert first.evidence[0].primary_address == "dana.cruz@contoso.example"
    assert any(isinstance(each, UrlEvidence) for each in first.evidence)
    assert all(not each.additional_data for each in first.evidence)


def test_an_alert_is_changed_and_commented(fake_tenant: RangeServer) -> None:
    async def work(client: GraphServiceClient) -> Any:
        item = client.security.alerts_v2.by_alert_id("da0001_1")
        await item.comments.post(body=[AlertComment(comment="seen")])
        return await item.patch(Alert(status=AlertStatus.Resolved, assigned_to="soc@contoso.example"))

    changed = with_client(fake_tenant, work)
    assert (changed.status, changed.assigned_to) == (AlertStatus.Resolved, "soc@contoso.example")
    assert [comment.comment for comment in changed.comments] == ["seen"]


def test_incidents_with_their_alerts(fake_tenant: RangeServer, shared: Path) -> None:
    recorded = json.loads((shared / "contracts" / "graph_incidents_list_expand_alerts.json").read_text())
    from vedette.range.graph.planting import plant

    plant(fake_tenant.tenant, fake_tenant.tenant.directories[0], "security/incidents", recorded)

    async def work(client: GraphServiceClient) -> Any:
        query = IncidentsRequestBuilder.IncidentsRequestBuilderGetQueryParameters(expand=["alerts"], top=50)
        return await client.security.incidents.get(RequestConfiguration(query_parameters=query))

    told = {incident.id: incident for incident in with_client(fake_tenant, work, COLLECTOR).value}
    for incident in recorded["value"]:
        assert told[incident["id"]].display_name == incident["displayName"]
        assert [alert.id for alert in told[incident["id"]].alerts] == [alert["id"] for alert in incident["alerts"]]
        for alert, given in zip(told[incident["id"]].alerts, incident["alerts"], strict=True):
            assert [each.odata_type for each in alert.evidence] == [each["@odata.type"] for each in given["evidence"]]


def test_an_account_is_contained(fake_tenant: RangeServer) -> None:
    async def work(client: GraphServiceClient) -> tuple[Any, ...]:
        user = client.users.by_user_id(DANA)
        await user.patch(User(account_enabled=False))
        revoked = await user.revoke_sign_in_sessions.post()
        methods = await user.authentication.methods.get()
        await client.identity_protection.risky_users.confirm_compromised.post(
            ConfirmCompromisedPostRequestBody(user_ids=[DANA])
        )
        risk = await client.identity_protection.risky_users.by_risky_user_id(DANA).get()
        audits = await client.audit_logs.directory_audits.get()
        return revoked, methods, risk, audits

    revoked, methods, risk, audits = with_client(fake_tenant, work)
    assert revoked.value is True
    assert [type(each).__name__ for each in methods.value] == ["PasswordAuthenticationMethod"]
    assert risk.risk_state.value == "confirmedCompromised"
    assert "Disable account" in [each.activity_display_name for each in audits.value]
    assert fake_tenant.tenant.directories[0].users[1].properties["accountEnabled"] is False


def test_a_secret_and_a_location(fake_tenant: RangeServer) -> None:
    app = fake_tenant.tenant.directories[0].applications[1]

    async def work(client: GraphServiceClient) -> tuple[Any, ...]:
        secret = await client.applications.by_application_id(app.application_id).add_password.post(
            AddPasswordPostRequestBody(password_credential=PasswordCredential(display_name="sdk"))
        )
        location = await client.identity.conditional_access.named_locations.post(
            IpNamedLocation(
                odata_type="#microsoft.graph.ipNamedLocation",
                display_name="Blocked",
                ip_ranges=[IPv4CidrRange(odata_type="#microsoft.graph.iPv4CidrRange", cidr_address="203.0.113.45/32")],
            )
        )
        return secret, location

    secret, location = with_client(fake_tenant, work)
    assert isinstance(location, IpNamedLocation)
    assert location.ip_ranges[0].cidr_address == "203.0.113.45/32"
    assert [each.value for each in app.secrets] == [COLLECTOR[1], secret.secret_text]


def test_a_permission_that_is_missing(fake_tenant: RangeServer) -> None:
    async def work(client: GraphServiceClient) -> Any:
        return await client.security.alerts_v2.get()

    fake_tenant.tenant.faults.add(Fault(permission="SecurityAlert.Read.All", times=None))
    fake_tenant.tenant.faults.add(Fault(permission="SecurityIncident.Read.All", times=None))
    with pytest.raises(APIError) as refused:
        with_client(fake_tenant, work, COLLECTOR)
    assert refused.value.response_status_code == 403
    assert "SecurityAlert.Read.All" in refused.value.error.message


def test_the_sdk_waits_as_it_is_told(fake_tenant: RangeServer) -> None:
    async def work(client: GraphServiceClient) -> Any:
        return await client.security.alerts_v2.get()

    fault = fake_tenant.tenant.faults.add(Fault(429, service="graph", retry_after=1))
    assert len(with_client(fake_tenant, work, COLLECTOR).value) == 2
    assert fault.hits == 1


def test_azure_identity_with_a_certificate(fake_tenant: RangeServer, tmp_path: Path) -> None:
    pair = key_pair(SystemClock().now())
    (tmp_path / "both.pem").write_bytes(pair.both)
    app = fake_tenant.tenant.directories[0].applications[1]
    where: dict[str, Any] = {
        "authority": fake_tenant.url,
        "disable_instance_discovery": True,
        "connection_verify": str(fake_tenant.ca_path),
    }
    credential = CertificateCredential(TENANT, COLLECTOR[0], str(tmp_path / "both.pem"), **where)
    with pytest.raises(ClientAuthenticationError, match="AADSTS700027"):
        credential.get_token("https://graph.microsoft.com/.default")
    app.certificates.append(read_certificate(fake_tenant.tenant, pair.pem))
    token = credential.get_token("https://graph.microsoft.com/.default")
    assert token.expires_on > SystemClock().now().timestamp() + timedelta(minutes=50).total_seconds()
    with pytest.raises(ClientAuthenticationError, match="AADSTS700016"):
        ClientSecretCredential(TENANT, TENANT, "x", **where).get_token("https://graph.microsoft.com/.default")
