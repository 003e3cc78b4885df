"""Microsoft.SecurityInsights/incidents: list, read, write, delete.

Rules held: title, severity and status are required; a PUT replaces (what is left out is cleared); an update carries the
current etag in its body, else 409; `If-Match` that does not fit is 412; closing needs a classification; a description
has at most 5,000 characters (service limits).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from vedette.range import paging
from vedette.range.arm.errors import ArmError, bad_request, conflict
from vedette.range.arm.operations import ArmRequest, ArmResponse, operation
from vedette.range.arm.versions import HAS_TECHNIQUES, PROVIDER_IS_WRITABLE, SECURITY_INSIGHTS
from vedette.range.odata import ODataError, read_filter, read_order, sort_key, value_at
from vedette.range.state import Directory, Incident, SentinelWorkspace, timestamp

TYPE: Final = "Microsoft.SecurityInsights/incidents"
DEFAULT_PAGE: Final = 50
MAX_PAGE: Final = 1000
MAX_DESCRIPTION: Final = 5000
_PORTAL: Final = "https://portal.azure.com/#asset/Microsoft_Azure_Security_Insights/Incident"

_CHOICES: Final = {
    "severity": ("High", "Medium", "Low", "Informational"),
    "status": ("New", "Active", "Closed"),
    "classification": ("Undetermined", "TruePositive", "BenignPositive", "FalsePositive"),
    "classificationReason": (
        "SuspiciousActivity",
        "SuspiciousButExpected",
        "IncorrectAlertLogic",
        "InaccurateData",
    ),
}
_REASONS: Final = {
    "TruePositive": ("SuspiciousActivity",),
    "BenignPositive": ("SuspiciousButExpected",),
    "FalsePositive": ("IncorrectAlertLogic", "InaccurateData"),
    "Undetermined": (),
}
_TIMES: Final = ("firstActivityTimeUtc", "lastActivityTimeUtc")
_TEXTS: Final = ("title", "description", "classificationComment")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.(\d{1,7}))?(?:Z|[+-]\d\d:\d\d)", re.IGNORECASE)


@operation("GET", TYPE, collection=True, action="read", versions=SECURITY_INSIGHTS)
def list_incidents(request: ArmRequest) -> ArmResponse:
    """One page, newest first unless `$orderby` says otherwise; `nextLink` while there is more."""
    workspace = workspace_of(request)
    rows = [render(request, incident) for incident in workspace.incidents.values()]
    try:
        if text := request.query.get("$filter"):
            fits = read_filter(text)
            rows = [row for row in rows if fits(row)]
        order = read_order(request.query.get("$orderby") or "properties/createdTimeUtc desc")
    except ODataError as error:
        raise bad_request(str(error)) from None
    rows.sort(key=lambda row: row["properties"]["incidentNumber"], reverse=True)
    for path, descending in reversed(order):
        rows.sort(key=lambda row, path=path: sort_key(value_at(row, path)), reverse=descending)  # type: ignore[misc]
    size, start = _page_size(request.query.get("$top")), 0
    if token := request.query.get("$skiptoken"):
        start = _after(rows, _read_token(token), order)
    page = rows[start : start + size]
    body: dict[str, Any] = {"value": page}
    if start + size < len(rows):
        body["nextLink"] = _next_link(request, page[-1], order)
    return ArmResponse(200, body)


@operation("GET", TYPE, collection=False, action="read", versions=SECURITY_INSIGHTS)
def get_incident(request: ArmRequest) -> ArmResponse:
    """The incident, or 404."""
    return ArmResponse(200, render(request, incident_of(request, request.names[0])))


@operation("PUT", TYPE, collection=False, action="write", versions=SECURITY_INSIGHTS)
def put_incident(request: ArmRequest) -> ArmResponse:
    """Create (201) or replace (200)."""
    workspace, name = workspace_of(request), request.names[0]
    etag, properties = _read_body(request.body, request.directory)
    existing = workspace.incidents.get(name.lower())
    _check_precondition(request.if_match, existing)
    if existing is None and etag is not None:
        raise conflict(name)
    if existing is not None and etag != existing.etag and not (etag is None and request.if_match):
        raise conflict(name)
    now = request.tenant.clock.now()
    if existing is None:
        incident = Incident(name, workspace.next_incident_number, "", now, now, properties)
        workspace.next_incident_number += 1
        workspace.incidents[name.lower()] = incident
    else:
        incident = existing
    incident.etag, incident.modified, incident.properties = request.tenant.next_etag(), now, properties
    incident.recorded.get("properties", {}).pop("lastModifiedTimeUtc", None)
    if request.api_version in PROVIDER_IS_WRITABLE:
        given = request.body["properties"]
        incident.provider_name = given.get("providerName") or incident.provider_name
        incident.provider_incident_id = given.get("providerIncidentId") or incident.provider_incident_id
    return ArmResponse(201 if existing is None else 200, render(request, incident))


@operation("DELETE", TYPE, collection=False, action="delete", versions=SECURITY_INSIGHTS)
def delete_incident(request: ArmRequest) -> ArmResponse:
    """Delete (200); nothing to delete is 204."""
    gone = workspace_of(request).incidents.pop(request.names[0].lower(), None)
    if gone is not None:
        relations = request.insights(f"relations/{gone.name}")
        for name, _ in relations.items():
            relations.delete(name)
    return ArmResponse(200 if gone else 204)


def workspace_of(request: ArmRequest) -> SentinelWorkspace:
    """The workspace of a request, on which Microsoft Sentinel must be enabled."""
    assert request.workspace is not None
    if not request.workspace.onboarded:
        raise bad_request(
            f"Workspace {request.workspace.name} is not onboarded to Microsoft Sentinel.", code="WorkspaceNotOnboarded"
        )
    return request.workspace


def incident_of(request: ArmRequest, name: str) -> Incident:
    """The incident of that name, or 404."""
    incident = workspace_of(request).incidents.get(name.lower())
    if incident is None:
        raise ArmError(404, "NotFound", f"Incident '{name}' does not exist")
    return incident


def render(request: ArmRequest, incident: Incident) -> dict[str, Any]:
    """The incident as its api-version shows it."""
    identity = f"{request.base}/Incidents/{incident.name}"
    kinds = [each["properties"]["relatedResourceKind"] for each in request.insights(f"relations/{incident.name}")]
    additional: dict[str, Any] = {
        "alertsCount": incident.alerts_count + kinds.count("SecurityAlert"),
        "bookmarksCount": kinds.count("Bookmark"),
        "commentsCount": len(incident.comments),
        "alertProductNames": incident.alert_product_names,
        "tactics": incident.tactics,
    }
    if request.api_version in HAS_TECHNIQUES:
        additional["techniques"] = incident.techniques
    recorded = incident.recorded.get("properties", {})
    if told := recorded.get("additionalData"):
        count = int(told.get("commentsCount", 0)) + len(incident.comments)
        additional = {**additional, **told, "commentsCount": count}
    properties = {
        "lastModifiedTimeUtc": timestamp(incident.modified),
        "createdTimeUtc": timestamp(incident.created),
        "incidentNumber": incident.number,
        "additionalData": additional,
        "relatedAnalyticRuleIds": incident.related_analytic_rule_ids,
        "incidentUrl": f"{_PORTAL}{identity}",
        "providerName": incident.provider_name,
        "providerIncidentId": incident.provider_incident_id or str(incident.number),
        **incident.properties,
        **{name: value for name, value in recorded.items() if name != "additionalData"},
    }
    return {
        **{name: value for name, value in incident.recorded.items() if name != "properties"},
        "id": identity,
        "name": incident.name,
        "etag": incident.etag,
        "type": "Microsoft.SecurityInsights/Incidents",
        "properties": properties,
    }


def _check_precondition(if_match: str | None, existing: Incident | None) -> None:
    if if_match is None:
        return
    if existing is None or if_match not in ("*", existing.etag):
        raise ArmError(
            412, "PreconditionFailed", "The condition specified using HTTP conditional header(s) is not met."
        )


def _read_body(body: Any, directory: Directory) -> tuple[str | None, dict[str, Any]]:
    given = body.get("properties") if isinstance(body, dict) else None
    if not isinstance(given, dict):
        raise bad_request("Invalid incident payload: 'properties' is required.")
    for name in ("title", "severity", "status"):
        if not given.get(name):
            raise bad_request(f"Invalid incident payload: '{name}' is required.")
    properties: dict[str, Any] = {}
    for name in _TEXTS:
        if (text := given.get(name)) is not None:
            if not isinstance(text, str):
                raise bad_request(f"Invalid incident payload: '{name}' must be a string.")
            properties[name] = text
    # .NET counts UTF-16 units.
    if len(properties.get("description", "").encode("utf-16-le")) // 2 > MAX_DESCRIPTION:
        raise bad_request(f"Invalid incident payload: 'description' is longer than {MAX_DESCRIPTION} characters.")
    for name, choices in _CHOICES.items():
        if (value := given.get(name)) is not None:
            fitting = [choice for choice in choices if choice.lower() == str(value).lower()]
            if not fitting:
                raise bad_request(f"Invalid incident payload: '{value}' is not a value of '{name}'.")
            properties[name] = fitting[0]
    for name in _TIMES:
        if (moment := given.get(name)) is not None:
            properties[name] = _read_time(name, moment)
    properties["owner"] = _read_owner(given.get("owner"), directory)
    properties["labels"] = _read_labels(given.get("labels"))
    _check_closing(properties)
    etag = body.get("etag")
    if etag is not None and not isinstance(etag, str):
        raise bad_request("Invalid incident payload: 'etag' must be a string.")
    return etag or None, properties


def _check_closing(properties: dict[str, Any]) -> None:
    if properties["status"] != "Closed":
        # An incident that is open again has no verdict.
        for name in ("classification", "classificationReason", "classificationComment"):
            properties.pop(name, None)
        return
    verdict, reason = properties.get("classification"), properties.get("classificationReason")
    if verdict is None:
        raise bad_request("Invalid incident payload: 'classification' is required when 'status' is 'Closed'.")
    if reason is not None and reason not in _REASONS[verdict]:
        raise bad_request(f"Invalid incident payload: '{reason}' is not a reason of '{verdict}'.")


def _read_time(name: str, value: Any) -> str:
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise bad_request(f"Invalid incident payload: '{name}' is not a UTC time in ISO 8601.")
    digits = match[1] or ""
    try:
        moment = datetime.fromisoformat(value.upper().replace(f".{digits}", "") if digits else value.upper())
    except ValueError:
        raise bad_request(f"Invalid incident payload: '{name}' is not a UTC time in ISO 8601.") from None
    fraction = f".{digits.rstrip('0')}" if digits.rstrip("0") else ""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}{fraction}Z"


def _read_owner(given: Any, directory: Directory) -> dict[str, Any]:
    if given is not None and not isinstance(given, dict):
        raise bad_request("Invalid incident payload: 'owner' must be an object.")
    owner: dict[str, Any] = {
        name: (given or {}).get(name) for name in ("objectId", "email", "assignedTo", "userPrincipalName")
    }
    user = directory.user(str(owner["objectId"])) if owner["objectId"] else None
    if user is not None:
        owner |= {
            "objectId": user.object_id,
            "email": user.email,
            "assignedTo": user.display_name,
            "userPrincipalName": user.user_principal_name,
            "ownerType": "User",
        }
    return owner


def _read_labels(given: Any) -> list[dict[str, str]]:
    if given is None:
        return []
    if not isinstance(given, list):
        raise bad_request("Invalid incident payload: 'labels' must be an array.")
    labels: list[dict[str, str]] = []
    for item in given:
        name = item.get("labelName") if isinstance(item, dict) else None
        if not isinstance(name, str) or not name:
            raise bad_request("Invalid incident payload: a label needs a 'labelName'.")
        labels.append({"labelName": name, "labelType": "User"})
    return labels


def _page_size(text: str | None) -> int:
    if text is None:
        return DEFAULT_PAGE
    if not text.isdigit() or not int(text):
        raise bad_request(f"The value '{text}' of $top is not a positive number.")
    return min(int(text), MAX_PAGE)


def _position(row: dict[str, Any], order: list[tuple[str, bool]]) -> list[Any]:
    return [*(list(sort_key(value_at(row, path))) for path, _ in order), row["properties"]["incidentNumber"]]


def _after(rows: list[dict[str, Any]], position: list[Any], order: list[tuple[str, bool]]) -> int:
    directions = [*(descending for _, descending in order), True]
    return paging.index_after((_position(row, order) for row in rows), position, directions)


def _read_token(token: str) -> list[Any]:
    position = paging.position_of(token)
    if position is None:
        raise bad_request("The $skipToken is not valid.")
    return position


def _next_link(request: ArmRequest, last: dict[str, Any], order: list[tuple[str, bool]]) -> str:
    token = paging.token_of(_position(last, order))
    query = f"api-version={request.api_version}"
    for name, shown in (("$filter", "$filter"), ("$orderby", "$orderby"), ("$top", "$top")):
        if value := request.query.get(name):
            query += f"&{shown}={quote(value, safe='/')}"
    return f"{request.origin}{request.base}/incidents?{query}&$skipToken={quote(token)}"
