"""The analytics rules of the shared material that are no core rules: each loads and runs, or says why it does not."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest

from tests.detect.corpus_workspace import WithParsers, outcome, rules, unexplained, workspace
from vedette.kql.diagnostics import position

REVIEWED: Final = tomllib.loads(Path(__file__).with_name("reviewed_rules.toml").read_text(encoding="utf-8"))["rule"]
EXPECTED: Final = {identity: (entry["says"], entry["reason"]) for entry in REVIEWED for identity in entry["ids"]}
EVERY: Final = 6
"""Of so many rules one is run on every commit; all of them are bound, and all of them are run in the soak."""


def further(shared: Path) -> list[dict[str, Any]]:
    core = {row["id"] for row in rules(shared)}
    return [row for row in rules(shared, "queries") if row["id"] not in core]


def test_the_reviewed_rules_are_there_and_say_why(shared: Path) -> None:
    there = {row["id"] for row in further(shared)}
    assert len(there) == 582
    assert set(EXPECTED) <= there
    assert len(EXPECTED) == sum(len(entry["ids"]) for entry in REVIEWED)
    assert all(re.search(r"[a-z]{3}.*\.$", entry["reason"]) for entry in REVIEWED)


def test_every_further_rule_binds_or_says_where_it_does_not(shared: Path) -> None:
    found = {}
    with workspace(content=WithParsers(shared)) as store:
        for row in further(shared):
            faults = [d for d in store.check(row["query"]).diagnostics if d.severity == "Error"]
            found[row["id"]] = "ran"
            if faults:
                line, column = position(row["query"], faults[0].start)
                found[row["id"]] = f"{faults[0].code} at {line}:{column}: {faults[0].message}"
    assert unexplained(found, EXPECTED) == {}


def test_some_further_rules_run_on_an_empty_workspace(shared: Path) -> None:
    with workspace(content=WithParsers(shared)) as store:
        found = {row["id"]: outcome(store, row["query"]) for row in further(shared)[::EVERY]}
    assert unexplained(found, EXPECTED) == {}


@pytest.mark.soak
def test_every_further_rule_runs_on_an_empty_workspace(shared: Path) -> None:
    with workspace(content=WithParsers(shared)) as store:
        found = {row["id"]: outcome(store, row["query"]) for row in further(shared)}
    assert unexplained(found, EXPECTED) == {}
