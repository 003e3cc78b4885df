"""Terms in texts: the tests that `has` and its relatives become mean the same as one expression with Unicode's classes."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vedette.engine.dialect import DuckDbSql, quote
from vedette.engine.fragment import Fragment
from vedette.engine.rowfunctions import register
from vedette.engine.terms import any_term_search, is_term, literal_pattern, term_search
from vedette.kql.types import Type

_CLASS = r"\p{L}\p{N}"
_PIECES = st.sampled_from(
    [*"aAzZ09 -_.:/|()[]{}\\^$*+?'\"\x00\x1f\n\x7f`@é€ßİıK²½ー中文字ñ\u0301\u200d😀𝔸٣", "sqlmap", "SqlMap", "a-a", "év"]
)
_TEXT = st.lists(_PIECES, max_size=8).map("".join)
_ANY = st.one_of(_TEXT, st.text(st.characters(exclude_categories=["Cs", "Cn"]), max_size=6))


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as made:
        made.execute("SET threads = 1")
        yield made


def _truth(connection: duckdb.DuckDBPyConnection, sql: DuckDbSql, test: str, text: str, needle: str) -> bool:
    known = {name for (name,) in connection.execute("SELECT DISTINCT function_name FROM duckdb_functions()").fetchall()}
    for use in sql.row_functions.values():
        if use.key not in known:
            register(connection, use)
    found = connection.execute(f"SELECT {test} FROM (SELECT $1 AS t, $2 AS n)", [text, needle]).fetchone()
    assert found is not None
    assert isinstance(found[0], bool)
    return found[0]


def _plainly(needle: str, left: bool, right: bool, case: bool) -> str:
    """The definition: one expression, in which a boundary is no letter and no number of Unicode's."""
    needle = needle if case else needle.lower()
    text = "t" if case else "lower(t)"
    if not needle:
        return "true"
    before = f"(^|[^{_CLASS}])" if left and is_term(needle[0]) else ""
    after = f"($|[^{_CLASS}])" if right and is_term(needle[-1]) else ""
    return f"regexp_matches({text}, {quote(before + literal_pattern(needle) + after)}, 's')"


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_ANY, _ANY, _ANY, _ANY, st.booleans(), st.booleans(), st.booleans(), st.booleans())
def test_a_term_is_found_as_by_its_definition(
    connection: duckdb.DuckDBPyConnection,
    before: str, needle: str, between: str, after: str, twice: bool, left: bool, right: bool, case: bool,
) -> None:  # fmt: skip
    text = before + needle + between + (needle if twice else "") + after
    expected = _truth(connection, DuckDbSql(), _plainly(needle, left, right, case), text, needle)
    fixed = DuckDbSql()
    test = term_search(
        fixed, Fragment("t", Type.STRING, False), Fragment(quote(needle), Type.STRING, False, needle),
        left=left, right=right, case=case,
    )  # fmt: skip
    assert _truth(connection, fixed, test, text, needle) == expected
    computed = DuckDbSql()
    test = term_search(
        computed, Fragment("t", Type.STRING, False), Fragment("n", Type.STRING, False),
        left=left, right=right, case=case,
    )  # fmt: skip
    if case or needle.lower() == connection.execute("SELECT lower($1)", [needle]).fetchall()[0][0]:
        assert _truth(connection, computed, test, text, needle) == expected


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_ANY, st.lists(_ANY.filter(bool), min_size=1, max_size=4), _ANY, st.integers(0, 3))
def test_any_of_some_terms_is_found_as_by_their_definition(
    connection: duckdb.DuckDBPyConnection, before: str, needles: list[str], after: str, which: int
) -> None:
    text = before + needles[which % len(needles)] + after
    expected = any(_truth(connection, DuckDbSql(), _plainly(needle, True, True, False), text, "") for needle in needles)
    sql = DuckDbSql()
    tests = any_term_search(sql, Fragment("t", Type.STRING, False), needles)
    assert _truth(connection, sql, " OR ".join(tests), text, "") == expected


def test_the_engine_and_the_check_beside_it_know_the_same_letters(connection: duckdb.DuckDBPyConnection) -> None:
    """But for characters that came to Unicode lately, of which the two have different versions."""
    rows = connection.execute(
        rf"SELECT i, regexp_matches(chr(i::INTEGER), '[{_CLASS}]') FROM range(1, 196608) r(i) "
        "WHERE i NOT BETWEEN 55296 AND 57343"
    ).fetchall()
    different = [code for code, found in rows if is_term.__wrapped__(chr(code)) != found]
    assert [code for code in different if unicodedata.category(chr(code)) != "Cn"] == []


def test_no_statement_has_a_class_that_takes_long_to_read() -> None:
    sql = DuckDbSql()
    text = Fragment("t", Type.STRING, False)
    needle = Fragment("'sqlmap'", Type.STRING, False, "sqlmap")
    made = [term_search(sql, text, needle), *any_term_search(sql, text, ["a", "b c", "-"])]
    assert not any("\\p" in test for test in made)
