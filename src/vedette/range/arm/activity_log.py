"""Microsoft.Insights/eventtypes/management/values: the activity log. What is changed here writes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from vedette.range.arm.errors import bad_request
from vedette.range.arm.operations import ArmRequest, ArmResponse, operation
from vedette.range.arm.paging import page
from vedette.range.arm.path import ArmPath
from vedette.range.arm.versions import ACTIVITY
from vedette.range.documents import Document
from vedette.range.odata import ODataError, paths_of, read_filter
from vedette.range.state import FakeTenant, Subscription, timestamp
from vedette.range.tokens import Caller

TYPE: Final = "Microsoft.Insights/eventtypes/values"
_FILTERABLE: Final = frozenset(
    {
        "eventtimestamp",
        "resourcegroupname",
        "resourceuri",
        "resourceid",
        "resourceprovider",
        "correlationid",
        "caller",
        "status",
        "levels",
        "eventchannels",
    }
)


@operation("GET", TYPE, collection=True, action="Read", versions=ACTIVITY)
def list_events(request: ArmRequest) -> ArmResponse:
    """A page of events, newest first. The filter has to say from when on."""
    text = request.query.get("$filter", "")
    try:
        asked = [path.lower() for path in paths_of(text)] if text else []
        if "eventtimestamp" not in asked:
            raise bad_request("The $filter has to have a start: eventTimestamp ge '…'.", code="BadRequest")
        for name in asked:
            if name not in _FILTERABLE:
                raise bad_request(f"'{name}' cannot be used in the $filter of the activity log.")
        fits = read_filter(text)
    except ODataError as error:
        raise bad_request(str(error)) from None
    found = [event for event in _events(request.tenant, request.subscription) if fits(_flat(event))]
    found.sort(key=lambda event: str(event["eventTimestamp"]), reverse=True)
    if chosen := request.query.get("$select"):
        names = {name.strip().lower() for name in chosen.split(",")} | {"id"}
        found = [{name: value for name, value in event.items() if name.lower() in names} for event in found]
    return page(request, found, size=200)


def record(
    tenant: FakeTenant,
    subscription: Subscription,
    caller: Caller,
    action: str,
    path: ArmPath,
    status: int,
    headers: Mapping[str, str],
) -> None:
    """Write the event of a change that was let in."""
    now, name = timestamp(tenant.clock.now()), tenant.ids()
    resource = path.scope()
    namespace = action.split("/")[0]
    event: Document = {
        "id": f"{resource}/events/{name}/ticks/{int(tenant.clock.now().timestamp())}",
        "eventDataId": name,
        "correlationId": headers.get("x-ms-correlation-request-id"),
        "operationId": name,
        "channels": "Operation",
        "level": "Informational",
        "caller": caller.object_id,
        "claims": {
            "appid": caller.client_id,
            "http://schemas.microsoft.com/identity/claims/objectidentifier": caller.object_id,
        },
        "authorization": {"action": action, "scope": resource},
        "eventName": {"value": "EndRequest", "localizedValue": "End request"},
        "category": {"value": "Administrative", "localizedValue": "Administrative"},
        "resourceGroupName": path.resource_group or "",
        "resourceProviderName": {"value": namespace, "localizedValue": namespace},
        "resourceId": resource,
        "resourceType": {"value": action.rsplit("/", 1)[0], "localizedValue": action.rsplit("/", 1)[0]},
        "operationName": {"value": action, "localizedValue": action},
        "status": {"value": "Succeeded", "localizedValue": "Succeeded"},
        "subStatus": {"value": str(status), "localizedValue": str(status)},
        "eventTimestamp": now,
        "submissionTimestamp": now,
        "subscriptionId": subscription.id,
        "tenantId": caller.tenant_id,
    }
    tenant.documents.of("activity", subscription.id).put(name, event)


def _events(tenant: FakeTenant, subscription: Subscription) -> list[Document]:
    return list(tenant.documents.of("activity", subscription.id))


def _flat(event: Document) -> Document:
    provider = event.get("resourceProviderName")
    status = event.get("status")
    return {
        **event,
        "resourceUri": event.get("resourceId"),
        "resourceProvider": provider.get("value") if isinstance(provider, dict) else provider,
        "status": status.get("value") if isinstance(status, dict) else status,
        "eventChannels": event.get("channels"),
        "levels": event.get("level"),
    }
