"""The parser's trees and diagnostics against the files of `trees/`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kql.trees import Block, compact, finding, read
from vedette.kql.operators.registry import OPERATORS
from vedette.kql.parser import parse

FOLDER = Path(__file__).parent / "trees"
BLOCKS = [
    pytest.param(block, id=f"{path.stem}-{block.query[:50]}")
    for path in sorted(FOLDER.glob("*.txt"))
    for block in read(path)
]


@pytest.mark.parametrize("block", BLOCKS)
def test_a_query_gives_its_tree_and_its_diagnostics(block: Block) -> None:
    script, diagnostics = parse(block.query)
    assert [finding(diagnostic) for diagnostic in diagnostics] == block.findings
    if block.tree is not None:
        assert compact(script) == block.tree
    assert block.tree is not None or block.findings


def test_every_operator_has_a_tree() -> None:
    texts = " ".join(block.query for block in read(FOLDER / "operators.txt"))
    words = set(texts.replace("(", " ").split())
    synonyms = {"filter": "where"}
    missing = {name for name in OPERATORS if name not in words and synonyms.get(name) not in words}
    assert not missing


def test_spans_of_operators_and_operands_point_at_their_text() -> None:
    text = "T | where Account == 'x' and f(a.b, 1)[0] in (1, 2)\n| summarize n = count() by bin(t, 1h)"
    script, diagnostics = parse(text)
    assert not diagnostics
    pipeline = script.statements[0].expression  # type: ignore[attr-defined]
    where, summarize = pipeline.operators
    assert text[where.start : where.end] == "where Account == 'x' and f(a.b, 1)[0] in (1, 2)"
    assert text[summarize.start : summarize.end] == "summarize n = count() by bin(t, 1h)"
    condition = where.condition
    assert text[condition.op_start : condition.op_end] == "and"
    assert text[condition.left.start : condition.left.end] == "Account == 'x'"
    assert text[condition.right.left.start : condition.right.left.end] == "f(a.b, 1)[0]"
    assert text[condition.right.op_start : condition.right.op_end] == "in"
    assert text[summarize.keys[0].args[1].start : summarize.keys[0].end] == "1h)"
