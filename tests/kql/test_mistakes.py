"""A check goes on after a mistake: every mistake has its code and place, and the result still has columns."""

from __future__ import annotations

import pytest

from vedette.engine.catalog import full_catalog
from vedette.engine.query import check_text
from vedette.kql.foreign import CHART_KINDS_ELSEWHERE, JOIN_KINDS_ELSEWHERE, OPERATORS_ELSEWHERE
from vedette.kql.host import Field, TableSchema
from vedette.kql.operators.join import JOIN_KINDS
from vedette.kql.operators.registry import OPERATORS
from vedette.kql.types import Type

LOGS = TableSchema("Logs", (Field("Level", Type.LONG, "Level"), Field("Text", Type.STRING, "Text")))


class OneTable:
    """A workspace with one table."""

    name = "default"

    def table(self, name: str) -> TableSchema | None:
        return LOGS if name == "Logs" else None

    def table_names(self) -> list[str]:
        return ["Logs"]

    def function(self, name: str) -> None:
        return None

    def workspace(self, name: str) -> None:
        return None


def checked(text: str) -> tuple[list[tuple[str, int]], list[tuple[str, str]]]:
    found = check_text(text, full_catalog(), OneTable())
    errors = [(d.code, d.start) for d in found.diagnostics if d.severity == "Error"]
    return errors, [(column.name, column.type.value) for column in found.columns or ()]


@pytest.mark.parametrize(
    ("text", "errors", "columns"),
    [
        # two mistakes of one statement, and what follows them
        (
            "Logs | where Missing == 1 | extend n = Level + Text | project n, Text",
            [("KS142", 13), ("KS106", 45)],
            [("n", "long"), ("Text", "string")],
        ),
        # a table that is not there is taken to have the columns that the text names
        ("Nowhere | where a == 1 | extend b = 2", [("KS204", 0)], [("a", "unknown"), ("b", "long")]),
        ("Nowhere | summarize n = count() by k", [("KS204", 0)], [("k", "unknown"), ("n", "long")]),
        (
            "Logs | join (Nowhere) on Text",
            [("KS204", 13)],
            [("Level", "long"), ("Text", "string"), ("Text1", "unknown")],
        ),
        # a function that is not there gives anything, and no columns
        ("Logs | invoke nothing() | project x", [("KS211", 14)], [("x", "unknown")]),
        # a wrong argument leaves the function's type
        (
            "print s = tolower(1, 2), n = array_length('a')",
            [("KS119", 10), ("KS234", 42)],
            [("s", "string"), ("n", "long")],
        ),
        # an aggregate out of its place, a table where a value is wanted, a name said twice
        ("Logs | where count() > 1 | take 1", [("KS144", 13)], [("Level", "long"), ("Text", "string")]),
        ("print t = Logs", [("KS108", 10)], [("t", "unknown")]),
        ("Logs | sort by dynamic([1])", [("KS116", 15)], [("Level", "long"), ("Text", "string")]),
        ("Logs | take 'a'", [("KS134", 12)], [("Level", "long"), ("Text", "string")]),
        # a fuzzy union does without what is not there
        ("union isfuzzy=true Logs, Nowhere", [], [("Level", "long"), ("Text", "string")]),
    ],
)
def test_every_mistake_is_told(text: str, errors: list[tuple[str, int]], columns: list[tuple[str, str]]) -> None:
    assert checked(text) == (errors, columns)


@pytest.mark.parametrize("text", ["", "let a = 1;", "1 + 1", "strlen('a')"])
def test_a_text_without_rows_has_no_columns_and_no_mistake(text: str) -> None:
    assert checked(text) == ([], [])


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("Logs | summarize p = percentile(Level, 100 - 5)", [("p", "long")]),
        ("let n = 2 * 3; Logs | take n + 1 | count", [("Count", "long")]),
        ("Logs | project x = column_ifexists(strcat('Le', 'vel'), 1)", [("x", "long")]),
        ("Logs | summarize l = make_list(Level, 7 / 2)", [("l", "dynamic")]),
        # known only when the query runs: left open, and no mistake
        ("Logs | take toint((now() - ago(1d)) / 1h) | count", [("Count", "long")]),
    ],
)
def test_constants_are_computed_without_an_engine(text: str, columns: list[tuple[str, str]]) -> None:
    assert checked(text) == ([], columns)


