"""One line for each thing that a connector polls: what to plant, where it is asked for, and where it comes out.

`test_connector_contract.py` holds every connector of the registry to the contract with these; a connector without a case fails there.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.collect import exports
from tests.collect.connecting import VALUES, Tenant
from tests.deliver.conftest import ADMIN
from tests.plugins.fake_tenant import SUBSCRIPTION, TENANT
from tests.range.conftest import RESPONDER
from tests.range.test_client_logs import WORKSPACE_ID
from vedette.collect.connectors.service import ConnectorView
from vedette.range.blobs import put_blob
from vedette.range.servicenow import records

Make = Callable[[str, datetime], dict[str, Any]]
Plant = Callable[[Tenant, int, int], None]


@dataclass(frozen=True)
class Case:
    """An endpoint. `plant` puts objects from one number to another, each with `name(number)` and the field `extra(number)` in it."""

    kind: str
    endpoint: str
    path: str
    """The requests of the endpoint."""
    table: str
    plant: Plant
    count: int = 230
    """Objects of which a list has several pages."""
    more: Mapping[str, Any] = field(default_factory=lambda: {"query": "*skiptoken*"})
    """What tells a request in the middle of a pass from the first one, in a `Fault`."""
    service: str = "graph"
    values: Mapping[str, str] = field(default_factory=dict)
    query: str = "*"
    """What of their query tells them from those of other endpoints."""
    links: bool = True
    """Whether the place in a pass is a link that may expire."""
    app: bool = True
    """Whether it signs in as an app registration."""

    def __str__(self) -> str:
        return f"{self.kind}/{self.endpoint}"

    def add(self, tenant: Tenant, name: str = "One") -> ConnectorView:
        """An instance that signs in with every permission. In values, `{url}` and `{ca}` are the fake tenant's."""
        own = {
            field: value.format(url=tenant.server.url, ca=tenant.server.ca_path) for field, value in self.values.items()
        }
        app = {**VALUES, "client_id": RESPONDER[0], "client_secret": RESPONDER[1]} if self.app else {}
        values = {**app, **own}
        return tenant.connectors.create(ADMIN, tenant.workspace, self.kind, name, values)


def name(number: int) -> str:
    """How the object of that number is called."""
    return f"m{number:05d}"


def extra(number: int | str) -> str:
    """The value of a field that nobody knows."""
    return f"kept-{number if isinstance(number, str) else name(number)}"


NAMED = re.compile(r"(?<!kept-)\bm\d{5}\b")
EXTRA = re.compile(r"\bkept-m\d{5}\b")


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.1234567Z")


def _graph(collection: str, make: Make) -> Plant:
    return _documents(("graph", TENANT, collection), lambda one: one, make)


def _arm(identity: Callable[[str], str], make: Make) -> Plant:
    return _documents(("arm", SUBSCRIPTION), identity, make)


def _documents(where: tuple[str, ...], identity: Callable[[str], str], make: Make) -> Plant:
    def plant(tenant: Tenant, first: int, last: int) -> None:
        documents = tenant.server.tenant.documents.of(*where)
        for number in range(first, last):
            # each a second older than the one before
            at = tenant.server.tenant.clock.now() - timedelta(seconds=number - first)
            documents.put(identity(name(number)), {**make(name(number), at), "vedetteUnknown": extra(number)})

    return plant


def alert(identity: str, at: datetime) -> dict[str, Any]:
    return {
        "id": identity, "title": "Alert", "createdDateTime": _text(at), "lastUpdateDateTime": _text(at), "severity": "low",
        "status": "new", "evidence": [], "serviceSource": "microsoftDefenderForEndpoint",
    }  # fmt: skip


def _legacy_alert(identity: str, at: datetime) -> dict[str, Any]:
    return {
        "id": identity, "title": "Alert", "createdDateTime": _text(at), "lastModifiedDateTime": _text(at), "severity": "low",
        "status": "newAlert", "vendorInformation": {"provider": "ASC", "vendor": "Microsoft"}, "eventDateTime": _text(at),
    }  # fmt: skip


def _incident(identity: str, at: datetime) -> dict[str, Any]:
    return {
        "id": identity, "displayName": "Incident", "createdDateTime": _text(at), "lastUpdateDateTime": _text(at), "severity": "low",
        "status": "active", "tenantId": TENANT,
    }  # fmt: skip


def sign_in(identity: str, at: datetime, **more: Any) -> dict[str, Any]:
    return {
        "id": identity, "createdDateTime": _text(at), "userPrincipalName": "a@contoso.example", "appId": "app",
        "appDisplayName": "App", "ipAddress": "192.0.2.1", "conditionalAccessStatus": "success",
        "isInteractive": True, "status": {"errorCode": 0}, "signInEventTypes": ["interactiveUser"], **more,
    }  # fmt: skip


def _application_sign_in(identity: str, at: datetime) -> dict[str, Any]:
    made = sign_in(identity, at, signInEventTypes=["servicePrincipal"], servicePrincipalId="p", isInteractive=False)
    return {key: value for key, value in made.items() if key != "userPrincipalName"}


