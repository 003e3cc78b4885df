"""What holds for the parser on any text: it ends, it does not raise, and what it reports lies inside the text."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kql.trees import read
from vedette.kql import syntax
from vedette.kql.cursor import MAX_NESTING
from vedette.kql.diagnostics import Diagnostic, render
from vedette.kql.lexer import KEYWORDS, tokenize
from vedette.kql.operators.registry import OPERATORS
from vedette.kql.parser import parse

QUERIES = [block.query for path in sorted((Path(__file__).parent / "trees").glob("*.txt")) for block in read(path)]
PIECES = sorted(
    set(OPERATORS)
    | set(KEYWORDS)
    | set("()[]{}|.,;:=<>+-*/%!@?~`'\"")
    | {"..", "=>", "==", "a", "b", "1", "1d", "'x'"}
    | {
        "\n",
        "//",
        "//\n",
        "h'",
        "datetime(",
        "dynamic(",
        "$left",
        "!in~",
        "hint.strategy",
        "kind=",
        "typeof(",
        "-->",
        "\\",
    }
)


def check(text: str) -> list[Diagnostic]:
    """Parses, and checks what must hold of any result."""
    script, diagnostics = parse(text)
    assert script.end == len(text)
    for diagnostic in diagnostics:
        assert 0 <= diagnostic.start <= diagnostic.start + diagnostic.length <= len(text)
        assert diagnostic.message
        assert diagnostic.code.startswith(("KS", "VDT"))
        assert render(text, diagnostic)
    assert [d.start for d in diagnostics] == sorted(d.start for d in diagnostics)
    stack: list[object] = [script]
    while stack:
        node = stack.pop()
        if isinstance(node, syntax.Node):
            assert 0 <= node.start <= node.end <= len(text), node
            stack += [getattr(node, one.name) for one in dataclasses.fields(node)]
        elif isinstance(node, list | tuple):
            stack += node
        elif isinstance(node, dict):
            stack += node.values()
    return diagnostics


@given(st.text(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_text(text: str) -> None:
    check(text)


@given(st.lists(st.sampled_from(PIECES), max_size=40), st.sampled_from(["", " "]))
@settings(max_examples=300, deadline=None)
def test_any_sequence_of_pieces(pieces: list[str], between: str) -> None:
    check(between.join(pieces))


@given(st.sampled_from(QUERIES), st.data())
@settings(max_examples=300, deadline=None)
def test_a_query_with_tokens_dropped_doubled_and_exchanged(query: str, data: st.DataObject) -> None:
    tokens = tokenize(query)
    for _ in range(data.draw(st.integers(1, 3))):
        which = data.draw(st.integers(0, len(tokens.kinds) - 1))
        start, end = tokens.starts[which], tokens.ends[which]
        instead = data.draw(
            st.sampled_from(["", query[start:end] * 2, query[start:end] + " " + query[start:end], *PIECES])
        )
        query = query[:start] + instead + query[end:]
        tokens = tokenize(query)
    check(query)


@given(st.sampled_from(QUERIES), st.integers(0, 400))
@settings(max_examples=300, deadline=None)
def test_a_query_cut_off_anywhere(query: str, length: int) -> None:
    check(query[:length])


@pytest.mark.parametrize("operator", ["and", "or", "+", "*", "-"])
def test_a_long_chain_costs_no_depth(operator: str) -> None:
    script, diagnostics = parse("print " + f" {operator} ".join(["a"] * 5000))
    assert not diagnostics
    node = script.statements[0].expression.operators[0].columns[0]  # type: ignore[attr-defined]
    depth = 0
    while isinstance(node, syntax.Binary):
        node, depth = node.left, depth + 1
    assert depth == 4999


def test_a_long_pipeline_and_many_statements_cost_no_depth() -> None:
    script, diagnostics = parse("T" + " | where a == 1" * 3000)
    assert not diagnostics
    assert len(script.statements[0].expression.operators) == 3000  # type: ignore[attr-defined]
    script, diagnostics = parse("let a = 1;\n" * 3000)
    assert not diagnostics
    assert len(script.statements) == 3000


NESTED = {
    "parentheses": ("print ", "(", "1", ")"),
    "calls": ("print ", "f(", "1", ")"),
    "indexes": ("print ", "a[", "1", "]"),
    "arrays": ("print dynamic(", "[", "1", "])"),
    "objects": ("print dynamic(", '{"a":', "1", "})"),
    "dynamics": ("print ", "dynamic(", "1", ")"),
    "joins": ("T", " | join (T", "", ") on a"),
    "subqueries": ("T", " | where a in (T", "", ")"),
    "functions": ("", "let f = () { ", "1", " }; 1"),
    "mv-apply": ("T", " | mv-apply a on (where x", "", ")"),
    "partition": ("T", " | partition by a (where x", "", ")"),
    "fork": ("T", " | fork (where x", "", ")"),
    "unions": ("", "union (", "T", ")"),
    "macro-expand": ("", "macro-expand g as x (", "T", ")"),
    "mixed operators": ("print ", "a or b and c == d < e + f * g has -(", "1", ")"),
}


@pytest.mark.parametrize("form", NESTED)
def test_nesting_beyond_the_limit_is_reported_and_not_a_crash(form: str) -> None:
    before, opening, middle, closing = NESTED[form]
    for depth in (MAX_NESTING * 2, 20_000):
        diagnostics = check(before + opening * depth + middle + closing * depth)
        assert "KS245" in [diagnostic.code for diagnostic in diagnostics]


@pytest.mark.parametrize("form", [form for form in NESTED if form != "dynamics"])
def test_nesting_as_deep_as_people_write_is_read(form: str) -> None:
    before, opening, middle, closing = NESTED[form]
    depth = 25
    if form in ("arrays", "objects"):
        text = before + opening * depth + middle + closing[0] * depth + ")"
    else:
        text = before + opening * depth + middle + closing * depth
    assert not [d for d in check(text) if d.severity == "Error"]


def test_nothing_in_a_text_makes_time_explode() -> None:
    import time

    for text in (
        "(" * 3000 + "a",
        "'" * 3000,
        "a in (" * 150 + "b",
        "[" * 3000,
        "/" * 20_000,
        "`" * 5000,
        "-" * 5000,
        "T | where a in (b, " * 40,
        "1." * 4000,
        "hint." * 3000,
        "(a, " * 100 + "b",
        "datetime(" * 3000,
    ):
        started = time.thread_time()
        check(text)
        assert time.thread_time() - started < 5
