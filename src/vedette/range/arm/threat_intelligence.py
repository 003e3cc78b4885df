"""Microsoft.SecurityInsights/threatIntelligence: indicators of the workspace."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from vedette.range.arm import etags, insights
from vedette.range.arm.errors import ArmError, bad_request
from vedette.range.arm.incidents import workspace_of
from vedette.range.arm.operations import ArmRequest, ArmResponse, operation
from vedette.range.arm.paging import asked
from vedette.range.arm.versions import SECURITY_INSIGHTS
from vedette.range.documents import Collection, Document
from vedette.range.odata import moment_of, value_at
from vedette.range.state import timestamp

ROOT: Final = "Microsoft.SecurityInsights/threatIntelligence"
FAMILY: Final = "threatIntelligence"
_LISTS: Final = ("patternTypes", "threatTypes", "sources", "ids")


@operation("GET", f"{ROOT}/indicators", collection=True, action="read", versions=SECURITY_INSIGHTS)
def list_indicators(request: ArmRequest) -> ArmResponse:
    """A page of indicators."""
    return asked(request, list(_collection(request)))


@operation("GET", f"{ROOT}/indicators", collection=False, action="read", versions=SECURITY_INSIGHTS)
def get_indicator(request: ArmRequest) -> ArmResponse:
    """One indicator."""
    return ArmResponse(200, _one(request, request.names[1]))


@operation("POST", f"{ROOT}/createIndicator", collection=True, action="action", versions=SECURITY_INSIGHTS)
def create_indicator(request: ArmRequest) -> ArmResponse:
    """A new indicator; its name is the workspace's choice."""
    return _write(request, request.tenant.ids(), None)


@operation("PUT", f"{ROOT}/indicators", collection=False, action="write", versions=SECURITY_INSIGHTS)
def put_indicator(request: ArmRequest) -> ArmResponse:
    """Create or replace."""
    return _write(request, request.names[1], _collection(request).get(request.names[1]))


@operation("DELETE", f"{ROOT}/indicators", collection=False, action="delete", versions=SECURITY_INSIGHTS)
def delete_indicator(request: ArmRequest) -> ArmResponse:
    """Delete (200); nothing to delete is 204."""
    return ArmResponse(200 if _collection(request).delete(request.names[1]) else 204)


@operation("POST", f"{ROOT}/queryIndicators", collection=True, action="action", versions=SECURITY_INSIGHTS)
def query_indicators(request: ArmRequest) -> ArmResponse:
    """Indicators that fit a body of conditions, sorted as it says."""
    body: dict[str, Any] = request.body if isinstance(request.body, dict) else {}
    found = [each for each in _collection(request) if _fits(request, each, body)]
    for order in reversed(body.get("sortBy") or []):
        key, descending = str(order.get("itemKey", "")), order.get("sortOrder") == "descending"
        found.sort(key=lambda each, key=key: str(value_at(each["properties"], key) or ""), reverse=descending)  # type: ignore[misc]
    size = body.get("pageSize")
    return ArmResponse(200, {"value": found[: size if type(size) is int and size > 0 else 100]})


@operation("POST", f"{ROOT}/indicators/appendTags", collection=True, action="action", versions=SECURITY_INSIGHTS)
def append_tags(request: ArmRequest) -> ArmResponse:
    """Add tags to an indicator."""
    known = _one(request, request.names[1])
    tags = (request.body or {}).get("threatIntelligenceTags")
    if not isinstance(tags, list):
        raise bad_request("'threatIntelligenceTags' is a list.")
    before = known["properties"].get("threatIntelligenceTags") or []
    properties = {**known["properties"], "threatIntelligenceTags": list(dict.fromkeys([*before, *tags]))}
    _collection(request).put(known["name"], {**known, "etag": request.tenant.next_etag(), "properties": properties})
    return ArmResponse(200)


