"""What tells a record of a table from every other one, so that overlapping exports bring each once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

import orjson

from vedette.store.records import record_key

_BY_TABLE: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "OfficeActivity": (("OfficeId",),),
    "AzureActivity": (("EventDataId",),),
    "SecurityAlert": (("SystemAlertId", "Status", "AlertSeverity", "ProcessingEndTime", "TimeGenerated"),),
    "SecurityIncident": (("ProviderIncidentId", "TimeGenerated"), ("IncidentName", "TimeGenerated")),
    "AlertInfo": (("AlertId", "TimeGenerated"),),
    "AADUserRiskEvents": (("Id", "RiskState", "RiskDetail"),),
    "AADRiskyUsers": (("Id", "RiskLastUpdatedDateTime"),),
    "MicrosoftGraphActivityLogs": (("RequestId",),),
    "ExchangeMessageTrace_CL": (("MessageTraceId", "RecipientAddress", "Status", "TimeGenerated"),),
    "SecurityEvent": (("Computer", "Channel", "EventRecordId", "TimeGenerated"),),
    "WindowsEvent": (("Computer", "Channel", "EventRecordId", "TimeGenerated"),),
}
_GENERAL: Final[tuple[tuple[str, ...], ...]] = (
    ("DeviceId", "ReportId", "Timestamp", "ActionType"),
    ("DeviceId", "ReportId", "TimeGenerated", "ActionType"),
    ("_ItemId",),
    ("Id", "TimeGenerated"),
)
_IN_PART: Final = frozenset({"SecurityAlert", "AADUserRiskEvents"})
"""Tables whose rows the first two parts of an id tell where the others are missing. Elsewhere a part that is missing makes it none:
of Windows events, many exports have computer, channel and time, but no number, and those would be one for all events of a second."""
_NOT_ALONE: Final = frozenset(
    {
        "AlertEvidence", "AADRiskyServicePrincipals", "AADServicePrincipalRiskEvents", "DeviceTvmSoftwareVulnerabilities",
        "DeviceTvmSoftwareInventory",
    }
)  # fmt: skip
"""Tables where the ids of `_GENERAL` do not tell one row from the others."""


class Identities:
    """The keys of the records of one file. A record without an id of its own is told by all that it has, and by how often it came."""

    def __init__(self) -> None:
        self._seen: Counter[bytes] = Counter()

    def key(self, table: str, row: Mapping[str, Any]) -> bytes:
        """The key of a record."""
        for names in _BY_TABLE.get(table, () if table in _NOT_ALONE else _GENERAL):
            values = [row.get(name) for name in names]
            needed = values[:2] if table in _IN_PART else values
            if all(value not in (None, "") for value in needed):
                return record_key(table, *(_text(name, value) for name, value in zip(names, values)))
        whole = record_key(table, orjson.dumps(row, default=str, option=orjson.OPT_SORT_KEYS))
        self._seen[whole] += 1
        times = self._seen[whole]
        return whole if times == 1 else record_key(whole, str(times))


def _text(name: str, value: object) -> str:
    """A value without regard to case; of a time as much as every export has of it: the second."""
    if name == "TimeGenerated":
        return str(value)[:19]
    return value.casefold() if isinstance(value, str) else str(value)
