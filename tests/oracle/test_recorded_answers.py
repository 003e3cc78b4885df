"""The answers of Microsoft's binder that the shared material records: nothing but Python is needed to compare with them."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.oracle.comparison import reviewed_cases
from tests.oracle.ours import CorpusHost, check
from vedette.core.clock import SystemClock
from vedette.store.logstore import LogStore


def rows(path: Path) -> list[dict[str, Any]]:
    data = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text(encoding="utf-8")
    return [json.loads(line) for line in data.splitlines()]


def test_core_rules_bind_to_their_columns(shared: Path, corpus_host: CorpusHost) -> None:
    """Every rule that Microsoft's binder takes is taken, with the same columns; known exceptions have a reason."""
    known = reviewed_cases("core_rules")
    wrong: dict[str, str] = {}
    found = rows(shared / "corpus" / "core_rules.jsonl.gz")
    for row in found:
        answer = check(row["query"], corpus_host)
        if not answer.accepted:
            wrong[row["id"]] = f"refused: {answer.findings[0].code} {answer.findings[0].message}"
        elif dict(answer.columns or ()) != row["result_columns"]:
            wrong[row["id"]] = "columns differ"
    unexplained = {identity: what for identity, what in wrong.items() if not known.explains(identity, what)}
    print(f"core rules: {len(found) - len(wrong)} of {len(found)}")
    assert len(found) > 500
    assert unexplained == {}, unexplained


def test_invalid_queries_are_refused_with_a_place(shared: Path, corpus_host: CorpusHost) -> None:
    for row in rows(shared / "corpus" / "invalid.jsonl.gz"):
        answer = check(row["query"], corpus_host)
        assert answer.findings, row["id"]
        units = len(row["query"].encode("utf-16-le")) // 2
        assert all(0 <= finding.start <= units for finding in answer.findings)


def test_compile_cases_have_their_result_schema(shared: Path) -> None:
    """The conformance cases that are only bound, as `vedette check --batch` answers them."""
    known = reviewed_cases("compile")
    store = LogStore(None, SystemClock(), workspace_id="conformance", name="conformance")
    wrong: dict[str, str] = {}
    reasons: Counter[str] = Counter()
    total = 0
    try:
        for row in rows(shared / "conformance" / "kql.jsonl"):
            if row["kind"] != "compile" or row["result_schema"] is None or row.get("expect_error"):
                continue
            total += 1
            found = store.check(row["query"])
            columns = [[column.name, column.type.value] for column in found.columns or ()]
            if columns == row["result_schema"]:
                continue
            refused = [f"{d.code} {d.message}" for d in found.diagnostics if d.severity == "Error"]
            what = "; ".join(refused) or "columns differ"
            reason = known.explains(row["id"], what)
            if reason:
                reasons[reason] += 1
            else:
                wrong[row["id"]] = what
    finally:
        store.close()
    excepted = sum(reasons.values())
    print(f"compile cases: {total - excepted - len(wrong)} of {total}, {excepted} reviewed exceptions: {dict(reasons)}")
    assert total > 400
    assert wrong == {}, json.dumps(wrong, indent=1)


@pytest.mark.parametrize("material", ["core_rules", "compile"])
def test_every_exception_says_why(material: str) -> None:
    known = reviewed_cases(material)
    assert all(re.search(r"[a-z]{3}.*\.$", reason) for reason in known.reasons())