def _audit(identity: str, at: datetime) -> dict[str, Any]:
    return {
        "id": identity, "activityDateTime": _text(at), "activityDisplayName": "Update user", "category": "UserManagement",
        "result": "success", "initiatedBy": {}, "targetResources": [],
    }  # fmt: skip


def _risky(identity: str, at: datetime) -> dict[str, Any]:
    return {
        "id": identity, "riskLastUpdatedDateTime": _text(at), "riskState": "atRisk", "riskLevel": "high",
        "userPrincipalName": "a@contoso.example", "userDisplayName": "A", "isDeleted": False,
    }  # fmt: skip


def _cloud_alert_id(identity: str) -> str:
    return f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Security/locations/westeurope/alerts/{identity}"


def _cloud_alert(identity: str, at: datetime) -> dict[str, Any]:
    return {
        "id": _cloud_alert_id(identity), "name": identity, "type": "Microsoft.Security/Locations/alerts",
        "properties": {
            "alertDisplayName": "Alert", "systemAlertId": identity, "alertType": "VM_Test", "severity": "Low", "status": "Active",
            "timeGeneratedUtc": _text(at), "startTimeUtc": _text(at), "endTimeUtc": _text(at), "productName": "Microsoft Defender for Cloud",
            "vedetteUnknown": extra(identity), "extendedProperties": {}, "entities": [], "resourceIdentifiers": [],
        },
    }  # fmt: skip


def _assessment_id(identity: str) -> str:
    return f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Security/assessments/{identity}"


def _assessment(identity: str, at: datetime) -> dict[str, Any]:
    return {
        "id": _assessment_id(identity), "name": identity, "type": "Microsoft.Security/assessments",
        "properties": {
            "displayName": "MFA", "resourceDetails": {"source": "Azure", "id": f"/subscriptions/{SUBSCRIPTION}"},
            "status": {"code": "Unhealthy", "statusChangeDate": _text(at)}, "additionalData": {"vedetteUnknown": extra(identity)},
        },
    }  # fmt: skip


def _compliance(tenant: Tenant, first: int, last: int) -> None:
    """Assessments of some controls of two standards, and a control that has none."""
    documents = tenant.server.tenant.documents.of("arm", SUBSCRIPTION)
    root = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Security/regulatoryComplianceStandards"
    names = ("regulatoryComplianceControls", "regulatoryComplianceAssessments")

    def put(path: str, kind: str, **properties: Any) -> str:
        documents.put(
            path,
            {
                "id": path,
                "name": path.rpartition("/")[2],
                "type": f"Microsoft.Security/{kind}",
                "properties": properties,
            },
        )
        return path

    kinds = ("regulatoryComplianceStandards", *names)
    for number in range(first, last):
        standard = put(f"{root}/{('CIS-1.4', 'PCI-DSS-4')[number % 2]}", kinds[0], state="Failed")
        put(f"{standard}/{names[0]}/0", "/".join(kinds[:2]), state="Unsupported")
        # a control with more than one page of assessments among those with few
        control = put(
            f"{standard}/{names[0]}/{0 if number < 200 else number % 40}.1", "/".join(kinds[:2]), state="Failed"
        )
        put(
            f"{control}/{names[1]}/{name(number)}", "/".join(kinds), state="Failed", description="MFA", failedResources=1,
            vedetteUnknown=extra(number),
        )  # fmt: skip


def _activity(identity: str, at: datetime) -> dict[str, Any]:
    value = {"value": "Microsoft.Compute/virtualMachines/write", "localizedValue": "Write"}
    return {
        "id": f"/subscriptions/{SUBSCRIPTION}/events/{identity}", "eventDataId": identity, "eventTimestamp": _text(at), "level": "Informational",
        "operationName": value, "category": {"value": "Administrative"}, "status": {"value": "Succeeded"}, "caller": "a@contoso.example",
        "resourceId": f"/subscriptions/{SUBSCRIPTION}", "subscriptionId": SUBSCRIPTION,
    }  # fmt: skip


def _content(kind: str) -> Plant:
    def plant(tenant: Tenant, first: int, last: int) -> None:
        held = tenant.server.tenant.documents.of("office365", TENANT, kind)
        for number in range(first, last):
            at = tenant.server.tenant.clock.now() - timedelta(seconds=1 + number - first)
            record = {
                "Id": name(number), "CreationTime": at.strftime("%Y-%m-%dT%H:%M:%S"), "Operation": "FileAccessed", "RecordType": 6,
                "UserId": "a@contoso.example", "Workload": "SharePoint", "VedetteUnknown": extra(number),
            }  # fmt: skip
            identity = f"{kind}$c{number}"
            held.put(identity, {"contentId": identity, "contentCreated": _text(at), "records": [record]})

    return plant


def _rows(tenant: Tenant, first: int, last: int) -> None:
    engine = tenant.server.tenant.log_engine
    assert engine is not None
    rows = [
        {"TimeGenerated": _text(tenant.clock.now()), "Computer": name(number), "VedetteUnknown": extra(number)}
        for number in range(first, last)
    ]
    engine.append(WORKSPACE_ID, "Pulled_CL", rows)


