"""Runs the KQL cases in `cases/*.kqlt`: a query and the rows that it must give.

A case is a title line (`# title`), the query, a line `---`, then `name:type` headings and a row a line, cells apart by
a tab or by two spaces and more. `null` is null, `""` the empty string; a cell in quotes is taken as JSON. After
`--- unordered` the order of rows is free, after `--- error CODE` the query must be refused with that code.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.plugins.engine import NOW
from vedette.engine.query import QueryEngine, QueryOptions
from vedette.kql.diagnostics import KqlError


@dataclass
class Case:
    title: str
    query: str
    mode: str
    lines: list[str]


def read(path: Path) -> list[Case]:
    cases = []
    for block in re.split(r"(?m)^(?=# )", path.read_text(encoding="utf-8")):
        if not block.startswith("# "):
            continue
        title, rest = block.split("\n", 1)
        query, mark, expected = re.split(r"(?m)^---(.*)\n?", rest, maxsplit=1)
        cases.append(
            Case(title[2:].strip(), query.strip(), mark.strip(), [x for x in expected.split("\n") if x.strip()])
        )
    return cases


ALL = [
    pytest.param(case, id=f"{path.stem}: {case.title}")
    for path in sorted((Path(__file__).parent / "cases").glob("*.kqlt"))
    for case in read(path)
]


def value(text: str, kind: str) -> object:
    if text == "null":
        return None
    if kind == "dynamic" or (text.startswith('"') and kind == "string"):
        return json.loads(text)
    if kind in ("int", "long"):
        return int(text)
    if kind == "real":
        return float(text) if text not in ("NaN", "Infinity", "-Infinity") else text
    if kind == "bool":
        return {"true": True, "false": False}[text]
    return text


def same(left: object, right: object) -> bool:
    if isinstance(left, float) and isinstance(right, int | float) and not isinstance(right, bool):
        return math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-12)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(same(a, b) for a, b in zip(left, right, strict=True))
    return type(left) is type(right) and left == right


@pytest.mark.parametrize("case", ALL)
def test_case(case: Case, engine: QueryEngine) -> None:
    if case.mode.startswith("error"):
        with pytest.raises(KqlError) as caught:
            engine.run(case.query, QueryOptions(now=NOW))
        assert caught.value.diagnostics[0].code == case.mode.split()[1], caught.value.diagnostics
        return
    result = engine.run(case.query, QueryOptions(now=NOW))
    if case.mode == "last":  # of the tables of several statements
        result = result.more[-1]
    names, kinds = zip(*(heading.rsplit(":", 1) for heading in re.split(r"\t|  +", case.lines[0].strip())), strict=True)
    assert [(c.name, c.type.value) for c in result.columns] == list(zip(names, kinds, strict=True))
    expected = [
        [value(cell, kind) for cell, kind in zip(re.split(r"\t|  +", line.strip()), kinds, strict=True)]
        for line in case.lines[1:]
    ]
    got = result.rows
    if case.mode == "unordered":
        expected, got = sorted(expected, key=repr), sorted(got, key=repr)
    assert len(got) == len(expected), got
    for wanted, row in zip(expected, got, strict=True):
        assert same(wanted, row), (wanted, row)
