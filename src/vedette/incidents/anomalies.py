"""What anomaly rules find, as rows of Anomalies: Log Analytics' columns, Sentinel's words. They are no alerts and make no incidents.

Source: the table's reference page (learn.microsoft.com/azure/azure-monitor/reference/tables/anomalies) and Sentinel's page on
anomalies, which says how rules in flighting stand beside those in production.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from vedette.detect.alerts.moments import wire_datetime
from vedette.detect.entities.entity import Entity
from vedette.detect.entities.mapping import text_of
from vedette.detect.rule import AnalyticsRule, JsonValue
from vedette.incidents.logrows import security_entities
from vedette.incidents.models import AlertRow
from vedette.incidents.records import PRODUCT

ANOMALIES: Final = "Anomalies"

_TEXTS: Final = (
    "UserName",
    "UserPrincipalName",
    "SourceIpAddress",
    "SourceDevice",
    "DestinationIpAddress",
    "DestinationDevice",
)
_OBJECTS: Final = (
    "SourceLocation", "DestinationLocation", "ActivityInsights", "DeviceInsights", "UserInsights", "AnomalyReasons",
    "ExtendedLinks", "AnomalyDetails",
)  # fmt: skip
"""Columns that a rule fills by columns of these names in its result."""


def anomaly(row: AlertRow, rule: AnalyticsRule, workspace_id: str) -> dict[str, Any]:
    """A row of Anomalies of what is kept of one result."""
    body = row.body
    found: Mapping[str, JsonValue] = body["sample"][0] if body["sample"] else {}
    entities = [Entity.from_dict(one) for one in body["entities"]]
    told: dict[str, Any] = {name: text_of(found[name]) for name in _TEXTS if found.get(name)}
    told |= {name: found[name] for name in _OBJECTS if found.get(name) is not None}
    for name, kind in (("UserPrincipalName", "Account"), ("SourceIpAddress", "IP"), ("SourceDevice", "Host")):
        title = next((one.title for one in entities if one.type == kind), None)
        if title is not None and (name != "UserPrincipalName" or "@" in title):
            told.setdefault(name, title)
    return {
        "TenantId": workspace_id,
        "Id": row.id,
        "WorkspaceId": workspace_id,
        "VendorName": PRODUCT,
        "TimeGenerated": wire_datetime(row.generated_at),
        "AnomalyTemplateId": rule.template_name or rule.id,
        "AnomalyTemplateName": rule.name,
        "AnomalyTemplateVersion": rule.template_version or rule.version or "",
        "RuleId": rule.id,
        "RuleStatus": status_of(rule),
        "RuleName": rule.name,
        "RuleConfigVersion": rule.version or "",
        "Score": _score(found.get("Score")),
        "Description": body["description"],
        "StartTime": row.start,
        "EndTime": row.end,
        "Tactics": ",".join(body["tactics"]),
        "Techniques": ",".join([*body["techniques"], *body["subTechniques"]]),
        "Entities": security_entities(entities),
        "ExtendedProperties": {
            "Query": body["query"], "Query Start Time UTC": body["window"]["from"], "Query End Time UTC": body["window"]["to"],
            "Custom Details": body["customDetails"], "Notes": body["notes"],
        },
        "SourceSystem": "Detection",
        "Type": ANOMALIES,
        **told,
    }  # fmt: skip


def status_of(rule: AnalyticsRule) -> str:
    """``Production``, or ``Flighting`` where the rule is tried beside one in production: nobody should act on what it finds."""
    return "Flighting" if str(rule.extra.get("settingsStatus", "")).casefold() == "flighting" else "Production"


def _score(value: JsonValue) -> float | None:
    """The result's score; None for what is no number, and for one that JSON cannot say."""
    try:
        score = float("nan") if value is None or isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return None
    return score if math.isfinite(score) else None
