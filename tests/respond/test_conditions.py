"""Conditions of automation rules: which incidents they hold for."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from tests.respond.conftest import House, condition, group, rule
from vedette.core.errors import InvalidInput
from vedette.detect.rule import EntityMapping, FieldMapping, Severity
from vedette.incidents.models import AlertRow, IncidentEntityRow, IncidentRow
from vedette.respond.automation.facts import Facts, Scope
from vedette.respond.automation.properties import PROPERTIES
from vedette.respond.automation.rule import rule_of

SQLITE = pytest.mark.parametrize("state", ["sqlite"], indirect=True)

RULE_ID = "00000000-0000-4000-8000-000000000001"
RESOURCE = (
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.OperationalInsights/workspaces/w/providers/"
    f"Microsoft.SecurityInsights/alertRules/{RULE_ID}"
)


def details(*conditions: dict[str, Any]) -> dict[str, Any]:
    """A condition on one custom detail."""
    return {
        "conditionType": "PropertyArray",
        "conditionProperties": {
            "arrayType": "CustomDetails",
            "arrayConditionType": "AnyItem",
            "itemConditions": list(conditions),
        },
    }


def value(operator: str, *values: str) -> dict[str, Any]:
    """A condition on the values of a custom detail."""
    inner = condition("IncidentCustomDetailsValue", operator, *values)
    return {
        "conditionType": "PropertyArray",
        "conditionProperties": {"arrayType": "CustomDetailValues", "itemConditions": [inner]},
    }


def tag(operator: str, *values: str) -> dict[str, Any]:
    """A condition on any single tag."""
    return {
        "conditionType": "PropertyArray",
        "conditionProperties": {
            "arrayType": "Labels",
            "itemConditions": [condition("IncidentLabel", operator, *values)],
        },
    }


def holding(house: House, number: int, conditions: dict[str, dict[str, Any]]) -> dict[str, bool]:
    """Which conditions hold for an incident that has just been made."""
    with house.state.session(read_only=True) as session:
        mine = {"workspace_id": house.rules.workspace_id}
        row = session.get_one(IncidentRow, (house.rules.workspace_id, number))
        alerts = session.scalars(select(AlertRow).filter_by(**mine, incident_number=number)).all()
        entities = session.scalars(select(IncidentEntityRow).filter_by(**mine, number=number)).all()
        scope = Scope(Facts(row, None, None, lambda: alerts, lambda: entities))
        read = {name: rule_of(rule(conditions=[given]), name).conditions for name, given in conditions.items()}
        return {name: all(one.holds(scope) for one in found) for name, found in read.items()}


KEY = "IncidentCustomDetailsKey"
CASES: list[tuple[str, dict[str, Any], bool]] = [
    ("title equals, in any case", condition("IncidentTitle", "Equals", "suspicious DETECTION on host"), True),
    ("title equals a part", condition("IncidentTitle", "Equals", "Detection"), False),
    ("title contains", condition("IncidentTitle", "Contains", "Detection"), True),
    ("title contains one of several", condition("IncidentTitle", "Contains", "nothing", "detection"), True),
    ("title does not contain", condition("IncidentTitle", "NotContains", "Detection"), False),
    ("title does not contain any of several", condition("IncidentTitle", "NotContains", "nothing", "detection"), False),
    ("title starts with", condition("IncidentTitle", "StartsWith", "Susp"), True),
    ("title does not start with", condition("IncidentTitle", "NotStartsWith", "Susp"), False),
    ("title ends with", condition("IncidentTitle", "EndsWith", "HOST"), True),
    ("title does not end with", condition("IncidentTitle", "NotEndsWith", "guest"), True),
    ("title is none of these", condition("IncidentTitle", "NotEquals", "one", "two"), True),
    ("description", condition("IncidentDescription", "Contains", "what it is about"), True),
    ("severity", condition("IncidentSeverity", "Equals", "high", "Medium"), True),
    ("another severity", condition("IncidentSeverity", "Equals", "Low"), False),
    ("severity is not", condition("IncidentSeverity", "NotEquals", "Low"), True),
    ("status", condition("IncidentStatus", "Equals", "New"), True),
    ("tactics", condition("IncidentTactics", "Contains", "InitialAccess"), True),
    ("no such tactic", condition("IncidentTactics", "NotContains", "Impact", "Exfiltration"), True),
    ("provider", condition("IncidentProviderName", "Equals", "Azure Sentinel"), True),
    ("another provider", condition("IncidentProviderName", "Equals", "Microsoft XDR"), False),
    ("analytics rule by its resource", condition("IncidentRelatedAnalyticRuleIds", "Contains", "x", RESOURCE), True),
    ("analytics rule by its id", condition("IncidentRelatedAnalyticRuleIds", "Equals", RULE_ID), True),
    ("analytics rule by its name", condition("IncidentRelatedAnalyticRuleIds", "Contains", "rule 1"), True),
    ("not of this analytics rule", condition("IncidentRelatedAnalyticRuleIds", "NotContains", RESOURCE), False),
    ("an alert's analytics rule", condition("AlertAnalyticRuleIds", "Contains", RESOURCE), True),
    ("product as Sentinel names it", condition("AlertProductNames", "Contains", "Azure Sentinel"), True),
    ("nobody owns it", condition("IncidentOwner", "Equals", "ann"), False),
    ("owned by another, or nobody", condition("IncidentOwner", "NotEquals", "ann"), True),
    ("no tag", condition("IncidentLabel", "Contains", "vip"), False),
    ("not tagged", condition("IncidentLabel", "NotContains", "vip"), True),
    ("no single tag that is another", tag("NotEquals", "vip"), False),
    ("account's name", condition("AccountName", "Equals", "ann"), True),
    ("account's suffix", condition("AccountUPNSuffix", "EndsWith", "oso.com"), True),
    ("no account of another name", condition("AccountName", "NotEquals", "bob", "eve"), True),
    ("address of any alert", condition("IPAddress", "StartsWith", "192.0.2."), True),
    ("address", condition("IPAddress", "Equals", "203.0.113.9"), False),
    ("host that is not named", condition("HostName", "Contains", "srv"), False),
    ("host that is not named, negated", condition("HostName", "NotContains", "srv"), True),
    ("custom detail's key", condition(KEY, "Equals", "Address"), True),
    ("custom detail's value", condition("IncidentCustomDetailsValue", "Contains", "192.0.2.7"), True),
    ("a custom detail and its value", details(condition(KEY, "Equals", "Address"), value("Contains", "192")), True),
    ("the value is another detail's", details(condition(KEY, "Equals", "Who"), value("Contains", "192")), False),
    ("and", group("And", condition("IncidentSeverity", "Equals", "High"), condition("AccountName", "Equals", "bob")), False),
    ("or", group("Or", condition("IncidentSeverity", "Equals", "Low"), condition("AccountName", "Equals", "ann")), True),
    (
        "or of ands",
        group(
            "Or",
            group("And", condition("IncidentSeverity", "Equals", "Low"), condition("AccountName", "Equals", "ann")),
            group("And", condition("IncidentSeverity", "Equals", "High"), condition("IPAddress", "Contains", "192.")),
        ),
        True,
    ),
]  # fmt: skip


@SQLITE
@pytest.mark.req("D-074")
def test_which_incidents_conditions_hold_for(house: House) -> None:
    incident = house.incident(
        1, [{"User": "ann@contoso.com", "Ip": "192.0.2.7"}], severity=Severity.HIGH,
        alert_details_override=_titled("Suspicious Detection on host", "What it is about."),
        custom_details={"Address": "Ip", "Who": "User"},
    )  # fmt: skip
    held = holding(house, incident["number"], {name: given for name, given, _ in CASES})
    assert held == {name: expected for name, _, expected in CASES}


def _titled(title: str, about: str) -> Any:
    from vedette.detect.rule import AlertDetailsOverride

    return AlertDetailsOverride(title, about)


@SQLITE
def test_every_entity_property_is_read_from_its_identifier(house: House) -> None:
    """A value in each identifier that a property stands for; each property finds its own and no other's."""
    from vedette.respond.automation.properties import _ENTITIES

    rows = [line.split(maxsplit=3) for line in _ENTITIES.strip().splitlines()]
    assert {name for name, *_ in rows} <= set(PROPERTIES)
    wanted = [(name, entity, identifier) for name, entity, identifier, _ in rows]
    by_type: dict[str, list[tuple[str, str]]] = {}
    for name, entity, identifier in wanted:
        by_type.setdefault(entity, []).append((name, identifier))
    mappings = tuple(
        EntityMapping(entity, tuple(FieldMapping(identifier, f"c{name}") for name, identifier in pairs[:3]))
        for entity, pairs in by_type.items()
    )
    checked = [(name, f"c{name}") for pairs in by_type.values() for name, _ in pairs[:3]]
    row = {column: f"v{name}x" for name, column in checked}
    row |= {"cIPAddress": "198.51.100.4", "cUrl": "https://x.example/vUrlx"}
    incident = house.incident(1, [row], entity_mappings=mappings)
    asked = {name: condition(name, "Equals", row[column]) for name, column in checked}
    assert [name for name, met in holding(house, incident["number"], asked).items() if not met] == []


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    (condition("IncidentTitel", "Equals", "x"), "no property 'IncidentTitel'", "IncidentTitle"),
    (condition("IncidentTitle", "Like", "x"), "'Like' is not a value of 'operator'", "Equals"),
    (condition("IncidentSeverity", "Equals", "Hihg"), "'Hihg' is not a value", "High"),
    (condition("IncidentTitle", "Contains", ""), "an empty value", ""),
    (condition("IncidentTitle", "Contains"), "has a value at least", ""),
    (condition("IncidentUpdatedBySource", "Equals", "User"), "only known of an update", ""),
    (group("Xor", condition("IncidentTitle", "Equals", "x")), "'Xor' is not a value of 'operator'", "Or"),
    (group("Or"), "a condition at least", ""),
    (group("Or", *[condition("IncidentTitle", "Equals", "x")] * 11), "at most 10", ""),
    ({"conditionType": "Proprety", "conditionProperties": {}}, "no kind of condition 'Proprety'", "Property"),
    ({"conditionType": "Property"}, "has no 'conditionProperties'", ""),
    ({"conditionType": "PropertyChanged", "conditionProperties": {"propertyName": "IncidentStatus"}}, "for updates", ""),
    ({"conditionType": "PropertyArrayChanged", "conditionProperties": {"arrayType": "Alerts"}}, "for updates", ""),
]  # fmt: skip


@pytest.mark.parametrize(("given", "message", "hint"), REFUSED, ids=[text for _, text, _ in REFUSED])
def test_what_is_not_understood_is_refused_by_name(given: dict[str, Any], message: str, hint: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        rule_of(rule(conditions=[given]), "id")
    assert message.casefold() in str(refused.value).casefold()
    assert hint in (refused.value.hint or "")


def test_too_many_conditions_and_too_deep_ones() -> None:
    one = condition("IncidentTitle", "Equals", "x")
    rule_of(rule(conditions=[one] * 50), "id")
    with pytest.raises(InvalidInput, match="at most 50 conditions, not 51"):
        rule_of(rule(conditions=[one] * 51), "id")
    deep = one
    for _ in range(12):
        deep = group("And", deep)
    with pytest.raises(InvalidInput, match="deeper than 10 levels"):
        rule_of(rule(conditions=[deep]), "id")
