"""A rule's fields ↔ `AnalyticsRule`: the public Azure-Sentinel layout, and ARM's properties (a few names differ).

Fields: https://github.com/Azure/Azure-Sentinel/wiki/Query-Style-Guide and SecurityInsights alertRules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final

from vedette.core.errors import nearest
from vedette.core.ids import derived_id
from vedette.detect.attack import TACTICS, tactic_named, technique_named
from vedette.detect.correlation.settings import NAME as FUSION_NAME
from vedette.detect.correlation.settings import problems_of
from vedette.detect.entities.types import ENTITY_TYPES, entity_type
from vedette.detect.made_queries import made
from vedette.detect.reading.document import Document
from vedette.detect.reading.fields import FieldReader
from vedette.detect.reading.problems import RuleProblem
from vedette.detect.reading.schedule import read_schedule, read_trigger
from vedette.detect.reading.sigma.reader import again
from vedette.detect.rule import (
    DYNAMIC_PROPERTIES,
    AlertDetailsOverride,
    AnalyticsRule,
    DynamicProperty,
    EntityMapping,
    EventGrouping,
    FieldMapping,
    GroupingConfiguration,
    IncidentConfiguration,
    JsonValue,
    MatchingMethod,
    RequiredConnector,
    RuleKind,
    Severity,
    Suppression,
)

FIELDS: Final = (
    "id",
    "name",
    "displayName",
    "kind",
    "description",
    "severity",
    "enabled",
    "status",
    "requiredDataConnectors",
    "queryFrequency",
    "queryPeriod",
    "triggerOperator",
    "triggerThreshold",
    "eagerness",
    "tactics",
    "relevantTechniques",
    "techniques",
    "subTechniques",
    "tags",
    "query",
    "entityMappings",
    "sentinelEntitiesMappings",
    "customDetails",
    "alertDetailsOverride",
    "eventGroupingSettings",
    "incidentConfiguration",
    "suppressionDuration",
    "suppressionEnabled",
    "version",
    "alertRuleTemplateName",
    "templateVersion",
    "metadata",
    "sigma",
)
"""Fields of a rule that have a meaning here; every other one is kept as it is."""

MOST_DETAILS: Final = 20
"""Custom details of a rule, as Microsoft Sentinel takes them."""

_KINDS: Final = {kind.value.casefold(): kind for kind in RuleKind}
_METHODS: Final = {
    **{method.value.casefold(): method for method in MatchingMethod},
    # Names of the first preview of the API, still found in exports.
    "all": MatchingMethod.ALL_ENTITIES,
    "none": MatchingMethod.ANY_ALERT,
    "custom": MatchingMethod.SELECTED,
}
_ALERT_DETAILS: Final = {"displayname": "DisplayName", "severity": "Severity"}


_TELLING: Final = frozenset(name.casefold() for name in FIELDS) - {
    "id",
    "name",
    "displayname",
    "kind",
    "version",
    "description",
    "tags",
    "metadata",
    "enabled",
    "status",
    "query",
}


def looks_like_rule(value: JsonValue) -> bool:
    """Whether a mapping is meant to be a rule: it has a query, a kind of rules, or two fields that only rules have."""
    if not isinstance(value, Mapping):
        return False
    names = {name.casefold(): name for name in value}
    kind = value.get(names.get("kind", ""))
    of_rules = isinstance(kind, str) and kind.casefold() in _KINDS
    return "query" in names or of_rules or len(_TELLING.intersection(names)) >= 2


def read_layout(
    document: Document, problems: list[RuleProblem], *, rule_id: str | None = None, kind: str | None = None
) -> AnalyticsRule | None:
    """The rule that a document's mapping describes, or None when an error keeps it out.

    Findings are appended to `problems`. `rule_id` and `kind` are given where they stand outside the mapping (ARM).
    """
    fields = FieldReader(document, problems)
    fields.expect(FIELDS, "an analytics rule")
    name = fields.text("name") or fields.text("displayName")
    fields.label = name or rule_id or fields.text("id")
    rule_kind = _kind(fields, kind)
    fusion = rule_kind is RuleKind.FUSION
    if fusion:  # Sentinel's resource has no name, severity or description of its own
        name = name or FUSION_NAME
        fields.label = name
    query = fields.text("query", trim=False) or ""
    if name is None:
        fields.missing("name" if rule_id is None else "displayName")
    unmapped = _unmapped(fields.raw("sigma"))
    if rule_kind is not None and rule_kind.has_query and not query.strip() and not unmapped:
        if isinstance(fields.raw("query"), str):
            fields.wrong("query", "'query' is empty")
        else:
            fields.missing("query")
    anomalies = rule_kind is RuleKind.ANOMALY and bool(query.strip())
    frequency, period = read_schedule(fields, rule_kind, anomalies=anomalies)
    if anomalies:
        fields.choice("settingsStatus", {"production": "Production", "flighting": "Flighting"}, "Production")
    if fusion:
        for field, message, error in problems_of(fields.value):
            (fields.wrong if error else fields.note)(field, message)
    trigger = read_trigger(fields, rule_kind)
    usual = Severity.HIGH if fusion else Severity.MEDIUM
    severity = fields.choice("severity", {value.casefold(): value for value in Severity}, usual)
    details = fields.text_mapping("customDetails")
    if len(details) > MOST_DETAILS:
        fields.note(
            "customDetails", f"the rule has {len(details)} custom details; an alert takes {MOST_DETAILS}", code="RC203"
        )
    if rule_kind is RuleKind.HUNTING and fields.has("destinationTable"):
        table = fields.text("destinationTable")
        message = (
            f"this is a summary rule, and is read as a hunting query: nothing writes what it finds into '{table}' here"
        )
        fields.note("destinationTable", message)
    if fields.has("startTimeUtc"):
        fields.note("startTimeUtc", "'startTimeUtc' is kept and does nothing here: the rule runs from when it is added")
    rule = AnalyticsRule(
        id="",
        name=name or "",
        kind=rule_kind or RuleKind.SCHEDULED,
        query=query,
        description=_unquoted(fields.text("description") or ""),
        severity=severity,
        enabled=fields.boolean("enabled", True),
        status=fields.text("status"),
        required_data_connectors=_connectors(fields),
        query_frequency=frequency,
        query_period=period,
        trigger=trigger,
        tactics=_tactics(fields),
        techniques=_techniques(fields, "relevantTechniques" if fields.has("relevantTechniques") else "techniques"),
        sub_techniques=_techniques(fields, "subTechniques"),
        tags=tuple(fields.values("tags")),
        entity_mappings=_entity_mappings(fields),
        sentinel_entities_columns=_sentinel_entities(fields),
        custom_details=details,
        alert_details_override=_override(fields),
        event_grouping=EventGrouping.ALERT_PER_RESULT if anomalies else _event_grouping(fields),
        incident=IncidentConfiguration(False) if anomalies else _incident(fields, details),
        suppression=Suppression(
            fields.boolean("suppressionEnabled", False),
            _length(fields, "suppressionDuration", Suppression().duration),
        ),
        version=fields.text("version"),
        template_name=fields.text("alertRuleTemplateName"),
        template_version=fields.text("templateVersion"),
        metadata=fields.raw("metadata"),
        extra={key: value for key, value in fields.value.items() if key not in FIELDS or key == "sigma"},
    )
    if fields.failed:
        return None
    given = rule_id or fields.text("id")
    if unmapped and not query.strip():
        rule = _tried_again(rule)
    return made(with_id(rule, given or derived_id("rule", rule.name, rule.query or rule.kind.value)))


def _length(fields: FieldReader, name: str, usual: timedelta) -> timedelta:
    """A length of time, which may be none at all."""
    given = fields.duration(name)
    return usual if given is None else given


def _unmapped(sigma: JsonValue) -> bool:
    """Whether a rule is a Sigma rule that could not be made a query."""
    return isinstance(sigma, Mapping) and bool(sigma.get("unmapped")) and bool(sigma.get("source"))


def _tried_again(rule: AnalyticsRule) -> AnalyticsRule:
    """A Sigma rule that could not be a query when it came, as what it is now; everything else of it is as it was kept."""
    now = again(rule.extra["sigma"]["source"])
    if now is None:
        return rule
    return replace(
        rule, query=now.query, query_frequency=now.query_frequency, query_period=now.query_period,
        entity_mappings=now.entity_mappings, event_grouping=now.event_grouping,
    )  # fmt: skip


def with_id(rule: AnalyticsRule, rule_id: str) -> AnalyticsRule:
    """The same rule under another id."""
    return replace(rule, id=rule_id)


def _unquoted(description: str) -> str:
    """Descriptions of the public repository often stand in a second pair of quotation marks inside the block."""
    text = description.strip()
    if len(text) >= 2 and text[0] == text[-1] == "'":
        text = text[1:-1].strip()
    return text


def _kind(fields: FieldReader, given: str | None) -> RuleKind | None:
    text = given or fields.text("kind")
    if text is None:
        scheduled = any(fields.has(name) for name in ("queryFrequency", "triggerOperator", "triggerThreshold"))
        return RuleKind.SCHEDULED if scheduled else RuleKind.HUNTING
    kind = _KINDS.get(text.casefold())
    if kind is None:
        fields.wrong("kind", f"'{text}' is not a kind of rule", [kind.value for kind in RuleKind], text)
    return kind


def _connectors(fields: FieldReader) -> tuple[RequiredConnector, ...]:
    """The connectors; a list that is not in the layout's form is only a warning, because no run depends on it."""
    connectors = []
    for value in fields.values("requiredDataConnectors"):
        if isinstance(value, str) and value.strip():
            connectors.append(RequiredConnector(value.strip()))
        elif isinstance(value, Mapping) and isinstance(value.get("connectorId"), str):
            types = value.get("dataTypes")
            texts = [entry for entry in (types if isinstance(types, list) else [types]) if isinstance(entry, str)]
            connectors.append(RequiredConnector(value["connectorId"], tuple(texts)))
        elif value:
            fields.note(
                "requiredDataConnectors",
                "a required data connector has 'connectorId' and 'dataTypes'; this one was left out",
            )
    return tuple(connectors)


