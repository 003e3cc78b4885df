"""String operators: has, contains, startswith, endswith, their case-sensitive and negated forms, =~ and regex."""

from __future__ import annotations

from collections.abc import Callable

from vedette.engine import regex
from vedette.engine.catalog import operator, scalar
from vedette.engine.dialect import DuckDbSql
from vedette.engine.fragment import Fragment
from vedette.engine.terms import term_search
from vedette.kql.types import Type

Test = Callable[[DuckDbSql, Fragment, Fragment, bool], str]


def _folded(value: Fragment, case: bool, sql: DuckDbSql) -> str:
    if case:
        return value.sql
    return sql.quote(str(value.value).lower()) if value.constant else f"lower({value})"


def _has(sql: DuckDbSql, text: Fragment, needle: Fragment, case: bool) -> str:
    return term_search(sql, text, needle, case=case)


def _hasprefix(sql: DuckDbSql, text: Fragment, needle: Fragment, case: bool) -> str:
    return term_search(sql, text, needle, right=False, case=case)


def _hassuffix(sql: DuckDbSql, text: Fragment, needle: Fragment, case: bool) -> str:
    return term_search(sql, text, needle, left=False, case=case)


def _contains(sql: DuckDbSql, text: Fragment, needle: Fragment, case: bool) -> str:
    return f"contains({_folded(text, case, sql)}, {_folded(needle, case, sql)})"


def _startswith(sql: DuckDbSql, text: Fragment, needle: Fragment, case: bool) -> str:
    return f"starts_with({_folded(text, case, sql)}, {_folded(needle, case, sql)})"


def _endswith(sql: DuckDbSql, text: Fragment, needle: Fragment, case: bool) -> str:
    return f"suffix({_folded(text, case, sql)}, {_folded(needle, case, sql)})"


def _register(name: str, test: Test, what: str) -> None:
    for suffix, case in (("", False), ("_cs", True)):
        for negated in (False, True):

            def emit(
                sql: DuckDbSql, text: Fragment, needle: Fragment, case: bool = case, negated: bool = negated
            ) -> Fragment:
                positive = test(sql, text, needle, case)
                return Fragment(f"(NOT {positive})" if negated else positive, Type.BOOL, False)

            symbol = f"{'!' if negated else ''}{name}{suffix}"
            about = f"{'Does not hold' if negated else 'Holds'}: {what}{' (case-sensitive)' if case else ''}."
            operator(symbol, "search(text: string, needle: string): bool", about=about, nulls="total")(emit)


_register("has", _has, "the needle stands in the text as whole terms")
_register("hasprefix", _hasprefix, "some term of the text starts with the needle")
_register("hassuffix", _hassuffix, "some term of the text ends with the needle")
_register("contains", _contains, "the needle stands anywhere in the text")
_register("startswith", _startswith, "the text starts with the needle")
_register("endswith", _endswith, "the text ends with the needle")


@operator("=~", "same(left: string, right: string): bool", about="Equal, whatever the case.", nulls="total")
def equal_folded(sql: DuckDbSql, left: Fragment, right: Fragment) -> Fragment:
    return Fragment(f"({_folded(left, False, sql)} = {_folded(right, False, sql)})", Type.BOOL, False)


@operator("!~", "differs(left: string, right: string): bool", about="Not equal, whatever the case.", nulls="total")
def differs_folded(sql: DuckDbSql, left: Fragment, right: Fragment) -> Fragment:
    return Fragment(f"({_folded(left, False, sql)} <> {_folded(right, False, sql)})", Type.BOOL, False)


def found_regex(text: str, pattern: str) -> bool:
    """Whether some part of a text matches a pattern; one that is none matches nothing."""
    found = regex.compiled(pattern, text.isascii())
    return found is not None and found.search(text) is not None


@operator(
    "matches regex", "match(text: string, pattern: string): bool", nulls="total",
    checks={"pattern": regex.fault},
    about="Some part of the text matches a regular expression.",
)  # fmt: skip
def matches_regex(sql: DuckDbSql, text: Fragment, pattern: Fragment) -> Fragment:
    if pattern.constant:
        test = regex.by_alphabet(text, str(pattern.value), lambda p: f"regexp_matches({text}, {sql.quote(p)})")
        needed = regex.required_text(str(pattern.value))
        if needed is not None and sql.may("regex-literal"):
            test = f"(contains({text}, {sql.quote(needed)}) AND {test})"
        return Fragment(test, Type.BOOL, False)
    return Fragment(sql.row("found_regex", found_regex, Type.BOOL, text, pattern), Type.BOOL, False)


@scalar(
    "has_any_index(source: text, values: array): long",
    about="The place of the first value of an array that stands in the source as whole terms; -1 where none does.",
    page="has-any-index-function",
)
def has_any_index(sql: DuckDbSql, source: Fragment, values: Fragment) -> str:
    needle = Fragment("e", Type.STRING, False)
    tests = f"list_transform({sql.texts(values)}, lambda e: {term_search(sql, source, needle)})"
    return f"(coalesce(list_position({tests}, true), 0) - 1)"
