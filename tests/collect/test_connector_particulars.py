"""What every connector that reads pages keeps: pages, 429, 403, restarts, links that expire, nothing twice."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.collect.connecting import VALUES, Tenant
from tests.deliver.conftest import ADMIN
from tests.plugins.fake_tenant import SUBSCRIPTION, TENANT
from tests.range.conftest import RESPONDER
from vedette.collect.connectors.contract import Trouble
from vedette.collect.connectors.runner import ConnectorRunner
from vedette.collect.connectors.service import ConnectorView, Status
from vedette.range.faults import Fault


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.1234567Z")


@dataclass(frozen=True)
class Case:
    """An endpoint: how many pages' worth of objects to plant, where they are asked for, and where they come out."""

    kind: str
    endpoint: str
    path: str
    table: str
    column: str
    plant: Callable[[Tenant, int, int], None]
    """Objects from one number to another, each a second older than the one before."""
    count: int = 1200
    more: str = "*skiptoken*"

    def __str__(self) -> str:
        return f"{self.kind}/{self.endpoint}"


def _graph(collection: str, make: Callable[[str, str], dict[str, Any]]) -> Callable[[Tenant, int, int], None]:
    def plant(tenant: Tenant, first: int, last: int) -> None:
        documents = tenant.server.tenant.documents.of("graph", TENANT, collection)
        for number in range(first, last):
            moment = _text(tenant.clock.now() - timedelta(seconds=number - first))
            documents.put(f"m{number:05d}", make(f"m{number:05d}", moment))

    return plant


def _sign_in(identity: str, moment: str, **more: Any) -> dict[str, Any]:
    return {
        "id": identity, "createdDateTime": moment, "userPrincipalName": "a@contoso.example", "appId": "app",
        "appDisplayName": "App", "ipAddress": "192.0.2.1", "correlationId": identity, "conditionalAccessStatus": "success",
        "isInteractive": True, "status": {"errorCode": 0}, "signInEventTypes": ["interactiveUser"], **more,
    }  # fmt: skip


def _application_sign_in(identity: str, moment: str) -> dict[str, Any]:
    made = _sign_in(
        identity, moment, signInEventTypes=["servicePrincipal"], servicePrincipalId="p", isInteractive=False
    )
    return {name: value for name, value in made.items() if name != "userPrincipalName"}


def _audit(identity: str, moment: str) -> dict[str, Any]:
    return {
        "id": identity, "activityDateTime": moment, "activityDisplayName": "Update user", "category": "UserManagement",
        "correlationId": identity, "result": "success", "initiatedBy": {}, "targetResources": [],
    }  # fmt: skip


def _risky(identity: str, moment: str) -> dict[str, Any]:
    return {
        "id": identity, "riskLastUpdatedDateTime": moment, "riskState": "atRisk", "riskLevel": "high",
        "userPrincipalName": f"{identity}@contoso.example", "userDisplayName": identity, "isDeleted": False,
    }  # fmt: skip


def _alert(identity: str, moment: str) -> dict[str, Any]:
    return {
        "id": identity, "title": "Alert", "createdDateTime": moment, "lastUpdateDateTime": moment, "severity": "low",
        "status": "new", "evidence": [], "serviceSource": "microsoftDefenderForEndpoint",
    }  # fmt: skip


CASES = (
    Case("azure-security", "alerts_v2", "*security/alerts_v2", "SecurityAlert", "SystemAlertId",
         _graph("security/alerts_v2", _alert), 350),
    Case("entra-id", "sign_ins", "*v1.0/auditlogs/signins", "SigninLogs", "Id", _graph("auditLogs/signIns", _sign_in)),
    Case("entra-id", "service_principal_sign_ins", "*beta/auditlogs/signins", "AADServicePrincipalSignInLogs", "Id",
         _graph("auditLogs/signIns", _application_sign_in)),
    Case("entra-id", "directory_audits", "*auditlogs/directoryaudits", "AuditLogs", "Id",
         _graph("auditLogs/directoryAudits", _audit)),
    Case("entra-id", "risky_users", "*identityprotection/riskyusers", "AADRiskyUsers", "Id",
         _graph("identityProtection/riskyUsers", _risky)),
)  # fmt: skip
EVERY = pytest.mark.parametrize("case", CASES, ids=str)


