"""What single connectors do besides the contract: licences, a documented limit, lists without a filter, the activity log."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import delete

from tests.collect.connecting import Tenant
from tests.collect.connector_cases import CASES, Case, name
from tests.plugins.fake_tenant import SUBSCRIPTION
from vedette.collect.connectors.models import ConnectorEndpointRow
from vedette.collect.connectors.service import Status
from vedette.range.faults import Fault


def case(text: str) -> Case:
    """The case of that connector and endpoint."""
    return next(one for one in CASES if str(one) == text)


def test_a_missing_licence_is_told_as_one(tenant: Tenant) -> None:
    tenant.server.tenant.faults.add(
        Fault(
            403, path="*v1.0/auditlogs/signins", times=None, code="Authentication_RequestFromNonPremiumTenantOrB2CTenant",
            message="Neither tenant is B2C or tenant doesn't have premium license",
        )
    )  # fmt: skip
    one = case("entra-id/sign_ins").add(tenant)
    tenant.runner.poll_due()
    assert "licence for Microsoft Entra ID P1 or P2" in tenant.endpoint(one, "sign_ins").message


def test_five_requests_in_ten_seconds(tenant: Tenant) -> None:
    tenant.clock._blocking = False
    case("entra-id/sign_ins").plant(tenant, 0, 3400)
    one = case("entra-id/sign_ins").add(tenant)
    tenant.runner.poll_due()
    asked = [request.at for request in tenant.server.tenant.requests if "/auditlogs/signins" in request.path.lower()]
    assert len(asked) >= 7
    for earlier, later in zip(asked, asked[5:]):
        assert later - earlier >= timedelta(seconds=9.99)
    assert tenant.view(one).status is Status.HEALTHY


@pytest.mark.req("T-001", "T-003", "T-004", "T-005", "T-006")
def test_an_alert_of_defender_for_cloud_says_what_why_from_where_and_what_to_do(tenant: Tenant) -> None:
    case("defender-for-cloud/alerts").add(tenant)
    tenant.runner.poll_due()
    (row,) = (row for row in tenant.sink.tables["SecurityAlert"] if row["AlertType"] == "VM_SuspiciousActivity")
    assert row["DisplayName"] == "Encoded command on a virtual machine"
    assert row["Description"] == "A script host was started with an encoded command."
    assert row["CompromisedEntity"] == "vm1"
    assert row["ResourceId"].endswith("/virtualMachines/vm1")
    assert {one.get("address") for one in json.loads(row["Entities"]) if one["type"] == "ip"} == {"203.0.113.45"}
    assert json.loads(row["RemediationSteps"]) == ["Ask the owner of the machine", "Isolate the machine"]


def test_defender_for_cloud_tells_what_is_new_or_changed(tenant: Tenant) -> None:
    identity = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Security/assessments/one".lower()
    assessment = {
        "id": identity, "name": "one", "type": "Microsoft.Security/assessments",
        "properties": {
            "displayName": "MFA", "resourceDetails": {"source": "Azure", "id": f"/subscriptions/{SUBSCRIPTION}"},
            "status": {"code": "Unhealthy", "statusChangeDate": "2026-03-04T10:00:00Z"},
        },
    }  # fmt: skip
    tenant.server.tenant.documents.of("arm", SUBSCRIPTION).put(identity, assessment)
    one = case("defender-for-cloud/alerts").add(tenant)
    tenant.runner.poll_due()
    view = tenant.view(one)
    assert {at.endpoint: at.trouble for at in view.endpoints} == {
        "alerts": None,
        "assessments": None,
        "compliance": None,
    }
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


def _state(tenant: Tenant, number: int, state: str) -> None:
    documents = tenant.server.tenant.documents.of("arm", SUBSCRIPTION)
    [found] = [one for one in documents if one["name"] == name(number)]
    documents.put(found["id"], {**found, "properties": {**found["properties"], "state": state}})


@pytest.mark.req("P-068")
def test_compliance_is_told_again_when_it_changes_and_a_control_that_goes_ends_no_poll(tenant: Tenant) -> None:
    of = case("defender-for-cloud/compliance")
    of.plant(tenant, 0, 300)
    one = of.add(tenant)
    tenant.runner.poll_due()
    told = tenant.sink.tables["SecurityRegulatoryCompliance"]
    assert len(told) == 300
    row = next(row for row in told if row["RecommendationId"] == name(201))
    assert (row["ComplianceStandard"], row["ComplianceControl"], row["State"]) == ("PCI-DSS-4", "1.1", "Failed")
    assert (row["RegulatoryComplianceSubscriptionId"], row["FailedResources"]) == (SUBSCRIPTION, 1)
    _state(tenant, 7, "Passed")
    # The list of controls was asked before one of them was taken out of its standard.
    control = f"/subscriptions/{SUBSCRIPTION}/providers/microsoft.security/regulatorycompliancestandards/cis-1.4/"
    tenant.server.tenant.faults.add(
        Fault(404, path=f"{control}regulatorycompliancecontrols/4.1/regulatorycomplianceassessments", times=1)
    )
    tenant.sink.seen = set()
    tenant.clock.advance(timedelta(hours=12))
    tenant.runner.poll_due()
    at = tenant.endpoint(one, "compliance")
    assert (at.trouble, at.message) == (None, None)
    assert at.interval_seconds == 12 * 3600
    assert [(row["RecommendationId"], row["State"]) for row in told[300:]] == [(name(7), "Passed")]


def test_an_instance_of_an_earlier_version_polls_what_its_kind_polls_now(tenant: Tenant) -> None:
    one = case("defender-for-cloud/alerts").add(tenant)
    with tenant.state.session() as session:
        session.execute(delete(ConnectorEndpointRow).where(ConnectorEndpointRow.endpoint == "compliance"))
    assert [at.endpoint for at in tenant.view(one).endpoints] == ["alerts", "assessments"]
    tenant.runner.poll_due()
    polled = {at.endpoint: at.last_poll_at is not None for at in tenant.view(one).endpoints}
    assert polled == {"alerts": True, "assessments": True, "compliance": True}


def test_the_activity_log_comes_once(tenant: Tenant) -> None:
    one = case("azure-activity/events").add(tenant)
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
