"""Automation rules written out as resources of Microsoft Sentinel, in a template as its portal exports them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from vedette.detect.export.arm import escaped, to_template
from vedette.respond.automation.conditions.contract import all_notes
from vedette.respond.automation.reading import TYPE
from vedette.respond.automation.rule import AutomationRule

API_VERSION: Final = "2023-11-01"
"""The stable version whose automationRules have tasks, arrays and groups of conditions."""


def to_resource(rule: AutomationRule) -> dict[str, Any]:
    """The rule as the resource that the portal exports."""
    return {
        "id": "[concat(resourceId('Microsoft.OperationalInsights/workspaces/providers', parameters('workspace'), "
        f"'Microsoft.SecurityInsights'),'/automationRules/{rule.id}')]",
        "name": f"[concat(parameters('workspace'),'/Microsoft.SecurityInsights/{rule.id}')]",
        "type": TYPE, "apiVersion": API_VERSION, "properties": escaped(dict(rule.properties)),
    }  # fmt: skip


def export(rules: Sequence[AutomationRule]) -> tuple[dict[str, Any], list[str]]:
    """A template of the rules, and what of them Microsoft Sentinel would not understand."""
    notes = [f"'{rule.name}': {note}" for rule in rules for note in dict.fromkeys(_notes(rule))]
    return to_template([to_resource(rule) for rule in rules]), notes


def _notes(rule: AutomationRule) -> Iterator[str]:
    yield from all_notes(rule.conditions)
    yield from (action.foreign for action in rule.actions if action.foreign is not None)
