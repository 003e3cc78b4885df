"""Term search: what `has` and its relatives mean (rules 14 to 18)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from vedette.engine.fragment import Fragment

if TYPE_CHECKING:
    from vedette.engine.dialect import DuckDbSql

_TERM = r"\p{L}\p{N}"
_TOGETHER = 500
"""Needles that share a regular expression."""
_META = re.compile(r"([\\.+*?()|\[\]{}^$])")


def term_search(
    sql: DuckDbSql, text: Fragment, needle: Fragment, *, left: bool = True, right: bool = True, case: bool = False
) -> str:
    """Whether a text holds a needle at term boundaries (`left`, `right`: on which sides one is required).

    A cheap substring test stands before the regular expression: it rejects almost every row of a rare search.
    """
    if needle.constant:
        return _fixed(text, str(needle.value), left, right, case, sql)
    haystack = text.sql if case else f"lower({text})"
    wanted = needle.sql if case else f"lower({needle})"
    quoted = f"regexp_escape({wanted})"
    before = f"CASE WHEN regexp_matches({wanted}, '^[{_TERM}]') THEN '(^|[^{_TERM}])' ELSE '' END" if left else "''"
    after = f"CASE WHEN regexp_matches({wanted}, '[{_TERM}]$') THEN '($|[^{_TERM}])' ELSE '' END" if right else "''"
    return f"(contains({haystack}, {wanted}) AND regexp_matches({haystack}, {before} || {quoted} || {after}))"


def any_term_search(sql: DuckDbSql, text: Fragment, needles: list[str]) -> list[str]:
    """Tests of which one is true where a text holds any of the needles at term boundaries, case aside.

    Needles that want the same boundaries share a regular expression: one with classes of Unicode takes the engine 20 ms to read.
    """
    if not all(needles):
        return ["true"]
    alike: dict[tuple[bool, bool], list[str]] = {}
    for needle in dict.fromkeys(needle.lower() for needle in needles):
        alike.setdefault((_is_term(needle[0]), _is_term(needle[-1])), []).append(needle)
    haystack = f"lower({text})"
    tests: list[str] = []
    for (left, right), wanted in alike.items():
        for first in range(0, len(wanted), _TOGETHER):
            some = wanted[first : first + _TOGETHER]
            contains = " OR ".join(f"contains({haystack}, {sql.quote(needle)})" for needle in some)
            if not left and not right:
                tests.append(contains)
                continue
            before, after = f"(^|[^{_TERM}])" if left else "", f"($|[^{_TERM}])" if right else ""
            pattern = f"{before}({'|'.join(map(literal_pattern, some))}){after}"
            tests.append(f"(({contains}) AND regexp_matches({haystack}, {sql.quote(pattern)}, 's'))")
    return tests


def literal_pattern(text: str) -> str:
    """A regular expression of a text as it is written."""
    return _META.sub(r"\\\1", text)


def _fixed(text: Fragment, needle: str, left: bool, right: bool, case: bool, sql: DuckDbSql) -> str:
    if not needle:
        return "true"
    wanted = needle if case else needle.lower()
    haystack = text.sql if case else f"lower({text})"
    before = f"(^|[^{_TERM}])" if left and _is_term(wanted[0]) else ""
    after = f"($|[^{_TERM}])" if right and _is_term(wanted[-1]) else ""
    contains = f"contains({haystack}, {sql.quote(wanted)})"
    if not before and not after:
        return contains
    pattern = before + literal_pattern(wanted) + after
    return f"({contains} AND regexp_matches({haystack}, {sql.quote(pattern)}, 's'))"


def _is_term(character: str) -> bool:
    return character.isalnum()
