"""A query with one more operator behind it."""

from __future__ import annotations

import pytest

from vedette.kql.continuing import continued


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("T", "T\n| take 1"),
        ("T | where A == 1;\n", "T | where A == 1\n| take 1"),
        ("T | where A == 1; // of interest", "T | where A == 1\n| take 1"),
        ("T // of interest;", "T\n| take 1"),
        ("T | where A == '; // no comment'", "T | where A == '; // no comment'\n| take 1"),
        ("let A = 1;\nT | summarize count() by B | render columnchart with (title='a;b')", "let A = 1;\nT | summarize count() by B\n| take 1"),
        ("T | where A has 'render' | project render", "T | where A has 'render' | project render\n| take 1"),
        ("union (T | render table), U", "union (T | render table), U\n| take 1"),
        ("let f = () { T | render table };\nf()", "let f = () { T | render table };\nf()\n| take 1"),
        (" // nothing", " // nothing"),
    ],
)  # fmt: skip
def test_what_ends_a_query_stands_before_nothing(query: str, expected: str) -> None:
    assert continued(query, "take 1") == expected