def _blobs(tenant: Tenant, first: int, last: int) -> None:
    """A record in the blob of each hour before, and then one more in the newest."""
    now = tenant.server.tenant.clock.now()
    held = tenant.server.tenant.documents.of("blobs", "contosologs", "insights-logs-auditevent")
    for number in range(first, last):
        of = f"resourceId={exports.VAULT}{number % 40:02d}"
        blob = exports.hour_name(now - timedelta(hours=(number % 80) // 40), of)
        known = next((one for one in held if one["name"] == blob), None)
        record = exports.audit_event(now, number, correlationId=name(number), vedetteUnknown=extra(number))
        before, created = (known["text"], known["created"]) if known else ("", None)
        put_blob(held, blob, before + exports.lines(record), now, created=created)


def ticket(tenant: Tenant, table: str, identity: str, at: datetime, **fields: str) -> None:
    """A record of ServiceNow as it was changed last."""
    server = tenant.server.tenant
    moment = at.strftime("%Y-%m-%d %H:%M:%S")
    given = {"sys_id": identity, "sys_updated_on": moment, "sys_created_on": moment, **fields}
    server.documents.of("servicenow", "table", table).put(identity, records.defaults(server, table, given, "vedette"))


def _tickets(tenant: Tenant, first: int, last: int) -> None:
    """Records of which seven were changed in each second; their ids are in no order of time."""
    for number in range(first, last):
        at = tenant.server.tenant.clock.now() - timedelta(seconds=(number - first) // 7)
        identity = hashlib.md5(name(number).encode(), usedforsecurity=False).hexdigest()
        ticket(tenant, "incident", identity, at, number=name(number), u_unknown=extra(number))


def _azure_security(endpoint: str, path: str, table: str, collection: str, make: Make, count: int) -> Case:
    return Case("azure-security", endpoint, path, table, _graph(collection, make), count)


def _entra(endpoint: str, path: str, table: str, collection: str, make: Make) -> Case:
    return Case("entra-id", endpoint, path, table, _graph(collection, make), 130)


_ON_SUBSCRIPTION = {"subscription_id": SUBSCRIPTION}
CASES = (
    _azure_security("alerts", "*security/alerts", "SecurityAlert", "security/alerts", _legacy_alert, 230),
    _azure_security("alerts_v2", "*security/alerts_v2", "SecurityAlert", "security/alerts_v2", alert, 230),
    _azure_security("incidents", "*security/incidents", "SecurityIncident", "security/incidents", _incident, 120),
    _entra("sign_ins", "*v1.0/auditlogs/signins", "SigninLogs", "auditLogs/signIns", sign_in),
    _entra("service_principal_sign_ins", "*beta/auditlogs/signins", "AADServicePrincipalSignInLogs", "auditLogs/signIns",
           _application_sign_in),
    _entra("directory_audits", "*auditlogs/directoryaudits", "AuditLogs", "auditLogs/directoryAudits", _audit),
    _entra("risky_users", "*identityprotection/riskyusers", "AADRiskyUsers", "identityProtection/riskyUsers", _risky),
    Case("defender-for-cloud", "alerts", "*microsoft.security/alerts", "SecurityAlert", _arm(_cloud_alert_id, _cloud_alert),
         service="arm", values=_ON_SUBSCRIPTION),
    Case("defender-for-cloud", "assessments", "*microsoft.security/assessments", "SecurityRecommendation",
         _arm(_assessment_id, _assessment), service="arm", values=_ON_SUBSCRIPTION),
    Case("defender-for-cloud", "compliance", "*microsoft.security/regulatorycompliancestandards*", "SecurityRegulatoryCompliance",
         _compliance, 250, more={"skip": 3}, service="arm", values=_ON_SUBSCRIPTION),
    Case("azure-activity", "events", "*eventtypes/management/values", "AzureActivity",
         _documents(("activity", SUBSCRIPTION), lambda one: one, _activity), 420, service="arm", values=_ON_SUBSCRIPTION),
    Case("office-365", "sharepoint", "*/feed/subscriptions/*", "OfficeActivity", _content("Audit.SharePoint"), 25,
         more={"path": "*/feed/audit/*", "query": "*", "skip": 3}, query="*sharepoint*", service="office365", links=False),
    Case("log-analytics", "tables", "/v1/workspaces/*", "Pulled_CL", _rows, 40, more={"skip": 4}, service="logs", links=False,
         values={"workspace_id": WORKSPACE_ID, "tables": "Pulled_CL", "first_look_back": "1"}),
    Case("storage-account", "blobs", "/contosologs/*", "AzureDiagnostics", _blobs, 110, more={"skip": 30}, service="blobs",
         links=False, values={"account": "contosologs"}),
    Case("servicenow", "records", "/api/now/table/incident", "ServiceNowIncident_CL", _tickets, 230, more={"skip": 3},
         service="servicenow", links=False, app=False,
         values={"instance_url": "{url}", "ca_file": "{ca}", "username": "vedette", "password": "range-password-1"}),
)  # fmt: skip
