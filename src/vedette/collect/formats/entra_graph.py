"""What Microsoft Graph says of Entra ID (sign-ins, directory audits, risk, provisioning), as its REST API, its PowerShell modules and
the collectors built on them write it, as rows of the tables that diagnostic settings fill.

Source: Graph's resource types signIn, directoryAudit, riskDetection, riskyUser and provisioningObjectSummary.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from vedette.collect.formats import azure_diagnostics
from vedette.collect.formats.columns import Record, Unreadable, text
from vedette.collect.formats.shapes import lowered, moment, nested, number, parsed, truth
from vedette.collect.formats.timestamps import Moments

SIGN_IN_CATEGORIES: Final = {
    "interactiveuser": "SignInLogs",
    "noninteractiveuser": "NonInteractiveUserSignInLogs",
    "serviceprincipal": "ServicePrincipalSignInLogs",
    "managedidentity": "ManagedIdentitySignInLogs",
}
"""By `signInEventTypes`."""

_Part = tuple[frozenset[str], Callable[[dict[str, Any], Moments], "dict[str, Any] | str"]]


def is_graph(record: Mapping[str, Any]) -> bool:
    """Whether a record is one of Graph's about Entra ID; rows of log tables, which have a TimeGenerated, are not."""
    return _kind(record) is not None


def _kind(record: Mapping[str, Any]) -> _Part | None:
    names = {name[:1].lower() + name[1:] for name in record}
    if "timeGenerated" in names or "alertWebUrl" in names or "incidentWebUrl" in names:
        return None
    folded = {name.casefold() for name in names}
    return next((part for part in _PARTS if part[0] <= folded), None)


def read(record: Mapping[str, Any], moments: Moments) -> Record | Unreadable:
    """The row of a record, or the record with the reason why it is none."""
    part = _kind(record)
    if part is None:
        return Unreadable(text(record), "the record has not the form of one of Microsoft Graph's about Entra ID")
    made = part[1](_fixed(lowered(parsed(nested(record)))), moments)
    if isinstance(made, str):
        return Unreadable(text(record), made)
    return azure_diagnostics.read({"tenantId": None, **made}, moments)


def _fixed(record: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in record.items()
        if value not in (None, "") and name not in ("additionalProperties", "@odata.type")
    }


def _sign_in(record: dict[str, Any], moments: Moments) -> dict[str, Any] | str:
    created = moment(record.get("createdDateTime"), moments)
    if created is None:
        return "the sign-in has no createdDateTime that can be read"
    record["createdDateTime"] = created
    status = record.get("status") if isinstance(record.get("status"), dict) else {}
    assert isinstance(status, dict)
    code = number(status.get("errorCode", record.get("errorCode")))
    if "errorCode" in status:
        record["status"] = status | {"errorCode": code}
    if isinstance(device := record.get("deviceDetail"), dict):
        record["deviceDetail"] = device | {
            name: truth(device[name]) for name in ("isCompliant", "isManaged") if name in device
        }
    place = record.get("location") if isinstance(record.get("location"), dict) else {}
    assert isinstance(place, dict)
    resource = record.pop("resourceId", None)
    if resource is not None:
        record.setdefault("resourceIdentity", resource)
    for name in ("isInteractive", "flaggedForReview"):
        if isinstance(value := record.get(name), str):
            record[name] = value.lower() == "true"
    return {
        "category": _category(record),
        "time": created,
        "operationName": "Sign-in activity",
        "resultType": None if code is None else str(code),
        "resultDescription": status.get("failureReason") if code not in (None, 0) else None,
        "durationMs": record.get("processingTimeInMilliseconds"),
        "correlationId": record.get("correlationId"),
        "identity": record.get("userDisplayName") or record.get("servicePrincipalName"),
        "location": place.get("countryOrRegion"),
        "properties": record,
    }


def _category(record: Mapping[str, Any]) -> str:
    kinds = record.get("signInEventTypes")
    for kind in kinds if isinstance(kinds, list) else str(kinds or "").replace(";", ",").split(","):
        found = SIGN_IN_CATEGORIES.get(str(kind).strip().casefold())
        if found is not None:
            return found
    if not record.get("userPrincipalName") and record.get("servicePrincipalId") and not record.get("userId"):
        return "ServicePrincipalSignInLogs"
    interactive = record.get("isInteractive")
    return "NonInteractiveUserSignInLogs" if interactive is False or interactive == "False" else "SignInLogs"


