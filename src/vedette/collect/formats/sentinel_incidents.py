"""Incidents of Microsoft Sentinel as Azure Resource Manager has them (`Microsoft.SecurityInsights`), as rows of SecurityIncident.

The Azure CLI writes a resource's properties beside its id, name and type.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from vedette.collect.formats.columns import Record, Unreadable, columns, text
from vedette.collect.formats.shapes import moment
from vedette.collect.formats.timestamps import Moments

TABLE: Final = "SecurityIncident"
TYPE: Final = "microsoft.securityinsights/incidents"
_TIMES: Final = {
    "createdTimeUtc": "CreatedTime", "lastModifiedTimeUtc": "LastModifiedTime", "firstActivityTimeUtc": "FirstActivityTime",
    "lastActivityTimeUtc": "LastActivityTime",
}  # fmt: skip
_OWN: Final = frozenset(
    {*_TIMES, "relatedAnalyticRuleIds", "id", "name", "type", "etag", "systemData", "resourceGroup"}
)


def read(record: Mapping[str, Any], moments: Moments) -> Record | Unreadable:
    """The row of an incident, or the incident with the reason why it is none."""
    held = record.get("properties")
    properties = held if isinstance(held, Mapping) else record
    at = moment(properties.get("lastModifiedTimeUtc"), moments)
    if at is None:
        return Unreadable(text(record), "the incident has no lastModifiedTimeUtc that can be read")
    row: dict[str, Any] = {"TimeGenerated": at, "IncidentName": record.get("name"), "SourceSystem": "Azure"}
    columns(TABLE).put(row, {name: value for name, value in properties.items() if name not in _OWN})
    row |= {column: moment(properties.get(name), moments) for name, column in _TIMES.items()}
    if str(properties.get("status")).casefold() == "closed":
        row["ClosedTime"] = at
    rules = properties.get("relatedAnalyticRuleIds")
    if isinstance(rules, list):
        row["RelatedAnalyticRuleIds"] = [str(rule).rpartition("/")[2] for rule in rules]
    return Record(TABLE, {name: value for name, value in row.items() if value not in (None, "")})