def _tactics(fields: FieldReader) -> tuple[str, ...]:
    tactics = []
    for text in fields.texts("tactics"):
        known = tactic_named(text)
        if known is None:
            near = nearest(text, TACTICS)
            message = f"'{text}' is not a tactic of MITRE ATT&CK as Microsoft Sentinel names them"
            fields.note("tactics", message, hint=f"Did you mean '{near}'?" if near else None)
        tactics.append(known or text)
    return tuple(dict.fromkeys(tactics))


def _techniques(fields: FieldReader, name: str) -> tuple[str, ...]:
    techniques = []
    for text in fields.texts(name):
        known = technique_named(text)
        if known is None:
            fields.note(name, f"'{text}' is not a technique's id (T1078 or T1078.004)")
        techniques.append(known or text)
    return tuple(dict.fromkeys(techniques))


def _entity_mappings(fields: FieldReader) -> tuple[EntityMapping, ...]:
    mappings = []
    for part in fields.parts("entityMappings"):
        part.expect(("entityType", "fieldMappings"), "an entity mapping")
        name = part.text("entityType")
        if name is None and not part.has("fieldMappings"):
            part.remark("an entity mapping has 'entityType' and 'fieldMappings'; this one was left out")
            continue
        if name is None:
            part.missing("entityType")
            continue
        known = entity_type(name)
        if known is None:
            part.wrong(
                "entityType",
                f"'{name}' is not an entity type",
                [each.name for each in ENTITY_TYPES],
                name,
                code="RC401",
            )
            continue
        pairs = []
        for pair in part.parts("fieldMappings"):
            pair.expect(("identifier", "columnName"), "a field mapping")
            identifier, column = pair.text("identifier"), pair.text("columnName")
            if identifier is None or column is None:
                pair.missing("identifier" if identifier is None else "columnName")
                continue
            proper = known.identifier(identifier)
            if proper is None:
                pair.wrong(
                    "identifier",
                    f"'{identifier}' is not an identifier of {known.name}",
                    known.identifiers,
                    identifier,
                    code="RC401",
                )
            else:
                pairs.append(FieldMapping(proper, column))
        if not pairs and not part.has("fieldMappings"):
            part.missing("fieldMappings")
        mappings.append(EntityMapping(known.name, tuple(pairs)))
    return tuple(mappings)


