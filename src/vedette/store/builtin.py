"""Functions that every workspace of Log Analytics and Microsoft Sentinel has: over the tables in which a server tells of itself, and
those that parsers of ASIM are written with.

Names and columns: Azure Monitor's page about monitoring a workspace (`_LogOperation`), Microsoft Sentinel's pages about auditing and
health (`_SentinelHealth`, `_SentinelAudit`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from vedette.kql.host import SavedFunction
from vedette.store import asim_helpers
from vedette.store.compiling import compiled

_FUNCTIONS: Final = {
    "_LogOperation": ("", """Operation
| project TimeGenerated, Category = OperationCategory, Operation = OperationKey,
    Level = case(OperationStatus in~ ('Failed', 'Error'), 'Error', OperationStatus =~ 'Warning', 'Warning', 'Info'),
    Detail, _ResourceId, Computer, CorrelationId"""),
    "_SentinelHealth": ("", "SentinelHealth"),
    "_SentinelAudit": ("", "SentinelAudit"),
    **asim_helpers.FUNCTIONS,
}  # fmt: skip
"""Name → its parameters and its body."""


def function(name: str) -> SavedFunction | None:
    """The function of that name, or None without such a one."""
    found = _FUNCTIONS.get(name)
    return None if found is None else compiled(name, *found)


def names() -> Iterable[str]:
    """The name of each."""
    return _FUNCTIONS.keys()
