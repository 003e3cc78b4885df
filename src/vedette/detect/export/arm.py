"""Analytics rules written out as resources of Microsoft Sentinel: ARM JSON as the portal exports it, and Bicep.

A rule that came out of an ARM template is written as it came, if its resource stands by itself; any other one is made of the
rule. What Sentinel's resource has no field for is told as a note, never dropped in silence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

from vedette.detect.attack import apart
from vedette.detect.correlation.settings import TEMPLATE as FUSION_TEMPLATE
from vedette.detect.export.layout import to_layout
from vedette.detect.reading.durations import format_iso8601
from vedette.detect.rule import AnalyticsRule, Eagerness, JsonValue, Operator, RuleKind

API_VERSION: Final = "2023-12-01-preview"
"""The version of the SecurityInsights API whose alertRules have NRT rules and sub-techniques."""
_SCHEMA: Final = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
_PROVIDERS: Final = "Microsoft.OperationalInsights/workspaces/providers"
_SETTINGS: Final = "securityMLAnalyticsSettings"
"""What Sentinel's resources of anomaly rules are called; those of all other kinds are alertRules."""
_PARAMETER = re.compile(r"parameters\(\s*'([^']+)'\s*\)|variables\(|copyIndex\(|reference\(", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OWN: Final = (
    "id", "name", "kind", "displayName", "status", "requiredDataConnectors", "tags", "version", "metadata",
    "tests", "sigma", "defender",
)  # fmt: skip
"""Fields of the layout that are no properties of the resource: they belong to its template, or are known here alone."""


_FURTHER: Final = ("startTimeUtc",)
"""Fields of the resource that have no meaning here, and are kept for it."""


@dataclass(frozen=True, slots=True)
class Written:
    """A rule as a resource, and what of it the resource cannot say."""

    resource: dict[str, Any]
    notes: tuple[str, ...] = ()


def to_resource(rule: AnalyticsRule, original: JsonValue = None) -> Written:
    """The rule as the resource that the portal exports; `original` is the resource that it was read from, if it was."""
    kept = _as_it_came(rule, original)
    if kept is not None:
        return Written(kept)
    properties, notes = properties_of(rule)
    name, kind = f"/Microsoft.SecurityInsights/{rule.id}", _resource_kind(rule)
    resource_id = (
        f"[concat(resourceId('{_PROVIDERS}', parameters('workspace'), "
        f"'Microsoft.SecurityInsights'),'/{kind}/{rule.id}')]"
    )
    return Written(
        {
            "id": resource_id, "name": f"[concat(parameters('workspace'),'{name}')]", "type": f"{_PROVIDERS}/{kind}",
            "kind": rule.kind.value, "apiVersion": API_VERSION, "properties": escaped(properties),
        },
        tuple(notes),
    )  # fmt: skip


def _resource_kind(rule: AnalyticsRule) -> str:
    return _SETTINGS if rule.kind is RuleKind.ANOMALY else "alertRules"


def to_template(resources: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Resources as the template that the portal exports."""
    return {
        "$schema": _SCHEMA, "contentVersion": "1.0.0.0", "parameters": {"workspace": {"type": "String"}},
        "resources": list(resources),
    }  # fmt: skip


def _as_it_came(rule: AnalyticsRule, original: JsonValue) -> dict[str, Any] | None:
    """The resource as it was read, if it needs nothing of its template but the workspace; on or off as the rule is."""
    if not isinstance(original, Mapping) or not isinstance(original.get("properties"), Mapping):
        return None
    if not isinstance(original.get("type"), str) or not isinstance(original.get("name"), str):
        return None
    for text in _texts(original):
        if text.startswith("[") and not text.startswith("[["):
            if any((found[1] or "").casefold() != "workspace" for found in _PARAMETER.finditer(text)):
                return None
    if "copy" in original or original.get("dependsOn") or rule.id not in original["name"]:
        return None
    kept: dict[str, Any] = deepcopy(dict(original))
    if kept["properties"].get("enabled", True) != rule.enabled:
        kept["properties"]["enabled"] = rule.enabled
    return kept


def _texts(value: JsonValue) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)


def escaped(value: JsonValue) -> JsonValue:
    """A text that begins with a bracket is an expression to ARM, unless it begins with two."""
    if isinstance(value, str):
        return f"[{value}" if value.startswith("[") else value
    if isinstance(value, Mapping):
        return {name: escaped(one) for name, one in value.items()}
    return [escaped(one) for one in value] if isinstance(value, list) else value


def properties_of(rule: AnalyticsRule) -> tuple[dict[str, Any], list[str]]:
    """The properties of the resource, in the order of the portal's exports; and notes."""
    if rule.kind is RuleKind.FUSION:
        return _fusion_properties(rule)
    if rule.kind is RuleKind.ANOMALY:
        return _anomaly_properties(rule)
    layout = {name: value for name, value in to_layout(rule).items() if name not in _OWN}
    notes: list[str] = []
    techniques, sub_techniques = apart(rule.techniques, rule.sub_techniques)
    properties: dict[str, Any] = {
        "displayName": rule.name, "description": rule.description, "severity": rule.severity.value, "enabled": rule.enabled,
    }  # fmt: skip
    if rule.kind in (RuleKind.SCHEDULED, RuleKind.NRT):
        properties["query"] = rule.query
    else:  # such a rule's alerts bear their own
        del properties["severity"], layout["severity"]
    if rule.kind is RuleKind.SCHEDULED:
        operator, threshold = _trigger(rule, notes)
        properties |= {
            "queryFrequency": format_iso8601(rule.frequency), "queryPeriod": format_iso8601(rule.period),
            "triggerOperator": operator, "triggerThreshold": threshold,
        }  # fmt: skip
    if rule.kind in (RuleKind.SCHEDULED, RuleKind.NRT):
        properties |= {
            "suppressionDuration": format_iso8601(rule.suppression.duration),
            "suppressionEnabled": rule.suppression.enabled,
            "tactics": list(rule.tactics), "techniques": list(techniques),
        }  # fmt: skip
        if sub_techniques:
            layout["subTechniques"] = list(sub_techniques)
    if rule.trigger.eagerness is not Eagerness.EXHAUSTIVE:
        notes.append(f"'{rule.name}': Microsoft Sentinel has no eagerness; the rule will read its whole window.")
    if rule.kind in (RuleKind.SCHEDULED, RuleKind.NRT):
        unknown = [name for name in rule.extra if name in layout and name not in _FURTHER]
        if unknown:
            notes.append(f"'{rule.name}': rules of Microsoft Sentinel have no {', '.join(unknown)}; left out.")
        layout = {name: value for name, value in layout.items() if name not in unknown}
    renamed = {"relevantTechniques", "triggerOperator", "triggerThreshold", "eagerness"}
    for name, value in layout.items():
        if name not in properties and name not in renamed:
            properties[name] = value
    return properties, notes


_FUSION: Final = ("alertRuleTemplateName", "enabled", "sourceSettings", "scenarioExclusionPatterns")
"""What may be set of a rule of this kind there; its name, severity and description are its template's."""


def _fusion_properties(rule: AnalyticsRule) -> tuple[dict[str, Any], list[str]]:
    layout = to_layout(rule)
    properties: dict[str, Any] = {
        "alertRuleTemplateName": rule.template_name or FUSION_TEMPLATE,
        "enabled": rule.enabled,
    }
    properties |= {name: layout[name] for name in _FUSION if name in layout and name not in properties}
    own = [
        name for name in ("queryFrequency", "queryPeriod", "fusionSettings", "incidentConfiguration") if name in layout
    ]
    said = f"'{rule.name}': Microsoft Sentinel's Fusion has no {', '.join(own)}; it correlates as it does."
    return properties, [said] if own else []


def _anomaly_properties(rule: AnalyticsRule) -> tuple[dict[str, Any], list[str]]:
    """Of a trained anomaly's setting everything; of an anomaly rule with a query of its own that, too, though it is known here alone."""
    layout = to_layout(rule)
    properties: dict[str, Any] = {
        "displayName": rule.name, "description": rule.description, "enabled": rule.enabled,
        "techniques": list(rule.techniques),
    }  # fmt: skip
    left = {*properties, *_OWN, "severity", "relevantTechniques"} - {"requiredDataConnectors"}
    properties |= {name: value for name, value in layout.items() if name not in left}
    said = f"'{rule.name}': anomaly rules of Microsoft Sentinel are trained models, and have no query; it will not take this one."
    return properties, [said] if "query" in layout else []


def _trigger(rule: AnalyticsRule, notes: list[str]) -> tuple[str, int]:
    operator, value = rule.trigger.operator, rule.trigger.value
    if operator is Operator.GE:
        operator, value = Operator.GT, value - 1
    elif operator is Operator.LE:
        operator, value = Operator.LT, value + 1
    if value < 0:
        notes.append(
            f"'{rule.name}': the threshold {rule.trigger} holds for any count; Microsoft Sentinel has none below 0."
        )
        operator, value = Operator.GT, 0
    return operator.value, value


def to_bicep(rules: Sequence[AnalyticsRule]) -> tuple[str, list[str]]:
    """Rules as a Bicep file for a workspace that is there; and notes."""
    lines = [
        "@description('The Log Analytics workspace that Microsoft Sentinel is on.')",
        "param workspace string",
        "",
        "resource logs 'Microsoft.OperationalInsights/workspaces@2022-10-01' existing = {",
        "  name: workspace",
        "}",
    ]
    notes: list[str] = []
    for number, rule in enumerate(rules, 1):
        properties, said = properties_of(rule)
        notes += said
        lines += [
            "",
            f"resource rule{number} 'Microsoft.SecurityInsights/{_resource_kind(rule)}@{API_VERSION}' = {{",
            "  scope: logs",
            f"  name: {_text(rule.id)}",
            f"  kind: {_text(rule.kind.value)}",
            f"  properties: {_bicep(properties, 1)}",
            "}",
        ]
    return "\n".join(lines) + "\n", notes


def _bicep(value: JsonValue, depth: int) -> str:
    inner, outer = "  " * (depth + 1), "  " * depth
    if isinstance(value, Mapping):
        if not value:
            return "{}"
        rows = [
            f"{inner}{name if _NAME.fullmatch(name) else _text(name)}: {_bicep(one, depth + 1)}"
            for name, one in value.items()
        ]
        return "\n".join(["{", *rows, outer + "}"])
    if isinstance(value, list | tuple):
        if not value:
            return "[]"
        return "\n".join(["[", *(inner + _bicep(one, depth + 1) for one in value), outer + "]"])
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, float):  # Bicep has no numbers with a point
        return f"json({_text(repr(value))})"
    if isinstance(value, int):
        return str(value)
    return _text(str(value), lines=True)


_ESCAPES: Final = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _text(text: str, *, lines: bool = False) -> str:
    """A string of Bicep: over several lines, where nothing is escaped, if it has lines and nothing forbids it."""
    plain = all(character.isprintable() or character in "\n\t" for character in text)
    if lines and "\n" in text and plain and "'''" not in text and not text.endswith("'"):
        return f"'''\n{text}'''"
    out = []
    for at, character in enumerate(text):
        if character in _ESCAPES:
            out.append(_ESCAPES[character])
        elif character == "$" and text[at + 1 : at + 2] == "{":
            out.append("\\$")
        elif character.isprintable():
            out.append(character)
        else:
            out.append(f"\\u{{{ord(character):x}}}")
    return f"'{''.join(out)}'"