@pytest.mark.parametrize(
    ("text", "code", "start", "said"),
    [
        ("Logs | where Level = 5", "KS141", 13, "to compare, write =="),
        ("Logs | join Logs on $left.Level = $right.Level", "KS198", 32, "== compares"),
        ("Logs | where Text == \u201ca\u201d", "KS006", 20, 'straight "'),
        ("Logs | where Text == \u2018a\u2019", "KS006", 20, "straight '"),
        ("Logs | where Level == 1 && Level == 2", "KS002", 24, "the word and"),
        ("Logs | where Level == 1 || Level == 2", "KS176", 25, "the word or"),
        ("Logs | where Level == 1 AND Level == 2", "KS005", 24, "write and"),
        ("Logs | where not Level == 1", "KS005", 17, "not(...)"),
        ("Logs | where Text not contains 'a'", "KS005", 18, "!contains"),
        ("Logs | where Text is null", "KS005", 18, "isnull()"),
        ("SELECT * FROM Logs", "KS005", 14, "looks like SQL"),
        ("Logs | project-out Text", "KS176", 7, "did you mean project-away?"),
        ("Logs | rename a = Text", "KS176", 7, "did you mean project-rename?"),
        ("Logs | stats count by Text", "KS176", 7, "did you mean summarize?"),
        ("Logs | join kind=left Logs on Text", "KS005", 17, "did you mean leftouter?"),
        ("Logs | render line", "KS005", 14, "did you mean linechart?"),
        ("Logs | where Text contain 'a'", "KS005", 18, "did you mean contains?"),
        ("Logs | where Text startwith 'a'", "KS005", 18, "did you mean startswith?"),
        ("print ago(1 h)", "KS005", 12, "between its number and its unit: 1h"),
        ("print bin(now(), 15 minutes)", "KS005", 20, "between its number and its unit: 15m"),
        ("print 250 ms", "KS005", 10, "between its number and its unit: 250ms"),
    ],
)
def test_a_habit_of_another_language_is_answered_with_what_kql_writes(
    text: str, code: str, start: int, said: str
) -> None:
    found = check_text(text, full_catalog(), OneTable()).diagnostics
    assert [d.message for d in found if (d.code, d.start) == (code, start) and said in d.message], found


def test_what_stands_in_for_a_word_of_another_language_is_known() -> None:
    assert set(OPERATORS_ELSEWHERE.values()) <= set(OPERATORS)
    assert not set(OPERATORS_ELSEWHERE) & set(OPERATORS)
    assert set(JOIN_KINDS_ELSEWHERE.values()) <= set(JOIN_KINDS)
    assert not set(JOIN_KINDS_ELSEWHERE) & set(JOIN_KINDS)
    for meant in CHART_KINDS_ELSEWHERE.values():
        assert not check_text(f"Logs | render {meant}", full_catalog(), OneTable()).diagnostics


@pytest.mark.parametrize("text", ["Logs |", "Logs | | count", "Logs | where (Level == 1", "Logs | where Level =="])
def test_a_mistake_of_no_other_language_has_no_such_hint(text: str) -> None:
    assert all(";" not in d.message for d in check_text(text, full_catalog(), OneTable()).diagnostics)


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ('Logs | where now() > ago("1d")', 25, "a timespan has no quotes: 1d"),
        ('Logs | where now() > "2026-01-01"', 19, "a point in time is written datetime(2026-01-01)"),
        ("Logs | summarize count by Text", 17, "requires an argument list: count()"),
        ("Logs | where Text == null", 21, "write isnull(Text), and isempty(Text) for text"),
        ("Logs | where Text has admin", 22, 'text stands in quotes: has "admin"'),
        ("Logs | where 5", 13, "must be of type bool, not long"),
        ("Logs | make-series count() by Text", 27, "on TimeGenerated step 1h"),
        ("Logs | join (Logs | project Other = Text) on Text", 45, "$left.Text == $right.Column"),
        ("Logs | join (Logs | project Other = Text) on Text == Other", 45, "$left.Text == $right.Other"),
        ("Logs | join (Logs) on $l.Text == $right.Text", 22, "$left.Text == $right.Text"),
        ('_GetWatchlist("VIPs")', 14, "no watchlist 'VIPs'"),
        ("Logz_CL | take 1", 0, "a custom table is there once rows of it were loaded"),
    ],
)
def test_a_message_says_the_right_form(text: str, place: int, said: str) -> None:
    found = check_text(text, full_catalog(), OneTable()).diagnostics[0]
    assert found.start == place, found.message
    assert said in found.message
