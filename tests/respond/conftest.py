"""Fixtures of the respond room's tests: a workspace with its incidents, and automation rules that listen to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from tests.incidents.runs import rule as analytics_rule
from tests.incidents.runs import run
from vedette.core.clock import VirtualClock
from vedette.core.database import State
from vedette.core.ids import seeded_ids
from vedette.core.roles import EVERYWHERE, Principal, Role
from vedette.incidents.service import IncidentService
from vedette.respond.automation.automation import Automation
from vedette.respond.automation.library import AutomationRules, StoredRule

BOSS = Principal("id-boss", "user", "boss", "Boss", {EVERYWHERE: frozenset({Role.CONTRIBUTOR})})
PROGRAM = Principal("id-app", "client", "app", "App", {EVERYWHERE: frozenset({Role.RESPONDER})})
PEOPLE = {"ann": {"id": "id-ann", "name": "Ann"}}


def condition(name: str, operator: str, *values: str) -> dict[str, Any]:
    """A condition on a property."""
    about = {"propertyName": name, "operator": operator, "propertyValues": list(values)}
    return {"conditionType": "Property", "conditionProperties": about}


def group(operator: str, *conditions: Mapping[str, Any]) -> dict[str, Any]:
    """A group of conditions."""
    return {
        "conditionType": "Boolean",
        "conditionProperties": {"operator": operator, "innerConditions": list(conditions)},
    }


def changed(name: str, change: str | None = None, operator: str = "Equals", *values: str) -> dict[str, Any]:
    """A condition on a change."""
    about: dict[str, Any] = {"propertyName": name}
    if change is not None:
        about |= {"changeType": change, "operator": operator, "propertyValues": list(values)}
    return {"conditionType": "PropertyChanged", "conditionProperties": about}


def added(array: str) -> dict[str, Any]:
    """A condition on what was added."""
    return {
        "conditionType": "PropertyArrayChanged",
        "conditionProperties": {"arrayType": array, "changeType": "Added"},
    }


def modify(order: int = 1, **configuration: Any) -> dict[str, Any]:
    """An action that sets properties; `labels` are plain texts."""
    labels = configuration.pop("labels", [])
    return {
        "order": order, "actionType": "ModifyProperties",
        "actionConfiguration": {**configuration, "labels": [{"labelName": label} for label in labels]},
    }  # fmt: skip


def task(title: str, order: int = 1, description: str = "") -> dict[str, Any]:
    """An action that adds a task."""
    return {
        "order": order,
        "actionType": "AddIncidentTask",
        "actionConfiguration": {"title": title, "description": description},
    }


PLAYBOOK = "/subscriptions/3f0d3c52-6d1a-4a7e-8f53-9d6c1c2b7e10/resourceGroups/rg-soar/providers/Microsoft.Logic/workflows/pb-contain"


def playbook(order: int = 1) -> dict[str, Any]:
    """An action that runs a playbook."""
    return {
        "order": order,
        "actionType": "RunPlaybook",
        "actionConfiguration": {"logicAppResourceId": PLAYBOOK, "tenantId": "7c1e6f0a-2b1d-4c55-9a51-0f6f2f0f3a11"},
    }


def rule(
    name: str = "A rule",
    *,
    conditions: Sequence[Mapping[str, Any]] = (),
    actions: Sequence[Mapping[str, Any]] | None = None,
    order: int | None = 1,
    when: str = "Created",
    on: str = "Incidents",
    enabled: bool = True,
    expires: str | None = None,
) -> dict[str, Any]:
    """The properties of a rule; without actions it adds the label `seen`."""
    return {
        "displayName": name, "order": order,
        "triggeringLogic": {
            "isEnabled": enabled, "expirationTimeUtc": expires, "triggersOn": on, "triggersWhen": when,
            "conditions": list(conditions),
        },
        "actions": list(actions) if actions is not None else [modify(labels=["seen"])],
    }  # fmt: skip


@dataclass
class House:
    """A workspace."""

    state: State
    clock: VirtualClock
    incidents: IncidentService
    rules: AutomationRules

    def add(self, *args: Any, **more: Any) -> StoredRule:
        """Make a rule."""
        return self.rules.create(rule(*args, **more), BOSS)

    def incident(self, number: int = 1, rows: Sequence[Mapping[str, Any]] | None = None, **more: Any) -> dict[str, Any]:
        """What became of the incident that a run of an analytics rule makes."""
        found = rows or [{"User": "ann@contoso.com", "Ip": "192.0.2.7"}]
        report = self.incidents.ingest(run(analytics_rule(number, **more), found, at=self.clock.now()))
        return self.incidents.get(report.incidents[0])

    def counts(self, stored: StoredRule) -> tuple[int, int]:
        """How often a rule was applied, and with how many errors."""
        now = self.rules.get(stored.rule.id)
        return now.applied, now.errors


@pytest.fixture
def house(state: State, workspace: str, clock: VirtualClock) -> House:
    """The default workspace."""
    incidents = IncidentService(state, workspace, clock, new_id=seeded_ids(1))
    rules = AutomationRules(state, workspace, clock, ids=seeded_ids(2))
    Automation(
        state, incidents, rules, clock, lambda names: next((PEOPLE[one] for one in names if one in PEOPLE), None),
        lambda number, action, who: 0,
    )  # fmt: skip
    return House(state, clock, incidents, rules)