def _sentinel_entities(fields: FieldReader) -> tuple[str, ...]:
    columns = []
    for part in fields.parts("sentinelEntitiesMappings"):
        column = part.text("columnName")
        if column is None:
            part.missing("columnName")
        else:
            columns.append(column)
    return tuple(columns)


def _override(fields: FieldReader) -> AlertDetailsOverride:
    part = fields.part("alertDetailsOverride")
    if part is None:
        return AlertDetailsOverride()
    known = (
        "alertDisplayNameFormat",
        "alertDescriptionFormat",
        "alertSeverityColumnName",
        "alertTacticsColumnName",
        "alertDynamicProperties",
    )
    part.expect(known, "alertDetailsOverride")
    properties = []
    for entry in part.parts("alertDynamicProperties"):
        name, column = entry.text("alertProperty"), entry.text("value")
        if name is None or column is None:
            entry.missing("alertProperty" if name is None else "value")
            continue
        proper = {value.casefold(): value for value in DYNAMIC_PROPERTIES}.get(name.casefold())
        if proper is None:
            near = nearest(name, DYNAMIC_PROPERTIES)
            hint = f"Did you mean '{near}'?" if near else f"Known are {', '.join(DYNAMIC_PROPERTIES)}."
            entry.note("alertProperty", f"'{name}' is not a property that a rule may set, and was left out", hint=hint)
        else:
            properties.append(DynamicProperty(proper, column))
    return AlertDetailsOverride(
        part.text("alertDisplayNameFormat"),
        part.text("alertDescriptionFormat"),
        part.text("alertSeverityColumnName"),
        part.text("alertTacticsColumnName"),
        tuple(properties),
    )


