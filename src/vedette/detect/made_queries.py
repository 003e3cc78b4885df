"""Kinds of rules whose query the product writes: incidents of Microsoft's alerts, matching of threat intelligence, Fusion.

The rule as it is kept has no query; it is made whenever the rule is read, so that a better one comes with the product.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final

from vedette.detect.correlation.query import made_fusion, plain_fusion
from vedette.detect.products import names_of
from vedette.detect.rule import (
    AlertDetailsOverride,
    AnalyticsRule,
    DynamicProperty,
    EntityMapping,
    EventGrouping,
    FieldMapping,
    JsonValue,
    RuleKind,
)
from vedette.kql.text_literal import text_literal

_EVERY: Final = timedelta(minutes=5)
_HOUR: Final = timedelta(hours=1)
_INDICATORS_LAST: Final = timedelta(days=14)
"""Indicators are sent again within this time, as Microsoft's connectors do."""


def made(rule: AnalyticsRule) -> AnalyticsRule:
    """The rule with the query that its kind stands for; any other rule as it is."""
    if rule.kind is RuleKind.MICROSOFT_SECURITY_INCIDENT_CREATION:
        return _incident_creation(rule)
    if rule.kind is RuleKind.THREAT_INTELLIGENCE:
        return _threat_intelligence(rule)
    if rule.kind is RuleKind.FUSION:
        return made_fusion(rule)
    return rule


def as_kept(rule: AnalyticsRule) -> AnalyticsRule:
    """The rule without what `made` gives it."""
    if not rule.kind.has_made_query:
        return rule
    if rule.kind is RuleKind.FUSION:
        return plain_fusion(rule)
    plain = AnalyticsRule(id=rule.id, name=rule.name)
    return replace(
        rule, query="", query_frequency=None, query_period=None, event_grouping=plain.event_grouping,
        entity_mappings=(), sentinel_entities_columns=(), alert_details_override=plain.alert_details_override,
        custom_details={},
    )  # fmt: skip


def _incident_creation(rule: AnalyticsRule) -> AnalyticsRule:
    """Alerts of one product, as its filters say; each is an alert of the rule, updated ones under one key."""
    product = rule.extra.get("productFilter")
    if not isinstance(product, str) or not product.strip():
        return rule
    lines = [
        "SecurityAlert",
        f"| where ProductName in~ ({', '.join(map(text_literal, names_of(product.strip())))}) and not(ProviderName startswith 'ASI ')",
    ]
    severities = _texts(rule.extra.get("severitiesFilter"))
    if severities:
        lines.append(f"| where AlertSeverity in~ ({', '.join(map(text_literal, severities))})")
    names = _texts(rule.extra.get("displayNamesFilter"))
    if names:
        lines.append(f"| where {_any_contains(names)}")
    excluded = _texts(rule.extra.get("displayNamesExcludeFilter"))
    if excluded:
        lines.append(f"| where not({_any_contains(excluded)})")
    lines.append("| summarize arg_max(TimeGenerated, *) by SystemAlertId")
    return replace(
        rule, query="\n".join(lines), query_frequency=_EVERY, query_period=_EVERY,
        event_grouping=EventGrouping.ALERT_PER_RESULT, sentinel_entities_columns=("Entities",),
        alert_details_override=AlertDetailsOverride(
            "{{DisplayName}}", "{{Description}}", "AlertSeverity", "Tactics",
            tuple(DynamicProperty(name, name) for name in ("ProductName", "AlertLink", "RemediationSteps")),
        ),
    )  # fmt: skip


_SOURCES: Final = (
    ("CommonSecurityLog", "ip", ("DestinationIP", "SourceIP", "RemoteIP")),
    ("CommonSecurityLog", "domain", ("DestinationHostName",)),
    ("CommonSecurityLog", "url", ("RequestURL",)),
    ("DnsEvents", "domain", ("Name",)),
    ("DnsEvents", "ip", ("ClientIP",)),
    ("DeviceNetworkEvents", "ip", ("RemoteIP",)),
    ("DeviceNetworkEvents", "url", ("RemoteUrl",)),
    ("DeviceFileEvents", "hash", ("SHA256", "SHA1", "MD5")),
    ("OfficeActivity", "ip", ("ClientIP",)),
    ("SigninLogs", "ip", ("IPAddress",)),
    ("AzureActivity", "ip", ("CallerIpAddress",)),
    ("AWSCloudTrail", "ip", ("SourceIpAddress",)),
)
"""Tables, the kind of what their columns hold, and the columns."""

