"""Microsoft.SecurityInsights/automationRules. They are kept and checked; the fake tenant does not run them."""

from __future__ import annotations

from typing import Any, Final

from vedette.range.arm import insights
from vedette.range.arm.errors import bad_request
from vedette.range.arm.operations import ArmRequest, ArmResponse, operation
from vedette.range.arm.versions import SECURITY_INSIGHTS
from vedette.range.state import timestamp

TYPE: Final = "Microsoft.SecurityInsights/automationRules"
FAMILY: Final = "automationRules"
_CONDITIONS: Final = ("Property", "PropertyArray", "PropertyChanged", "PropertyArrayChanged", "Boolean")
_ACTIONS: Final = ("ModifyProperties", "RunPlaybook", "AddIncidentTask")


@operation("GET", TYPE, collection=True, action="read", versions=SECURITY_INSIGHTS)
def list_rules(request: ArmRequest) -> ArmResponse:
    """A page of rules."""
    return insights.listing(request, FAMILY)


@operation("GET", TYPE, collection=False, action="read", versions=SECURITY_INSIGHTS)
def get_rule(request: ArmRequest) -> ArmResponse:
    """One rule."""
    return ArmResponse(200, insights.one(request, FAMILY, "Automation rule"))


@operation("PUT", TYPE, collection=False, action="write", versions=SECURITY_INSIGHTS)
def put_rule(request: ArmRequest) -> ArmResponse:
    """Create or replace."""
    properties = dict(request.properties())
    insights.required(properties, "automation rule", "displayName", "order", "triggeringLogic", "actions")
    if len(str(properties["displayName"])) > 500:
        raise bad_request("Invalid automation rule payload: 'displayName' is longer than 500 characters.")
    if type(properties["order"]) is not int or not 1 <= properties["order"] <= 1000:
        raise bad_request("Invalid automation rule payload: 'order' is a number from 1 to 1000.")
    properties["triggeringLogic"] = _trigger(properties["triggeringLogic"])
    _check_actions(properties["actions"])
    now, existing = timestamp(request.tenant.clock.now()), request.insights(FAMILY).get(request.names[0])
    before = existing["properties"] if existing else {}
    person = {**request.person, "userPrincipalName": None}
    properties |= {
        "createdTimeUtc": before.get("createdTimeUtc", now),
        "createdBy": before.get("createdBy", person),
        "lastModifiedTimeUtc": now,
        "lastModifiedBy": person,
    }
    return insights.write(
        request, request.insights(FAMILY), f"automationRules/{request.names[0]}", properties, type_name=TYPE
    )


@operation("DELETE", TYPE, collection=False, action="delete", versions=SECURITY_INSIGHTS)
def delete_rule(request: ArmRequest) -> ArmResponse:
    """Delete."""
    return insights.remove(request, request.insights(FAMILY))


def _trigger(given: Any) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise bad_request("Invalid automation rule payload: 'triggeringLogic' is an object.")
    logic = dict(given)
    insights.required(logic, "automation rule", "isEnabled", "triggersOn", "triggersWhen")
    insights.member(logic, "automation rule", "triggersOn", ("Incidents", "Alerts"))
    insights.member(logic, "automation rule", "triggersWhen", ("Created", "Updated"))
    conditions = logic.get("conditions") or []
    if not isinstance(conditions, list) or len(conditions) > 50:
        raise bad_request("Invalid automation rule payload: there are at most 50 'conditions'.")
    for condition in conditions:
        if not isinstance(condition, dict) or condition.get("conditionType") not in _CONDITIONS:
            raise bad_request(f"Invalid automation rule payload: {condition!r} is no condition.")
    return logic


def _check_actions(actions: Any) -> None:
    if not isinstance(actions, list) or len(actions) > 20:
        raise bad_request("Invalid automation rule payload: there are at most 20 'actions'.")
    for action in actions:
        if (
            not isinstance(action, dict)
            or action.get("actionType") not in _ACTIONS
            or type(action.get("order")) is not int
        ):
            raise bad_request(f"Invalid automation rule payload: {action!r} is no action.")
        configuration = action.get("actionConfiguration") or {}
        if action["actionType"] == "RunPlaybook" and not configuration.get("logicAppResourceId"):
            raise bad_request("Invalid automation rule payload: RunPlaybook needs a 'logicAppResourceId'.")
