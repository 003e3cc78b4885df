"""Microsoft.Security/locations/alerts: Defender for Cloud's alerts and their states."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from vedette.range.arm import suppression_rules
from vedette.range.arm.errors import ArmError, bad_request
from vedette.range.arm.long_running import start
from vedette.range.arm.operations import ArmRequest, ArmResponse, operation
from vedette.range.arm.paging import page
from vedette.range.arm.versions import CLOUD_ALERTS, SECURITY_LOCATIONS
from vedette.range.documents import Document
from vedette.range.state import timestamp

TYPE: Final = "Microsoft.Security/locations/alerts"
_STATES: Final = {"dismiss": "Dismissed", "resolve": "Resolved", "activate": "Active", "inProgress": "InProgress"}
_BUNDLES: Final = (
    "AppServices",
    "DNS",
    "KeyVaults",
    "KubernetesService",
    "ResourceManager",
    "SqlServers",
    "StorageAccounts",
    "VirtualMachines",
    "CosmosDbs",
)


@operation("GET", "Microsoft.Security/alerts", collection=True, action="read", versions=CLOUD_ALERTS)
def list_alerts(request: ArmRequest) -> ArmResponse:
    """A page of alerts of the resource group or the subscription, newest first."""
    return page(request, _alerts(request))


@operation("GET", TYPE, collection=True, action="read", versions=CLOUD_ALERTS, right="Microsoft.Security/alerts/read")
def list_alerts_of_location(request: ArmRequest) -> ArmResponse:
    """A page of alerts whose data is kept in a location."""
    mark = f"/locations/{request.names[0].lower()}/alerts/"
    return page(request, [alert for alert in _alerts(request) if mark in alert["id"].lower()])


@operation("GET", TYPE, collection=False, action="read", versions=CLOUD_ALERTS, right="Microsoft.Security/alerts/read")
def get_alert(request: ArmRequest) -> ArmResponse:
    """One alert."""
    return ArmResponse(200, _alert(request))


def _change(status: str) -> Callable[[ArmRequest], ArmResponse]:
    def act(request: ArmRequest) -> ArmResponse:
        alert = _alert(request)
        request.store.put(alert["id"], {**alert, "properties": {**alert["properties"], "status": status}})
        return ArmResponse(204)

    return act


for _verb, _status in _STATES.items():
    operation(
        "POST",
        f"{TYPE}/{_verb}",
        collection=True,
        action="action",
        versions=CLOUD_ALERTS,
        right=f"{TYPE}/{_verb}/action",
    )(_change(_status))


@operation(
    "POST",
    f"{TYPE}/simulate",
    collection=True,
    action="action",
    versions=CLOUD_ALERTS,
    right=f"{TYPE}/simulate/action",
)
def simulate(request: ArmRequest) -> ArmResponse:
    """Make a sample alert for each bundle; suppression rules apply to them."""
    given = request.properties()
    bundles = given.get("bundles")
    if given.get("kind") != "Bundles" or not isinstance(bundles, list) or not set(bundles) <= set(_BUNDLES):
        raise bad_request(f"'bundles' is a list of {', '.join(_BUNDLES)}.")
    for bundle in bundles:
        _sample(request, str(bundle))
    return start(request, 202, None, location=request.names[0])


@operation("GET", "Microsoft.Security/locations", collection=True, action="read", versions=SECURITY_LOCATIONS)
def list_locations(request: ArmRequest) -> ArmResponse:
    """Where the subscription's security data is kept."""
    return page(request, [_location(request)])


@operation("GET", "Microsoft.Security/locations", collection=False, action="read", versions=SECURITY_LOCATIONS)
def get_location(request: ArmRequest) -> ArmResponse:
    """One such place."""
    found = _location(request)
    if found["name"] != request.names[0].lower():
        raise ArmError(404, "LocationNotFound", f"Security data is not kept in '{request.names[0]}'.")
    return ArmResponse(200, found)


def _location(request: ArmRequest) -> Document:
    names = [
        name.split("/locations/")[1].split("/")[0]
        for name, _ in request.store.items()
        if "/locations/" in name and "/alerts/" in name
    ]
    name = names[0] if names else "westeurope"
    return {
        "id": f"/subscriptions/{request.subscription.id}/providers/Microsoft.Security/locations/{name}",
        "name": name,
        "type": "Microsoft.Security/locations",
        "properties": {"homeRegionName": name},
    }


def _alerts(request: ArmRequest) -> list[Document]:
    prefix = request.scope.lower() + "/"
    found = [
        alert
        for name, alert in request.store.items()
        if name.startswith(prefix) and str(alert.get("type", "")).lower() == TYPE.lower()
    ]
    return sorted(found, key=lambda alert: str(alert["properties"].get("timeGeneratedUtc", "")), reverse=True)


def _alert(request: ArmRequest) -> Document:
    """The alert of the path. One may be asked for at the subscription as well as at its resource group."""
    location, name = request.names[:2]
    end = f"/providers/microsoft.security/locations/{location}/alerts/{name}".lower()
    prefix = request.scope.lower() + "/"
    for known, alert in request.store.items():
        if known.startswith(prefix) and known.endswith(end):
            return alert
    raise ArmError(404, "AlertNotFound", f"The alert '{name}' was not found in '{location}'.")


def _sample(request: ArmRequest, bundle: str) -> None:
    now = timestamp(request.tenant.clock.now())
    guid = request.tenant.ids()
    name = f"{2_500_000_000_000_000_000 + int(request.tenant.clock.now().timestamp()) * 10_000_000}_{guid}"
    properties: dict[str, Any] = {
        "version": "2022-01-01.0",
        "alertType": f"SIMULATED_{bundle}_SampleAlert",
        "systemAlertId": name,
        "productComponentName": bundle,
        "alertDisplayName": f"[SAMPLE ALERT] {bundle}",
        "description": "This is a sample alert.",
        "severity": "Medium",
        "intent": "Execution",
        "startTimeUtc": now,
        "endTimeUtc": now,
        "resourceIdentifiers": [
            {"type": "AzureResource", "azureResourceId": f"/subscriptions/{request.subscription.id}"}
        ],
        "remediationSteps": ["No action is needed."],
        "vendorName": "Microsoft",
        "status": "Active",
        "timeGeneratedUtc": now,
        "processingEndTimeUtc": now,
        "productName": "Microsoft Defender for Cloud",
        "entities": [],
        "isIncident": False,
        "extendedProperties": {},
        "compromisedEntity": "Sample",
    }
    if suppression_rules.suppressed(request, properties):
        properties["status"] = "Dismissed"
    identity = f"{request.scope}/providers/Microsoft.Security/locations/{request.names[0]}/alerts/{name}"
    request.store.put(
        identity,
        {"id": identity, "name": name, "type": "Microsoft.Security/Locations/alerts", "properties": properties},
    )