_INDICATORS: Final = """\
let indicators = materialize(union
    (ThreatIntelIndicators
    | where TimeGenerated < now()
    | summarize arg_max(TimeGenerated, *) by Id, ObservableValue
    | where IsActive == true and (isnull(ValidUntil) or ValidUntil > ago(1h))
    | project Value = tolower(ObservableValue), IndicatorId = Id, Confidence = toreal(Confidence), Threat = ObservableKey),
    (ThreatIntelligenceIndicator
    | summarize arg_max(TimeGenerated, *) by IndicatorId
    | where Active == true and (isnull(ExpirationDateTime) or ExpirationDateTime > ago(1h))
    | mv-expand Observable = pack_array(NetworkIP, NetworkSourceIP, NetworkDestinationIP, EmailSourceIpAddress, DomainName,
        Url, FileHashValue) to typeof(string)
    | where isnotempty(Observable)
    | project Value = tolower(Observable), IndicatorId, Confidence = toreal(ConfidenceScore), Threat = ThreatType)
    | where isnotempty(Value)
    | summarize arg_max(Confidence, *) by Value);
"""

_ADDRESS: Final = r"^\[?((?:\d{1,3}\.){3}\d{1,3}|[0-9a-f.]*:[0-9a-f:.]*)\]?(?::\d+)?$"
_NETWORK: Final = r"^[0-9a-f:.]+/\d{1,3}$"

_MATCHES: Final = f"""
    | summarize FirstSeen = min(TimeGenerated), LastSeen = max(TimeGenerated), Events = count() by Value, Kind, Table);
let networks = indicators | where Value matches regex @'{_NETWORK}' | project-rename Network = Value;
let addresses = seen | where Kind == 'ip';
union
    (seen | join kind=inner (indicators) on Value),
    (addresses | evaluate ipv4_lookup((networks | where Network !has ':'), Value, Network)),
    (addresses | evaluate ipv6_lookup((networks | where Network has ':'), Value, Network))
| summarize arg_max(Confidence, *) by Value, Kind, Table
| project FirstSeen, LastSeen, Events, Value, Kind, Table, IndicatorId, Confidence, Threat,
    IPAddress = iff(Kind == 'ip', Value, ''), Domain = iff(Kind == 'domain', Value, ''),
    Url = iff(Kind == 'url', Value, ''), FileHash = iff(Kind == 'hash', Value, '')"""


def _threat_intelligence(rule: AnalyticsRule) -> AnalyticsRule:
    """Indicators in force against what the logs of the last hour name: one result for each indicator, kind and table."""
    legs = []
    for table, kind, columns in _SOURCES:
        array = ", ".join(f"tostring({column})" for column in columns)
        # OfficeActivity and others write the port behind an address
        value = f"extract(@'{_ADDRESS}', 1, tolower(Value))" if kind == "ip" else "tolower(Value)"
        legs.append(
            f"    ({table} | where TimeGenerated > ago(1h) | mv-expand Value = pack_array({array}) to typeof(string)\n"
            f"    | project TimeGenerated, Value = {value}, Kind = '{kind}', Table = '{table}' | where isnotempty(Value))"
        )
    query = _INDICATORS + "let seen = materialize(union\n" + ",\n".join(legs) + _MATCHES
    mappings = (
        ("IP", "Address", "IPAddress"),
        ("DNS", "DomainName", "Domain"),
        ("URL", "Url", "Url"),
        ("FileHash", "Value", "FileHash"),
    )
    return replace(
        rule, query=query, query_frequency=_HOUR, query_period=_INDICATORS_LAST, event_grouping=EventGrouping.ALERT_PER_RESULT,
        entity_mappings=tuple(EntityMapping(kind, (FieldMapping(name, column),)) for kind, name, column in mappings),
        alert_details_override=AlertDetailsOverride("Threat intelligence: {{Value}} in {{Table}}"),
        custom_details={"IndicatorId": "IndicatorId", "Threat": "Threat"},
    )  # fmt: skip


def _any_contains(names: Iterable[str]) -> str:
    return " or ".join(f"DisplayName contains {text_literal(name)}" for name in names)


def _texts(value: JsonValue) -> list[str]:
    if isinstance(value, Mapping) or value is None:
        return []
    return [str(one).strip() for one in (value if isinstance(value, list) else [value]) if str(one).strip()]
