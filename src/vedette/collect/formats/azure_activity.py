"""Azure's activity log as its REST API, the Azure CLI, PowerShell (`Get-AzActivityLog`), Azure's SDK for Python and the portal's CSV
write it, as rows of AzureActivity.

Source: the REST reference of Azure Monitor (EventData), the table AzureActivity.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from vedette.collect.formats.columns import Record, Unreadable, columns, text
from vedette.collect.formats.shapes import camel, headed, lowered, moment, parsed
from vedette.collect.formats.timestamps import Moments

TABLE: Final = "AzureActivity"
_STATUS: Final = {"succeeded": "Success", "failed": "Failure", "started": "Start", "accepted": "Accept"}
"""Words of the API, and those that diagnostic settings and the table have."""
_PORTAL: Final = frozenset({"operation name", "event category", "time", "event initiated by"})

_SAID: Final = frozenset(
    "eventtimestamp operationname status substatus category resourceprovidername resourceprovider httprequest claims authorization "
    "properties resourceid caller correlationid eventdataid operationid level submissiontimestamp resourcegroupname resourcegroup "
    "subscriptionid".split()
)
"""What has columns of its own; everything else stays under its name."""


def is_event(record: Mapping[str, Any]) -> bool:
    """Whether a record is an event of the activity log."""
    names = {name.replace("_", "").casefold() for name in record}
    return "timegenerated" not in names and (
        {"eventtimestamp", "operationname", "eventdataid"} <= names
        or {"eventtimestamp", "correlationid", "operationname", "subscriptionid"} <= names
    )


def is_portal(names: set[str]) -> bool:
    """Whether these headings (`shapes.header`) are those of the portal's activity log."""
    return names >= _PORTAL


def read(record: Mapping[str, Any], moments: Moments) -> Record | Unreadable:
    """The row of an event, or the event with the reason why it is none."""
    whole = camel(lowered(parsed(record)))
    event = {name.casefold(): value for name, value in whole.items()}
    at = moment(event.get("eventtimestamp"), moments)
    if at is None:
        return Unreadable(text(record), "the event has no eventTimestamp that can be read")
    operation, shown = _two(event.get("operationname"))
    status, status_shown = _two(event.get("status"))
    sub, sub_shown = _two(event.get("substatus"))
    category, category_shown = _two(event.get("category"))
    provider, provider_shown = _two(event.get("resourceprovidername") or event.get("resourceprovider"))
    request, claims = _content(event.get("httprequest")), _content(event.get("claims"))
    request = camel(request) if isinstance(request, Mapping) else request
    authorization, properties = _content(event.get("authorization")), _content(event.get("properties"))
    resource = event.get("resourceid")
    if isinstance(authorization, dict) and "/" not in str(operation or "") and authorization.get("action"):
        operation, shown = authorization["action"], shown or operation  # PowerShell has the words alone
    row: dict[str, Any] = {
        "TimeGenerated": at, "SourceSystem": "Azure", "OperationNameValue": operation, "OperationName": shown or operation,
        "ActivityStatus": status_shown or status, "ActivityStatusValue": _STATUS.get(str(status or "").casefold(), status),
        "ActivitySubstatus": sub_shown or sub, "ActivitySubstatusValue": sub, "Category": category_shown or category,
        "CategoryValue": category, "Caller": event.get("caller"), "CorrelationId": event.get("correlationid"),
        "CallerIpAddress": request.get("clientIpAddress") if isinstance(request, dict) else None,
        "EventDataId": event.get("eventdataid"), "OperationId": event.get("operationid"), "Level": event.get("level"),
        "EventSubmissionTimestamp": moment(event.get("submissiontimestamp"), moments),
        "ResourceGroup": event.get("resourcegroupname") or event.get("resourcegroup"), "ResourceId": resource,
        "SubscriptionId": event.get("subscriptionid"), "ResourceProvider": provider_shown or provider,
        "ResourceProviderValue": None if provider is None else str(provider).upper(),
    }  # fmt: skip
    if isinstance(claims, dict):
        row["CallerIpAddress"] = row["CallerIpAddress"] or claims.get("ipaddr")
    if isinstance(resource, str) and resource:
        row["_ResourceId"] = resource.lower()
        row["Resource"] = resource.rpartition("/")[2]
    if request:
        row["HTTPRequest"] = text(request)
    for name, value in (("Authorization", authorization), ("Claims", claims), ("Properties", properties)):
        if value:
            row[name], row[f"{name}_d"] = text(value), value
    further: dict[str, Any] = {}
    columns(TABLE).put(further, {name: value for name, value in whole.items() if name.casefold() not in _SAID})
    return Record(TABLE, {**further, **{name: value for name, value in row.items() if value not in (None, "")}})


def _two(value: object) -> tuple[Any, Any]:
    """Value and shown text of what the API writes as an object of both."""
    if isinstance(value, Mapping):
        return value.get("value"), value.get("localizedValue") or value.get("localized_value") or value.get("value")
    return value, None


def _content(value: object) -> Any:
    """What PowerShell puts around an object taken off."""
    if isinstance(value, Mapping) and set(value) == {"content"}:
        return value["content"]
    return value if isinstance(value, Mapping) else None


def read_portal(record: Mapping[str, Any], moments: Moments) -> Record | Unreadable:
    """The row of a line of the portal's CSV."""
    fields = headed(record)
    at = moment(fields.get("time"), moments)
    if at is None:
        return Unreadable(text(record), "the event has no time that can be read")
    status = fields.get("status")
    resource = fields.get("resource")
    row = {
        "TimeGenerated": at, "SourceSystem": "Azure", "OperationName": fields.get("operation name"),
        "OperationNameValue": fields.get("operation name"), "ActivityStatus": status,
        "ActivityStatusValue": _STATUS.get(str(status or "").casefold(), status), "Category": fields.get("event category"),
        "CategoryValue": fields.get("event category"), "Level": fields.get("level"), "Caller": fields.get("event initiated by"),
        "CorrelationId": fields.get("correlation id"), "ResourceGroup": fields.get("resource group"), "ResourceId": resource,
        "ResourceProvider": fields.get("resource type"), "SubscriptionId": fields.get("subscription"),
    }  # fmt: skip
    if isinstance(resource, str):
        row |= {"_ResourceId": resource.lower(), "Resource": resource.rpartition("/")[2]}
    return Record(TABLE, {name: value for name, value in row.items() if value not in (None, "")})
