"""Rules as YAML for people: the public Azure-Sentinel layout as its repository writes it, queries as blocks of lines."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final

import yaml

from vedette.detect.export.layout import to_layout
from vedette.detect.reading.durations import format_short
from vedette.detect.rule import AnalyticsRule

_LENGTHS: Final = ("queryFrequency", "queryPeriod")


class _Writer(yaml.SafeDumper):
    """Writes texts of several lines as blocks; those that no block can hold (blanks at the end of a line) stay quoted."""


def _text(writer: _Writer, text: str) -> yaml.ScalarNode:
    return writer.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Writer.add_representer(str, _text)


def to_yaml(rules: Iterable[AnalyticsRule]) -> str:
    """The rules, a document each. To read it gives rules of the same content."""
    return yaml.dump_all(map(_written, rules), Dumper=_Writer, sort_keys=False, allow_unicode=True, width=120)


def _written(rule: AnalyticsRule) -> dict[str, Any]:
    layout = to_layout(rule)
    for field, length in zip(_LENGTHS, (rule.query_frequency, rule.query_period), strict=True):
        if field in layout and isinstance(length, timedelta):
            layout[field] = format_short(length)
    return layout