def add(tenant: Tenant, case: Case) -> ConnectorView:
    values = {**VALUES, "client_id": RESPONDER[0], "client_secret": RESPONDER[1]}
    if case.kind in ("defender-for-cloud", "azure-activity"):
        values["subscription_id"] = SUBSCRIPTION
    return tenant.connectors.create(ADMIN, tenant.workspace, case.kind, "One", values)


def planted(tenant: Tenant, case: Case) -> Counter[str]:
    rows = tenant.sink.tables.get(case.table, [])
    return Counter(str(row.get(case.column)) for row in rows if str(row.get(case.column)).startswith("m"))


@EVERY
def test_all_pages_once(tenant: Tenant, case: Case) -> None:
    case.plant(tenant, 0, case.count)
    one = add(tenant, case)
    tenant.runner.poll_due()
    assert tenant.endpoint(one, case.endpoint).trouble is None, tenant.endpoint(one, case.endpoint).message
    assert len(planted(tenant, case)) == case.count
    tenant.sink.seen = set()
    tenant.clock.advance(timedelta(minutes=15))
    case.plant(tenant, case.count, case.count + 5)
    tenant.runner.poll_due()
    assert set(planted(tenant, case).values()) == {1}
    assert len(planted(tenant, case)) == case.count + 5
    assert "_CL" not in "".join(tenant.sink.tables)


@EVERY
def test_429_cools_down_and_goes_on(tenant: Tenant, case: Case) -> None:
    case.plant(tenant, 0, case.count)
    tenant.server.tenant.faults.add(Fault(429, path=case.path, query=case.more, times=2, retry_after=5))
    one = add(tenant, case)
    tenant.runner.poll_due()
    assert tenant.endpoint(one, case.endpoint).trouble == Trouble.THROTTLED
    waits = []
    while tenant.endpoint(one, case.endpoint).trouble is not None:
        due = tenant.endpoint(one, case.endpoint).due_at
        waits.append(round((due - tenant.clock.now()).total_seconds() / 60))
        tenant.clock.advance_to(due)
        tenant.runner.poll_due()
    assert waits == [10, 20]
    assert len(planted(tenant, case)) == case.count
    assert set(planted(tenant, case).values()) == {1}


@EVERY
def test_403_names_what_is_missing(tenant: Tenant, case: Case) -> None:
    tenant.server.tenant.faults.add(Fault(403, path=case.path, times=None))
    one = add(tenant, case)
    tenant.runner.poll_due()
    at = tenant.endpoint(one, case.endpoint)
    assert at.trouble == Trouble.FORBIDDEN
    endpoint = tenant.registry.get(case.kind).manifest.endpoint(case.endpoint)
    assert endpoint.permission in at.message
    others = [other for other in tenant.view(one).endpoints if other.endpoint != case.endpoint]
    assert {other.trouble for other in others} <= {None}
    report = tenant.connectors.test(ADMIN, tenant.workspace, one.id)
    assert [step.name for step in report.steps if step.ok is False] == [endpoint.title]


@EVERY
def test_an_end_in_the_middle_loses_and_doubles_nothing(tenant: Tenant, case: Case) -> None:
    case.plant(tenant, 0, case.count)
    add(tenant, case)
    endings = 0
    for number in range(12):
        tenant.sink.fails_after = tenant.sink.accepted + 100 + 30 * number
        try:
            tenant.runner.poll_due()
        except KeyboardInterrupt:
            endings += 1
            secrets = tenant.runner._secrets
            tenant.runner = ConnectorRunner(
                tenant.state, secrets, tenant.registry, tenant.clock, lambda _: tenant.sink, random.Random(2)
            )
    tenant.sink.fails_after = None
    tenant.runner.poll_due()
    assert endings
    assert len(planted(tenant, case)) == case.count
    assert set(planted(tenant, case).values()) == {1}


