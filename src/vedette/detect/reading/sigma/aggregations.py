"""Conditions of older Sigma that count what a rule finds (``selection | count() by SourceIp > 10``), as correlations that say the same.

Sigma 2 has correlation rules in their place, and pySigma reads these conditions no longer. Source: the section on aggregation
expressions of Sigma's specification before its version 2.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from vedette.detect.reading.sigma.unmapped import Unmapped

_EVENTS: Final = "events"
"""What the rule of the events is called that has no name of its own."""
_COUNTED: Final = re.compile(
    r"(?P<function>\w+)\s*\(\s*(?P<field>[^()]*?)\s*\)\s*(?:by\s+(?P<by>.+?)\s*)?(?P<operator><=|>=|==|=|<|>)\s*(?P<number>\d+)",
    re.IGNORECASE,
)
_TYPES: Final = {"count": "value_count", "sum": "value_sum", "avg": "value_avg"}
_OPERATORS: Final = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte", "=": "eq", "==": "eq"}


def aggregation(source: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """A rule that counts, as the rule of its events and the correlation of them; None of a rule that does not count.

    Raises `Unmapped` with what of the condition is no correlation.
    """
    detection = source.get("detection")
    condition = detection.get("condition") if isinstance(detection, Mapping) else None
    if not isinstance(condition, str) or "|" not in condition:
        return None
    assert isinstance(detection, Mapping)
    search, _, counted = (part.strip() for part in condition.partition("|"))
    if counted.casefold().startswith("near"):
        raise Unmapped("its condition says 'near', of which newer Sigma makes a correlation of the type temporal")
    found = _COUNTED.fullmatch(counted)
    if found is None:
        raise Unmapped(f"'| {counted}' is not an aggregation like '| count() by SourceIp > 10'")
    function, field = found["function"].casefold(), found["field"].strip()
    kind = "event_count" if function == "count" and not field else _TYPES.get(function)
    if kind is None:
        raise Unmapped(f"'{function}' is not an aggregation that is known here: {', '.join(_TYPES)} are")
    if kind != "event_count" and not field:
        raise Unmapped(f"'{function}()' lacks the field whose values it takes")
    span = detection.get("timeframe")
    if not isinstance(span, str) or not span.strip():
        raise Unmapped("it counts, and has no 'timeframe' that says over what time")
    compared: dict[str, Any] = {_OPERATORS[found["operator"]]: int(found["number"])}
    name = str(source.get("name") or _EVENTS)
    correlation: dict[str, Any] = {
        "type": kind,
        "rules": [name],
        "timespan": span.strip(),
        "condition": compared | ({"field": field} if field else {}),
    }
    groups = [one for one in re.split(r"[,\s]+", found["by"] or "") if one]
    if groups:
        correlation["group-by"] = groups
    kept = {name: value for name, value in detection.items() if name != "timeframe"}
    events = {**source, "name": name, "detection": kept | {"condition": search}}
    return events, {"title": source.get("title"), "correlation": correlation}
