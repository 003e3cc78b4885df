"""The query of a rule of kind Fusion: every signal of its look-back, a row each.

Signals are alerts, of rules and of other products; anomalies in production; and, as context without a stage of their own, activities that
behaviour analytics finds worth a look. An alert that only restates another (the incident creation rules') and the alerts of Fusion
itself are none.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from vedette.detect.correlation.settings import FREQUENCY, LOOKBACK, Provider, settings_of
from vedette.detect.rule import AnalyticsRule, EventGrouping
from vedette.kql.text_literal import text_literal

PROVIDERS: Final = ("ASI Fusion", "ASI Microsoft Security")
"""What alerts of Fusion, and those that restate an alert of another product, bear as their provider."""

_ALERTS: Final = f"""\
    (
    SecurityAlert
    | where ProviderName !in~ ({", ".join(map(text_literal, PROVIDERS))}) and ProductComponentName !~ 'Fusion'
    | extend SignalId = case(isnotempty(SystemAlertId), SystemAlertId, isnotempty(VendorOriginalId), VendorOriginalId,
        hash_sha256(strcat(ProductName, DisplayName, AlertName, Entities, tostring(StartTime), tostring(TimeGenerated))))
    | summarize arg_max(TimeGenerated, *) by SignalId
FILTERS    | extend Title = coalesce(DisplayName, AlertName)
    | project StartTime = coalesce(StartTime, TimeGenerated), EndTime = coalesce(EndTime, StartTime, TimeGenerated),
        RaisedTime = TimeGenerated, Kind = 'Alert', Product = ProductName, Title, Severity = AlertSeverity, Tactics, Techniques,
        Detection = iff(ProductName =~ 'Azure Sentinel' and isnotempty(AlertType), AlertType, strcat(ProductName, '/', Title)),
        SignalId, Entities)"""
_ANOMALIES: Final = """\
    (
    Anomalies
    | where RuleStatus !~ 'Flighting'
    | summarize arg_max(TimeGenerated, *) by Id
    | project StartTime = coalesce(StartTime, TimeGenerated), EndTime = coalesce(EndTime, StartTime, TimeGenerated),
        RaisedTime = TimeGenerated, Kind = 'Anomaly', Product = VendorName, Title = coalesce(RuleName, AnomalyTemplateName),
        Severity = 'Informational', Tactics, Techniques, Detection = strcat('Anomalies/', coalesce(RuleId, AnomalyTemplateId, RuleName)),
        SignalId = Id, Entities = tostring(Entities))"""
_BEHAVIOUR: Final = """\
    (
    BehaviorAnalytics
    | where InvestigationPriority >= 5
    | extend SignalId = coalesce(SourceRecordId,
        hash_sha256(strcat(ActivityType, ActionType, UserPrincipalName, SourceIPAddress, tostring(TimeGenerated))))
    | summarize arg_max(TimeGenerated, *) by SignalId
    | project StartTime = TimeGenerated, EndTime = TimeGenerated, RaisedTime = TimeGenerated, Kind = 'Behavior',
        Product = 'User and Entity Behavior Analytics', Title = strcat('Anomalous activity: ', coalesce(ActionType, ActivityType)),
        Severity = 'Informational', Tactics = '', Techniques = '', Detection = strcat('BehaviorAnalytics/', ActivityType), SignalId,
        Entities = tostring(pack_array(bag_pack('Type', 'account', 'FullName', coalesce(UserPrincipalName, UserName)),
            bag_pack('Type', 'ip', 'Address', SourceIPAddress), bag_pack('Type', 'host', 'FullName', SourceDevice))))"""


def made_fusion(rule: AnalyticsRule) -> AnalyticsRule:
    """The rule with its query, and what follows from its kind; frequency and look-back are its own where it has them."""
    settings = settings_of(rule.extra)
    legs = [_ALERTS.replace("FILTERS", _filters(settings.providers))] if settings.alerts else []
    legs += [_ANOMALIES, _BEHAVIOUR] if settings.anomalies else []
    frequency = rule.query_frequency or FREQUENCY
    return replace(
        rule, query="" if not legs else "union\n" + ",\n".join(legs), query_frequency=frequency,
        query_period=rule.query_period or max(LOOKBACK, frequency), event_grouping=EventGrouping.ALERT_PER_RESULT,
        sentinel_entities_columns=("Entities",), custom_details={"Detections": "Title", "Products": "Product"},
    )  # fmt: skip


def plain_fusion(rule: AnalyticsRule) -> AnalyticsRule:
    """The rule without what `made_fusion` gives it."""
    plain = AnalyticsRule(id=rule.id, name=rule.name)
    return replace(
        rule, query="", query_frequency=None if rule.query_frequency == FREQUENCY else rule.query_frequency,
        query_period=None if rule.query_period == LOOKBACK else rule.query_period, event_grouping=plain.event_grouping,
        sentinel_entities_columns=(), custom_details={},
    )  # fmt: skip


def _filters(providers: tuple[Provider, ...]) -> str:
    lines = []
    for one in providers:
        of = f"{one.column} in~ ({', '.join(map(text_literal, one.values))})"
        if not one.off:
            of += f" and AlertSeverity in~ ({', '.join(map(text_literal, one.left_out))})"
        lines.append(f"    | where not({of})\n")
    return "".join(lines)