@EVERY
def test_a_link_that_has_expired_begins_the_pass_again(tenant: Tenant, case: Case) -> None:
    case.plant(tenant, 0, case.count)
    tenant.server.tenant.faults.add(Fault(410, path=case.path, query=case.more, times=1))
    one = add(tenant, case)
    tenant.runner.poll_due()
    tenant.clock.advance(timedelta(hours=1))
    tenant.runner.poll_due()
    assert tenant.endpoint(one, case.endpoint).trouble is None
    assert len(planted(tenant, case)) == case.count
    assert set(planted(tenant, case).values()) == {1}


def test_a_missing_licence_is_told_as_one(tenant: Tenant) -> None:
    tenant.server.tenant.faults.add(
        Fault(
            403, path="*v1.0/auditlogs/signins", times=None, code="Authentication_RequestFromNonPremiumTenantOrB2CTenant",
            message="Neither tenant is B2C or tenant doesn't have premium license",
        )
    )  # fmt: skip
    one = add(tenant, CASES[1])
    tenant.runner.poll_due()
    assert "licence for Microsoft Entra ID P1 or P2" in tenant.endpoint(one, "sign_ins").message


def test_five_requests_in_ten_seconds(tenant: Tenant) -> None:
    tenant.clock._blocking = False
    CASES[1].plant(tenant, 0, 3400)
    one = add(tenant, CASES[1])
    tenant.runner.poll_due()
    asked = [request.at for request in tenant.server.tenant.requests if "/auditlogs/signins" in request.path.lower()]
    assert len(asked) >= 7
    for earlier, later in zip(asked, asked[5:]):
        assert later - earlier >= timedelta(seconds=9.99)
    assert tenant.view(one).status is Status.HEALTHY


def test_defender_for_cloud_tells_what_is_new_or_changed(tenant: Tenant) -> None:
    case = Case("defender-for-cloud", "alerts", "*", "SecurityAlert", "SystemAlertId", lambda *_: None)
    identity = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Security/assessments/one".lower()
    assessment = {
        "id": identity, "name": "one", "type": "Microsoft.Security/assessments",
        "properties": {
            "displayName": "MFA", "resourceDetails": {"source": "Azure", "id": f"/subscriptions/{SUBSCRIPTION}"},
            "status": {"code": "Unhealthy", "statusChangeDate": "2026-03-04T10:00:00Z"},
        },
    }  # fmt: skip
    tenant.server.tenant.documents.of("arm", SUBSCRIPTION).put(identity, assessment)
    one = add(tenant, case)
    tenant.runner.poll_due()
    view = tenant.view(one)
    assert {at.endpoint: at.trouble for at in view.endpoints} == {"alerts": None, "assessments": None}
    alerts, posture = len(tenant.sink.tables["SecurityAlert"]), len(tenant.sink.tables["SecurityRecommendation"])
    assert alerts
    assert posture
    tenant.sink.seen = set()
    tenant.clock.advance(timedelta(hours=1))
    tenant.runner.poll_due()
    assert len(tenant.sink.tables["SecurityAlert"]) == alerts
    assert len(tenant.sink.tables["SecurityRecommendation"]) == posture
    assessment["properties"]["status"] = {"code": "Healthy", "statusChangeDate": "2026-03-04T11:00:00Z"}  # type: ignore[index]
    tenant.server.tenant.documents.of("arm", SUBSCRIPTION).put(identity, assessment)
    tenant.clock.advance(timedelta(hours=1))
    tenant.runner.poll_due()
    assert [row["RecommendationState"] for row in tenant.sink.tables["SecurityRecommendation"]] == [
        "Unhealthy",
        "Healthy",
    ]


def test_the_activity_log_comes_once(tenant: Tenant) -> None:
    case = Case("azure-activity", "events", "*", "AzureActivity", "EventDataId", lambda *_: None)
    one = add(tenant, case)
    tenant.runner.poll_due()
    at = tenant.endpoint(one, "events")
    assert at.trouble is None, at.message
    first = [row["EventDataId"] for row in tenant.sink.tables.get("AzureActivity", [])]
    tenant.sink.seen = set()
    tenant.clock.advance(timedelta(minutes=5))
    tenant.runner.poll_due()
    again = [row["EventDataId"] for row in tenant.sink.tables.get("AzureActivity", [])]
    assert first == again[: len(first)]
    assert len(set(again)) == len(again)
