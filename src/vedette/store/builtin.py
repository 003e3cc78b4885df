"""Functions that every workspace of Log Analytics and Microsoft Sentinel has over the tables in which a server tells of itself.

Names and columns: Azure Monitor's page about monitoring a workspace (`_LogOperation`), Microsoft Sentinel's pages about auditing and
health (`_SentinelHealth`, `_SentinelAudit`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from vedette.kql.host import SavedFunction
from vedette.store.compiling import compiled

_BODIES: Final = {
    "_LogOperation": """Operation
| project TimeGenerated, Category = OperationCategory, Operation = OperationKey,
    Level = case(OperationStatus in~ ('Failed', 'Error'), 'Error', OperationStatus =~ 'Warning', 'Warning', 'Info'),
    Detail, _ResourceId, Computer, CorrelationId""",
    "_SentinelHealth": "SentinelHealth",
    "_SentinelAudit": "SentinelAudit",
}


def function(name: str) -> SavedFunction | None:
    """The function of that name, or None without such a one."""
    body = _BODIES.get(name)
    return None if body is None else compiled(name, "", body)


def names() -> Iterable[str]:
    """The name of each."""
    return _BODIES.keys()
