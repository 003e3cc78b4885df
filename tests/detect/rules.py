"""Rules for tests: made of a few words."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from vedette.detect.export.layout import to_layout
from vedette.detect.reading.files import ReadRule, RuleSource
from vedette.detect.rule import AnalyticsRule


def rule(number: int = 1, **more: Any) -> AnalyticsRule:
    """An hourly rule over the last hour."""
    fields: dict[str, Any] = {
        "id": f"00000000-0000-4000-8000-{number:012}",
        "name": f"Rule {number}",
        "query": f"Events | where Rule == {number}",
        "query_frequency": timedelta(hours=1),
        "query_period": timedelta(hours=1),
    }
    return AnalyticsRule(**(fields | more))


def as_read(*rules: AnalyticsRule, file: str = "rules.yaml") -> list[ReadRule]:
    """The rules as if they had been read from a file."""
    return [ReadRule(one, RuleSource(file, number, "yaml", to_layout(one))) for number, one in enumerate(rules, 1)]
