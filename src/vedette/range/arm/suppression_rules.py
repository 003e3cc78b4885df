"""Microsoft.Security/alertsSuppressionRules: which new alerts are dismissed by themselves."""

from __future__ import annotations

from typing import Any, Final

from vedette.range.arm import resources
from vedette.range.arm.errors import bad_request
from vedette.range.arm.operations import ArmRequest, ArmResponse, operation
from vedette.range.arm.paging import page
from vedette.range.arm.versions import SUPPRESSION_RULES
from vedette.range.documents import Document
from vedette.range.odata import moment_of
from vedette.range.state import timestamp

TYPE: Final = "Microsoft.Security/alertsSuppressionRules"
_STATES: Final = ("Enabled", "Disabled", "Expired")


@operation("GET", TYPE, collection=True, action="read", versions=SUPPRESSION_RULES)
def list_rules(request: ArmRequest) -> ArmResponse:
    """A page of rules; `AlertType` picks those of a type."""
    wanted = request.query.get("alerttype", "").lower()
    rules = [_show(request, rule) for rule in _rules(request)]
    return page(request, [rule for rule in rules if not wanted or rule["properties"]["alertType"].lower() == wanted])


@operation("GET", TYPE, collection=False, action="read", versions=SUPPRESSION_RULES)
def get_rule(request: ArmRequest) -> ArmResponse:
    """One rule."""
    return ArmResponse(200, _show(request, resources.one(request)))


@operation("PUT", TYPE, collection=False, action="write", versions=SUPPRESSION_RULES)
def put_rule(request: ArmRequest) -> ArmResponse:
    """Create or replace."""
    properties = dict(request.properties())
    for name in ("alertType", "reason", "state"):
        if not properties.get(name):
            raise bad_request(f"The property '{name}' of a suppression rule is required.")
    if properties["state"] not in _STATES:
        raise bad_request(f"'{properties['state']}' is no state of a suppression rule.")
    if properties.get("expirationDateUtc") is not None and moment_of(properties["expirationDateUtc"]) is None:
        raise bad_request("'expirationDateUtc' is no time.")
    scope = properties.get("suppressionAlertsScope")
    if scope is not None:
        elements = scope.get("allOf") if isinstance(scope, dict) else None
        if (
            not isinstance(elements, list)
            or not elements
            or not all(isinstance(each, dict) and each.get("field") for each in elements)
        ):
            raise bad_request("'suppressionAlertsScope.allOf' is a list of conditions, each with a 'field'.")
    properties["lastModifiedUtc"] = timestamp(request.tenant.clock.now())
    identity = resources.identity(request)
    rule: Document = {"id": identity, "name": request.names[0], "type": TYPE, "properties": properties}
    request.store.put(identity, rule)
    return ArmResponse(200, _show(request, rule))


@operation("DELETE", TYPE, collection=False, action="delete", versions=SUPPRESSION_RULES)
def delete_rule(request: ArmRequest) -> ArmResponse:
    """Delete: 204, whether there was one or not."""
    request.store.delete(resources.identity(request))
    return ArmResponse(204)


def suppressed(request: ArmRequest, alert: dict[str, Any]) -> bool:
    """Whether a rule that is in force is about an alert with these properties."""
    return any(
        rule["properties"]["state"] == "Enabled"
        and rule["properties"]["alertType"] in ("*", alert["alertType"])
        and all(
            _holds(condition, alert)
            for condition in (rule["properties"].get("suppressionAlertsScope") or {}).get("allOf", [])
        )
        for rule in (_show(request, rule) for rule in _rules(request))
    )


def _rules(request: ArmRequest) -> list[Document]:
    return [each for _, each in request.store.items() if str(each.get("type", "")).lower() == TYPE.lower()]


def _show(request: ArmRequest, rule: Document) -> Document:
    end = moment_of(rule["properties"].get("expirationDateUtc"))
    if end is None or end > request.tenant.clock.now() or rule["properties"]["state"] != "Enabled":
        return rule
    return {**rule, "properties": {**rule["properties"], "state": "Expired"}}


def _holds(condition: dict[str, Any], alert: dict[str, Any]) -> bool:
    """Whether some entity has what a condition such as `entities.ip.address in [...]` asks for."""
    parts = str(condition["field"]).lower().split(".")
    if len(parts) != 3 or parts[0] != "entities":
        return False
    values = [
        str(value).lower()
        for entity in alert.get("entities") or []
        if str(entity.get("type", "")).lower() == parts[1]
        for name, value in entity.items()
        if name.lower() == parts[2]
    ]
    wanted = [str(value).lower() for value in condition.get("in") or []]
    part = condition.get("contains")
    return any(value in wanted or (part is not None and str(part).lower() in value) for value in values)
