"""Columns that say what the store knows of a row: no sender sets them.

Log Analytics reserves these names: a stream of a data collection rule cannot have them, and the HTTP Data Collector API gives every
field a name that ends in its type. What a sender calls so is kept under such a name.
Source: learn.microsoft.com/azure/azure-monitor/logs/log-standard-columns and .../logs-ingestion-api-overview.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

RESERVED: Final[Mapping[str, str]] = {
    "Type": "Type_s",
    "TenantId": "TenantId_s",
    "_ResourceId": "_ResourceId_s",
    "_SubscriptionId": "_SubscriptionId_s",
    "_ItemId": "_ItemId_s",
    "_TimeReceived": "_TimeReceived_t",
    "_BilledSize": "_BilledSize_d",
    "_IsBillable": "_IsBillable_s",
}
"""Each of them, and the name under which a sender's own value is kept: a field of a known table that it has no column for, and a
column of a custom table."""
_NAMES: Final = tuple(RESERVED)


def kept_apart(rows: Sequence[Mapping[str, object]]) -> Sequence[Mapping[str, object]]:
    """The rows, with what their sender calls by a reserved name under the other one; those without such a name as they are."""
    changed: list[Mapping[str, object]] | None = None
    for position, row in enumerate(rows):
        for name in _NAMES:  # a loop, as this is done to every row that comes
            if name in row:
                changed = list(rows) if changed is None else changed
                changed[position] = _renamed(row)
                break
    return rows if changed is None else changed


def _renamed(row: Mapping[str, object]) -> dict[str, object]:
    kept = {name: value for name, value in row.items() if name not in RESERVED}
    for name, other in RESERVED.items():
        if name in row:
            suffix = other[len(name) :]
            while other in kept:
                other += suffix
            kept[other] = row[name]
    return kept
