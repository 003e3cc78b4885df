r"""Term search: what `has` and its relatives mean (rules 14 to 18).

A needle stands in a text as a term where no letter and no number of Unicode's (`\p{L}`, `\p{N}`) is beside it, on those sides of the
needle that end in one. Reading a regular expression with these classes takes the engine 10 to 30 ms for every statement, so the one
that it is given knows the letters and digits of ASCII alone. That decides wherever a text has no other character, and wherever some
needle has only characters of ASCII beside it; Python looks at the others.
"""

from __future__ import annotations

import functools
import json
import re
from typing import TYPE_CHECKING, Any

from vedette.core.deferred import deferred
from vedette.engine.fragment import Fragment
from vedette.kql.types import Type

if TYPE_CHECKING:
    import re2

    from vedette.engine.dialect import DuckDbSql
else:
    re2 = deferred("re2")

_OTHER = r"[^0-9A-Za-z]"
"""What may be beside a needle, if everything beyond ASCII may."""
_OTHER_OF_ASCII = r"[\x00-/:-@\[-`{-\x7f]"
"""What may be beside a needle in any event."""
_TOGETHER = 500
"""Needles that share a regular expression."""
_META = re.compile(r"([\\.+*?()|\[\]{}^$])")


def term_search(
    sql: DuckDbSql, text: Fragment, needle: Fragment, *, left: bool = True, right: bool = True, case: bool = False
) -> str:
    """Whether a text holds a needle at term boundaries (`left`, `right`: on which sides one is required).

    A cheap substring test stands before all others: it rejects almost every row of a rare search.
    """
    if needle.constant:
        wanted = str(needle.value) if case else str(needle.value).lower()
        return _found(sql, text.sql if case else f"lower({text})", [wanted], left, right) if wanted else "true"
    haystack = text.sql if case else f"lower({text})"
    sought = needle.sql if case else f"lower({needle})"
    judged = sql.row(
        f"term_{left:d}{right:d}", _TESTS[left, right], Type.BOOL, _string(haystack), _string(sought), rare=True
    )
    return f"(CASE WHEN contains({haystack}, {sought}) THEN {judged} ELSE false END)"


def any_term_search(sql: DuckDbSql, text: Fragment, needles: list[str]) -> list[str]:
    """Tests of which one is true where a text holds any of the needles at term boundaries, case aside.

    Needles that want the same boundaries share a regular expression.
    """
    if not all(needles):
        return ["true"]
    alike: dict[tuple[bool, bool], list[str]] = {}
    for needle in dict.fromkeys(needle.lower() for needle in needles):
        alike.setdefault((is_term(needle[0]), is_term(needle[-1])), []).append(needle)
    haystack = f"lower({text})"
    return [
        _found(sql, haystack, wanted[first : first + _TOGETHER], True, True)
        for wanted in alike.values()
        for first in range(0, len(wanted), _TOGETHER)
    ]


def literal_pattern(text: str) -> str:
    """A regular expression of a text as it is written."""
    return _META.sub(r"\\\1", text)


def _found(sql: DuckDbSql, haystack: str, needles: list[str], left: bool, right: bool) -> str:
    """Whether a text holds one of some needles that are not empty and want boundaries on the same sides."""
    before, after = left and is_term(needles[0][0]), right and is_term(needles[0][-1])
    contains = " OR ".join(f"contains({haystack}, {sql.quote(needle)})" for needle in needles)
    if not before and not after:
        return f"({contains})"
    either = "|".join(map(literal_pattern, needles))

    def matches(other: str) -> str:
        pattern = f"{f'(^|{other})' if before else ''}({either}){f'($|{other})' if after else ''}"
        return f"regexp_matches({haystack}, {sql.quote(pattern)}, 's')"

    judged = sql.row(
        f"terms_{before:d}{after:d}", _LIST_TESTS[before, after], Type.BOOL, _string(haystack),
        _string(sql.quote(json.dumps(needles))), rare=True,
    )  # fmt: skip
    # of few rows Python is sooner asked than another expression is read
    sure = "" if sql.few_rows else f"WHEN {matches(_OTHER_OF_ASCII)} THEN true "
    return (
        f"(({contains}) AND CASE WHEN NOT {matches(_OTHER)} THEN false WHEN strlen({haystack}) = length({haystack}) THEN true "
        f"{sure}ELSE {judged} END)"
    )


def _string(text: str) -> Fragment:
    return Fragment(text, Type.STRING, False)


@functools.cache
def _letter_or_number() -> Any:
    return re2.compile(r"[\p{L}\p{N}]")


@functools.lru_cache(maxsize=4096)
def is_term(character: str) -> bool:
    """Whether a character is a part of terms: a letter or number of Unicode's, as the engine knows it."""
    if character < "\x80":
        return character.isalnum()
    return _letter_or_number().search(character) is not None


def stands(text: str, needle: str, left: bool, right: bool) -> bool:
    """Whether a text holds a needle at term boundaries, case and all (`left`, `right`: on which sides one is required)."""
    if not needle:
        return True
    left, right = left and is_term(needle[0]), right and is_term(needle[-1])
    at = text.find(needle)
    while at >= 0:
        end = at + len(needle)
        if not (left and at and is_term(text[at - 1])) and not (right and end < len(text) and is_term(text[end])):
            return True
        at = text.find(needle, at + 1)
    return False


@functools.lru_cache(maxsize=256)
def _needles(listed: str) -> tuple[str, ...]:
    return tuple(json.loads(listed))


def _one(left: bool, right: bool) -> Any:
    def holds_term(text: str, needle: str) -> bool:
        return stands(text, needle, left, right)

    return holds_term


def _some(left: bool, right: bool) -> Any:
    def holds_a_term(text: str, needles: str) -> bool:
        return any(stands(text, needle, left, right) for needle in _needles(needles))

    return holds_a_term


_SIDES = [(left, right) for left in (False, True) for right in (False, True)]
_TESTS = {sides: _one(*sides) for sides in _SIDES}
_LIST_TESTS = {sides: _some(*sides) for sides in _SIDES}
