"""What differs between two sets of rules, field by field in the public layout."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

from vedette.detect.export.layout import to_layout
from vedette.detect.reading.files import ReadRule
from vedette.detect.rule import AnalyticsRule


def compare(old: Iterable[ReadRule], new: Iterable[ReadRule]) -> dict[str, Any]:
    """Rules added, removed and changed. Rules are the same by id, or else by name."""
    before = [read.rule for read in old]
    added, changed = [], []
    unchanged = 0
    for rule in (read.rule for read in new):
        there = next((one for one in before if one.id.lower() == rule.id.lower()), None)
        there = there or next((one for one in before if one.name == rule.name), None)
        if there is None:
            added.append(_named(rule))
            continue
        before.remove(there)
        fields = _changes(there, rule)
        if fields:
            changed.append({**_named(rule), "fields": fields, "query": _query(there, rule)})
        else:
            unchanged += 1
    return {"added": added, "removed": [_named(rule) for rule in before], "changed": changed, "unchanged": unchanged}


def _named(rule: AnalyticsRule) -> dict[str, Any]:
    return {"id": rule.id, "name": rule.name}


def _changes(old: AnalyticsRule, new: AnalyticsRule) -> list[dict[str, Any]]:
    before, after = to_layout(old), to_layout(new)
    names = dict.fromkeys([*before, *after])
    return [
        {"field": name, "old": before.get(name), "new": after.get(name)}
        for name in names
        if before.get(name) != after.get(name)
    ]


def _query(old: AnalyticsRule, new: AnalyticsRule) -> list[str]:
    """The lines of the query that differ, as a unified diff; none when it is the same."""
    lines = difflib.unified_diff(old.query.splitlines(), new.query.splitlines(), "old", "new", lineterm="", n=2)
    return list(lines)
