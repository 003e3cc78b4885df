"""Microsoft.SecurityInsights/alertRules and their actions. Rules are kept and checked; the fake tenant does not run them."""

from __future__ import annotations

import re
from typing import Any, Final

from vedette.range.arm import insights
from vedette.range.arm.errors import bad_request
from vedette.range.arm.operations import ArmRequest, ArmResponse, operation
from vedette.range.arm.paging import page
from vedette.range.arm.versions import SECURITY_INSIGHTS
from vedette.range.documents import Collection
from vedette.range.state import timestamp

TYPE: Final = "Microsoft.SecurityInsights/alertRules"
ACTIONS: Final = "Microsoft.SecurityInsights/alertRules/actions"
FAMILY: Final = "alertRules"
_NRT: Final = ("displayName", "enabled", "severity", "query", "suppressionDuration", "suppressionEnabled")
_REQUIRED: Final = {
    "Scheduled": (*_NRT, "queryFrequency", "queryPeriod", "triggerOperator", "triggerThreshold"),
    "NRT": _NRT,
    "Fusion": ("alertRuleTemplateName", "enabled"),
    "MLBehaviorAnalytics": ("alertRuleTemplateName", "enabled"),
    "ThreatIntelligence": ("alertRuleTemplateName", "enabled"),
    "MicrosoftSecurityIncidentCreation": ("displayName", "enabled", "productFilter"),
}
_DURATION: Final = re.compile(r"P(?=.)(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?")
_PRODUCTS: Final = (
    "Microsoft Cloud App Security",
    "Azure Security Center",
    "Azure Advanced Threat Protection",
    "Azure Active Directory Identity Protection",
    "Azure Security Center for IoT",
    "Office 365 Advanced Threat Protection",
    "Microsoft Defender Advanced Threat Protection",
)


@operation("GET", TYPE, collection=True, action="read", versions=SECURITY_INSIGHTS)
def list_rules(request: ArmRequest) -> ArmResponse:
    """A page of rules."""
    return insights.listing(request, FAMILY)


@operation("GET", TYPE, collection=False, action="read", versions=SECURITY_INSIGHTS)
def get_rule(request: ArmRequest) -> ArmResponse:
    """One rule."""
    return ArmResponse(200, insights.one(request, FAMILY, "Alert rule"))


@operation("PUT", TYPE, collection=False, action="write", versions=SECURITY_INSIGHTS)
def put_rule(request: ArmRequest) -> ArmResponse:
    """Create or replace. A rule cannot become one of another kind."""
    properties = dict(request.properties())
    kind = _kind(request.body.get("kind"))
    existing = request.insights(FAMILY).get(request.names[0])
    if existing is not None and existing["kind"] != kind:
        raise bad_request(f"Invalid alert rule payload: the kind of '{request.names[0]}' is '{existing['kind']}'.")
    insights.required(properties, "alert rule", *_REQUIRED[kind])
    insights.member(properties, "alert rule", "severity", ("High", "Medium", "Low", "Informational"))
    insights.member(properties, "alert rule", "triggerOperator", ("GreaterThan", "LessThan", "Equal", "NotEqual"))
    insights.member(properties, "alert rule", "productFilter", _PRODUCTS)
    for name in ("queryFrequency", "queryPeriod", "suppressionDuration"):
        if name in properties and not _DURATION.fullmatch(str(properties[name])):
            raise bad_request(
                f"Invalid alert rule payload: '{properties[name]}' of '{name}' is not a duration in ISO 8601."
            )
    _check_frequency(properties)
    if not isinstance(properties["enabled"], bool):
        raise bad_request("Invalid alert rule payload: 'enabled' is true or false.")
    properties["lastModifiedUtc"] = timestamp(request.tenant.clock.now())
    return insights.write(
        request,
        request.insights(FAMILY),
        f"alertRules/{request.names[0]}",
        properties,
        type_name=TYPE,
        kind=kind,
    )


@operation("DELETE", TYPE, collection=False, action="delete", versions=SECURITY_INSIGHTS)
def delete_rule(request: ArmRequest) -> ArmResponse:
    """Delete."""
    return insights.remove(request, request.insights(FAMILY))


@operation("GET", ACTIONS, collection=True, action="read", versions=SECURITY_INSIGHTS)
def list_actions(request: ArmRequest) -> ArmResponse:
    """The playbooks of a rule."""
    return page(request, list(_actions(request)))


@operation("GET", ACTIONS, collection=False, action="read", versions=SECURITY_INSIGHTS)
def get_action(request: ArmRequest) -> ArmResponse:
    """One playbook of a rule."""
    return ArmResponse(200, insights.one(request, f"actions/{request.names[0].lower()}", "Action"))


@operation("PUT", ACTIONS, collection=False, action="write", versions=SECURITY_INSIGHTS)
def put_action(request: ArmRequest) -> ArmResponse:
    """Attach a playbook to a rule."""
    properties = dict(request.properties())
    insights.required(properties, "action", "logicAppResourceId", "triggerUri")
    # The trigger's address is a secret; it is not told again.
    properties.pop("triggerUri")
    properties["workflowId"] = properties["logicAppResourceId"].rstrip("/").split("/")[-1]
    return insights.write(
        request,
        _actions(request),
        f"alertRules/{request.names[0]}/actions/{request.names[1]}",
        properties,
        type_name=ACTIONS,
    )


@operation("DELETE", ACTIONS, collection=False, action="delete", versions=SECURITY_INSIGHTS)
def delete_action(request: ArmRequest) -> ArmResponse:
    """Detach a playbook from a rule."""
    return insights.remove(request, _actions(request))


def _actions(request: ArmRequest) -> Collection:
    insights.one(request, FAMILY, "Alert rule", request.names[0])
    return request.insights(f"actions/{request.names[0].lower()}")


def _kind(given: Any) -> str:
    for kind in _REQUIRED:
        if kind.lower() == str(given).lower():
            return kind
    raise bad_request(f"Invalid alert rule payload: '{given}' is no kind; there are {', '.join(_REQUIRED)}.")


def _check_frequency(properties: dict[str, Any]) -> None:
    if "queryFrequency" not in properties or "queryPeriod" not in properties:
        return
    frequency, period = _seconds(properties["queryFrequency"]), _seconds(properties["queryPeriod"])
    for name, seconds in (("queryFrequency", frequency), ("queryPeriod", period)):
        if not 300 <= seconds <= 14 * 86_400:
            raise bad_request(f"Invalid alert rule payload: '{name}' is from 5 minutes to 14 days.")
    if frequency > period:
        raise bad_request("Invalid alert rule payload: 'queryFrequency' is longer than 'queryPeriod'.")
    if not 0 <= int(properties.get("triggerThreshold", 0)) <= 10_000:
        raise bad_request("Invalid alert rule payload: 'triggerThreshold' is from 0 to 10,000.")


def _seconds(text: str) -> float:
    found = re.fullmatch(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?", text)
    assert found is not None, "checked before"
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return days * 86_400 + hours * 3600 + minutes * 60 + seconds
