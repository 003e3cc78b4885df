"""What people write by habit of SQL, SPL or a word processor, and how KQL says it: the hints of the parser's messages.

None of it is accepted: a text with one of these is refused as before, with the right spelling after the reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from vedette.kql.diagnostics import nearest

OPERATORS_ELSEWHERE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "aggregate": "summarize",
        "dedup": "distinct",
        "drop": "project-away",
        "eval": "extend",
        "fields": "project",
        "group": "summarize",
        "having": "where",
        "head": "take",
        "orderby": "order",
        "project-drop": "project-away",
        "project-except": "project-away",
        "project-out": "project-away",
        "project-remove": "project-away",
        "rename": "project-rename",
        "rex": "parse",
        "select": "project",
        "set": "extend",
        "spath": "extend",
        "stats": "summarize",
        "table": "project",
        "tail": "top",
        "timechart": "render",
        "unique": "distinct",
        "uniq": "distinct",
    }
)
"""A name for a tabular operator that other languages use, in lower case, and KQL's own."""

JOIN_KINDS_ELSEWHERE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "left": "leftouter",
        "right": "rightouter",
        "full": "fullouter",
        "outer": "fullouter",
        "left_outer": "leftouter",
        "right_outer": "rightouter",
        "full_outer": "fullouter",
        "semi": "leftsemi",
    }
)
"""SQL's word for a kind of join, in lower case, and KQL's."""

CHART_KINDS_ELSEWHERE: Final[Mapping[str, str]] = MappingProxyType(
    {"line": "linechart", "linegraph": "linechart", "bar": "barchart", "bargraph": "barchart", "pie": "piechart"}
)
"""Another word for a kind of chart, in lower case, and KQL's."""

_DOUBLE_QUOTES: Final = frozenset("\u201c\u201d\u201e\u201f\u00ab\u00bb\uff02")
_SINGLE_QUOTES: Final = frozenset("\u2018\u2019\u201a\u201b\u00b4\uff07")
_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "and": "and",
        "or": "or",
        "in": "in",
        "by": "by",
        "contains": "contains",
        "is": "isnull(), isempty() or their opposites isnotnull(), isnotempty()",
        "not": "not(...) around a condition, or ! before an operator, like !contains and !in",
    }
)
_LIKE_SQL: Final = frozenset({"select", "from"})
_WORD_OPERATORS: Final = (
    "between", "contains", "contains_cs", "endswith", "endswith_cs", "has", "has_all", "has_any", "has_cs", "hasprefix", "hassuffix",
    "in", "matches regex", "startswith", "startswith_cs",
)  # fmt: skip
_UNITS: Final = frozenset(
    {"d", "h", "m", "s", "ms", "day", "days", "hour", "hours", "min", "minute", "minutes", "second", "seconds"}
)


def hint(text: str, start: int, end: int, before: str = "") -> str:
    """What to write for the token of `text` from `start` to `end`, as the end of a message; empty where nothing is known.

    `before` is the token in front of it: a condition after `not` lacks its parentheses, a unit after a number is none.
    """
    token = text[start:end]
    if token in _DOUBLE_QUOTES:
        return '; the quote of a string is a straight "'
    if token in _SINGLE_QUOTES:
        return "; the quote of a string is a straight '"
    if token == "&":
        return "; two conditions are joined by the word and"
    if token == "|" and "|" in (text[start - 1 : start], text[end : end + 1]):
        return "; one of two conditions is asked for by the word or"
    if token == "=":
        return "; == compares, and a new column's name stands left of ="
    if before == "not":
        return "; not takes its condition in parentheses: not(...)"
    if text[:start].strip().lower().split(" ", 1)[0] in _LIKE_SQL:
        return "; this looks like SQL: KQL begins with the table, as in Table | where Column == 1 | project Column"
    if before.isdigit() and token.lower() in _UNITS:
        unit = token.lower() if len(token) < 3 else token[0].lower()
        return f"; a timespan has no space between its number and its unit: {before}{unit}"
    word = _WORDS.get(token.lower())
    if word is not None:
        return f"; write {word}" if word != token else ""
    operator = nearest(token, _WORD_OPERATORS) if before.isidentifier() and token.isidentifier() else None
    return f"; did you mean {operator}?" if operator is not None and operator != token else ""
