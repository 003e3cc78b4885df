"""Rules written out: the public Azure-Sentinel layout, in which they are also kept and compared."""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import Any

from vedette.detect.made_queries import as_kept
from vedette.detect.reading.durations import format_iso8601
from vedette.detect.rule import (
    AlertDetailsOverride,
    AnalyticsRule,
    Eagerness,
    EntityMapping,
    EventGrouping,
    IncidentConfiguration,
    JsonValue,
    RuleKind,
    canonical_json,
)


def to_layout(rule: AnalyticsRule) -> dict[str, Any]:
    """The rule in the public layout, defaults left out; `read_layout` of it gives the same rule."""
    rule = as_kept(rule)
    default = AnalyticsRule(id=rule.id, name=rule.name)
    layout: dict[str, Any] = {"id": rule.id, "name": rule.name, "kind": rule.kind.value}

    def put(field: str, value: JsonValue, unless: object = None) -> None:
        if value != unless and value not in (None, [], {}):
            layout[field] = value.value if isinstance(value, StrEnum) else value

    put("description", rule.description, "")
    layout["severity"] = rule.severity.value
    put("enabled", rule.enabled, True)
    put("status", rule.status)
    put(
        "requiredDataConnectors",
        [{"connectorId": c.connector_id, "dataTypes": list(c.data_types)} for c in rule.required_data_connectors],
    )
    for field, length in (("queryFrequency", rule.query_frequency), ("queryPeriod", rule.query_period)):
        put(field, None if length is None else format_iso8601(length))
    if rule.kind is RuleKind.SCHEDULED:
        layout["triggerOperator"] = rule.trigger.operator.short
        layout["triggerThreshold"] = rule.trigger.value
        put("eagerness", rule.trigger.eagerness, Eagerness.EXHAUSTIVE)
    put("tactics", list(rule.tactics))
    put("relevantTechniques", list(rule.techniques))
    put("subTechniques", list(rule.sub_techniques))
    put("tags", list(rule.tags))
    put("query", rule.query, "")
    put("entityMappings", [_mapping_layout(mapping) for mapping in rule.entity_mappings])
    put("sentinelEntitiesMappings", [{"columnName": column} for column in rule.sentinel_entities_columns])
    put("customDetails", dict(rule.custom_details))
    put("alertDetailsOverride", _override_layout(rule.alert_details_override))
    if rule.event_grouping is not EventGrouping.SINGLE_ALERT:
        layout["eventGroupingSettings"] = {"aggregationKind": rule.event_grouping.value}
    if rule.incident != default.incident:
        layout["incidentConfiguration"] = _incident_layout(rule.incident)
    if rule.suppression != default.suppression:
        layout["suppressionEnabled"] = rule.suppression.enabled
        layout["suppressionDuration"] = format_iso8601(rule.suppression.duration)
    put("version", rule.version)
    put("alertRuleTemplateName", rule.template_name)
    put("templateVersion", rule.template_version)
    put("metadata", rule.metadata)
    return {**layout, **rule.extra}


def _mapping_layout(mapping: EntityMapping) -> JsonValue:
    pairs = [{"identifier": pair.identifier, "columnName": pair.column} for pair in mapping.fields]
    return {"entityType": mapping.entity_type, "fieldMappings": pairs}


def _override_layout(override: AlertDetailsOverride) -> JsonValue:
    layout: dict[str, Any] = {
        "alertDisplayNameFormat": override.display_name_format,
        "alertDescriptionFormat": override.description_format,
        "alertSeverityColumnName": override.severity_column,
        "alertTacticsColumnName": override.tactics_column,
        "alertDynamicProperties": [
            {"alertProperty": p.alert_property, "value": p.column} for p in override.dynamic_properties
        ],
    }
    return {field: value for field, value in layout.items() if value}


def _incident_layout(incident: IncidentConfiguration) -> JsonValue:
    grouping = incident.grouping
    return {
        "createIncident": incident.create_incident,
        "groupingConfiguration": {
            "enabled": grouping.enabled,
            "reopenClosedIncident": grouping.reopen_closed_incident,
            "lookbackDuration": format_iso8601(grouping.lookback),
            "matchingMethod": grouping.matching_method.value,
            "groupByEntities": list(grouping.group_by_entities),
            "groupByAlertDetails": list(grouping.group_by_alert_details),
            "groupByCustomDetails": list(grouping.group_by_custom_details),
        },
    }


def content_hash(rule: AnalyticsRule) -> str:
    """SHA-256 over everything of the rule but its id and whether it is enabled: equal for rules that do the same."""
    content = {name: value for name, value in to_layout(rule).items() if name not in ("id", "enabled")}
    return hashlib.sha256(canonical_json(content).encode(errors="surrogatepass")).hexdigest()