def _event_grouping(fields: FieldReader) -> EventGrouping:
    part = fields.part("eventGroupingSettings")
    if part is None:
        return EventGrouping.SINGLE_ALERT
    part.expect(("aggregationKind",), "eventGroupingSettings")
    return part.choice(
        "aggregationKind", {value.casefold(): value for value in EventGrouping}, EventGrouping.SINGLE_ALERT
    )


def _incident(fields: FieldReader, details: Mapping[str, str]) -> IncidentConfiguration:
    part = fields.part("incidentConfiguration")
    if part is None:
        return IncidentConfiguration()
    part.expect(("createIncident", "groupingConfiguration"), "incidentConfiguration")
    create = part.boolean("createIncident", True)
    grouping = part.part("groupingConfiguration")
    if grouping is None:
        return IncidentConfiguration(create)
    known = (
        "enabled",
        "reopenClosedIncident",
        "lookbackDuration",
        "matchingMethod",
        "entitiesMatchingMethod",
        "groupByEntities",
        "groupByAlertDetails",
        "groupByCustomDetails",
    )
    grouping.expect(known, "groupingConfiguration")
    method_field = "matchingMethod" if grouping.has("matchingMethod") else "entitiesMatchingMethod"
    by_entities = []
    for name in grouping.texts("groupByEntities"):
        found = entity_type(name)
        if found is None:
            grouping.wrong(
                "groupByEntities", f"'{name}' is not an entity type", [each.name for each in ENTITY_TYPES], name
            )
        else:
            by_entities.append(found.name)
    by_details = []
    for name in grouping.texts("groupByAlertDetails"):
        proper = _ALERT_DETAILS.get(name.casefold())
        if proper is None:
            grouping.wrong(
                "groupByAlertDetails", f"alerts are not grouped by '{name}'", list(_ALERT_DETAILS.values()), name
            )
        else:
            by_details.append(proper)
    by_custom = grouping.texts("groupByCustomDetails")
    for name in by_custom:
        if name not in details:
            grouping.wrong("groupByCustomDetails", f"the rule has no custom detail '{name}'", list(details), name)
    configuration = GroupingConfiguration(
        enabled=grouping.boolean("enabled", False),
        reopen_closed_incident=grouping.boolean("reopenClosedIncident", False),
        lookback=_length(grouping, "lookbackDuration", GroupingConfiguration().lookback),
        matching_method=grouping.choice(method_field, _METHODS, MatchingMethod.ALL_ENTITIES),
        group_by_entities=tuple(by_entities),
        group_by_alert_details=tuple(by_details),
        group_by_custom_details=by_custom,
    )
    selected = configuration.enabled and configuration.matching_method is MatchingMethod.SELECTED
    if selected and not (by_entities or by_details or by_custom):
        grouping.wrong(method_field, "the method Selected needs entities, alert details or custom details to group by")
    return IncidentConfiguration(create, configuration)