def _audit(record: dict[str, Any], moments: Moments) -> dict[str, Any] | str:
    at = moment(record.get("activityDateTime"), moments)
    if at is None:
        return "the audit record has no activityDateTime that can be read"
    record["activityDateTime"] = at
    by = record.get("initiatedBy") if isinstance(record.get("initiatedBy"), dict) else {}
    assert isinstance(by, dict)
    named = next((one for one in (by.get("user"), by.get("app")) if isinstance(one, dict) and one), {})
    result = record.get("result")
    return {
        "category": "AuditLogs",
        "time": at,
        "operationName": record.get("activityDisplayName"),
        "resultType": None,
        "resultSignature": "None",
        "resultDescription": record.get("resultReason"),
        "correlationId": record.get("correlationId"),
        "identity": named.get("displayName") or named.get("userPrincipalName"),
        "properties": record | ({"result": str(result)} if result is not None else {}),
    }


def _risk(category: str, field: str, operation: str) -> Callable[[dict[str, Any], Moments], dict[str, Any] | str]:
    def made(record: dict[str, Any], moments: Moments) -> dict[str, Any] | str:
        at = moment(record.get(field), moments)
        if at is None:
            return f"the record has no {field} that can be read"
        for name in list(record):
            if name.endswith("DateTime") and (read := moment(record[name], moments)) is not None:
                record[name] = read
        if "location" not in record:  # CSV has its parts beside the others
            place = {name: record.pop(name) for name in ("city", "state", "countryOrRegion") if name in record}
            if place:
                record["location"] = place
        return {
            "category": category, "time": at, "operationName": operation, "correlationId": record.get("correlationId"),
            "properties": record,
        }  # fmt: skip

    return made


def _provisioning(record: dict[str, Any], moments: Moments) -> dict[str, Any] | str:
    at = moment(record.get("activityDateTime"), moments)
    if at is None:
        return "the record has no activityDateTime that can be read"
    status = record.get("provisioningStatusInfo")
    return {
        "category": "ProvisioningLogs", "time": at, "operationName": "Provisioning activity",
        "resultType": status.get("status") if isinstance(status, dict) else None,
        "durationMs": record.get("durationInMilliseconds"), "correlationId": record.get("changeId"), "properties": record,
    }  # fmt: skip


def _names(*names: str) -> frozenset[str]:
    return frozenset(name.casefold() for name in names)


_PARTS: Final[tuple[_Part, ...]] = (
    (_names("activityDateTime", "activityDisplayName"), _audit),
    (_names("riskEventType", "detectedDateTime", "userId"), _risk("UserRiskEvents", "detectedDateTime", "User Risk Detection")),
    (_names("riskEventType", "detectedDateTime", "servicePrincipalId"),
     _risk("ServicePrincipalRiskEvents", "detectedDateTime", "Service Principal Risk Detection")),
    (_names("riskLastUpdatedDateTime", "riskState", "userPrincipalName"), _risk("RiskyUsers", "riskLastUpdatedDateTime", "Risky user")),
    (_names("riskLastUpdatedDateTime", "riskState", "appId"),
     _risk("RiskyServicePrincipals", "riskLastUpdatedDateTime", "Risky service principal")),
    (_names("activityDateTime", "jobId", "changeId"), _provisioning),
    (_names("createdDateTime", "appId", "correlationId", "conditionalAccessStatus"), _sign_in),
    (_names("createdDateTime", "signInEventTypes"), _sign_in),
    (_names("createdDateTime", "appDisplayName", "userPrincipalName", "ipAddress"), _sign_in),
    (_names("createdDateTime", "isInteractive", "appId"), _sign_in),
    (_names("createdDateTime", "appDisplayName", "userPrincipalName", "clientAppUsed"), _sign_in),
)  # fmt: skip
"""What names a record has, and how it is read; the first that fits."""