@operation("POST", f"{ROOT}/indicators/replaceTags", collection=True, action="action", versions=SECURITY_INSIGHTS)
def replace_tags(request: ArmRequest) -> ArmResponse:
    """Put other tags in the place of an indicator's."""
    known = _one(request, request.names[1])
    tags = request.properties().get("threatIntelligenceTags")
    if not isinstance(tags, list):
        raise bad_request("'threatIntelligenceTags' is a list.")
    etags.check(request, known["name"], known if (request.body or {}).get("etag") else None)
    changed = {
        **known, "etag": request.tenant.next_etag(),
        "properties": {**known["properties"], "threatIntelligenceTags": list(dict.fromkeys(tags))},
    }  # fmt: skip
    _collection(request).put(known["name"], changed)
    return ArmResponse(200, changed)


@operation("GET", f"{ROOT}/metrics", collection=True, action="read", versions=SECURITY_INSIGHTS)
def get_metrics(request: ArmRequest) -> ArmResponse:
    """How many indicators there are of each kind."""
    properties = [each["properties"] for each in _collection(request)]

    def count(name: str, many: bool = False) -> list[dict[str, Any]]:
        values = Counter(
            value for each in properties for value in ((each.get(name) or []) if many else [each.get(name)]) if value
        )
        return [{"metricName": value, "metricValue": number} for value, number in values.items()]

    metrics = {
        "lastUpdatedTimeUtc": timestamp(request.tenant.clock.now()),
        "threatTypeMetrics": count("threatTypes", many=True),
        "patternTypeMetrics": count("patternType"),
        "sourceMetrics": count("source"),
    }
    return ArmResponse(200, {"value": [{"properties": metrics}]})


def _write(request: ArmRequest, name: str, existing: Document | None) -> ArmResponse:
    collection, given = _collection(request), dict(request.properties())
    if request.body.get("kind") != "indicator":
        raise bad_request("The kind of an indicator is 'indicator'.")
    insights.required(given, "indicator", "source", "displayName", "pattern", "patternType")
    etags.check(request, name, existing)
    now = timestamp(request.tenant.clock.now())
    properties = {
        "revoked": False,
        **given,
        "created": (existing or {}).get("properties", {}).get("created", now),
        "lastUpdatedTimeUtc": now,
    }
    properties.setdefault("externalId", f"indicator--{request.tenant.ids()}")
    indicator: Document = {
        "id": f"{request.base}/threatIntelligence/{name}",
        "name": name,
        "type": "Microsoft.SecurityInsights/ThreatIntelligence",
        "etag": request.tenant.next_etag(),
        "kind": "indicator",
        "properties": properties,
    }
    collection.put(name, indicator)
    return ArmResponse(200 if existing else 201, indicator)


def _collection(request: ArmRequest) -> Collection:
    workspace_of(request)
    if request.names[0].lower() != "main":
        raise ArmError(404, "NotFound", f"There is no threat intelligence '{request.names[0]}'; there is 'main'.")
    return request.insights(FAMILY)


def _one(request: ArmRequest, name: str) -> Document:
    found = _collection(request).get(name)
    if found is None:
        raise ArmError(404, "NotFound", f"Indicator '{name}' does not exist")
    return found


def _fits(request: ArmRequest, indicator: Document, body: dict[str, Any]) -> bool:
    properties = indicator["properties"]
    confidence, until = properties.get("confidence"), moment_of(properties.get("validUntil"))
    least, most = body.get("minConfidence"), body.get("maxConfidence")
    first, last = moment_of(body.get("minValidUntil")), moment_of(body.get("maxValidUntil"))
    words = [str(word).lower() for word in body.get("keywords") or []]
    text = f"{properties.get('displayName')} {properties.get('description')} {properties.get('pattern')}".lower()
    told = {
        "patternTypes": [properties.get("patternType")],
        "threatTypes": properties.get("threatTypes") or [],
        "sources": [properties.get("source")],
        "ids": [indicator["name"], indicator["id"], properties.get("externalId")],
    }
    return (
        (least is None or (confidence is not None and confidence >= least))
        and (most is None or (confidence is not None and confidence <= most))
        and (first is None or (until is not None and until >= first))
        and (last is None or (until is not None and until <= last))
        and (body.get("includeDisabled") is True or not properties.get("revoked"))
        and all(not body.get(name) or set(body[name]) & set(told[name]) for name in _LISTS)
        and (not words or any(word in text for word in words))
    )
