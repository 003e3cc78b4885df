"""The real analytics rules run: each on a workspace without a row, and on one with real rows of most tables."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.detect.corpus_workspace import WithParsers, fill, outcome, rules, unexplained, workspace
from vedette.store.logstore import LogStore

Reviewed = dict[str, tuple[str, str]]
"""A rule's id → (what it says, why that is right)."""

UNSUPPORTED: Final = "It asks where an address is, and no database of that comes with the product."
FROM_ROWS: Final = "bag_unpack makes the column that it names of the keys in 'Add user' rows: there are none, so there is no such column."
REVIEWED: Final[Reviewed] = {
    "041b98b49fb66c3e": ("'displayName'", FROM_ROWS),
    "ae13686ea0467da3": ("VDT1001 at 10:33", UNSUPPORTED),
    "84eb2ec64831f717": ("VDT1001 at 16:36", UNSUPPORTED),
    "6ef5270af63d77e6": (
        "'EventOriginId'",
        "SecurityEvent has no such column; the rule hopes for it among the keys of bags.",
    ),
    "e5e52680ddec80df": (
        "'EventOriginId'",
        "SecurityEvent has no such column; the rule hopes for it among the keys of bags.",
    ),
    "a549b6520d4c3ba7": (
        "'ActingProcessSHA256'",
        "The schema FileEvent has no such column; a source parser must give it.",
    ),
}

PARTS: Final = 6
"""In which all rules are run, for several processes to share."""
SAMPLE: Final = 80
ALWAYS: Final = {"5ef4774346141283"}
"""Joins SecurityEvent with itself, every column of it: the engine once planned that for minutes."""
ROWS_A_FILE: Final = 400


@pytest.fixture(scope="module")
def some_rows(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LogStore]:
    """A workspace with the first rows of every file."""
    folder = tmp_path_factory.mktemp("rows")
    with workspace(content=WithParsers(shared)) as store:
        assert fill(store, shared, folder, ROWS_A_FILE) > 15_000
        assert len(store.tables()) > 140
        yield store


def test_there_are_the_rules_that_were_reviewed(shared: Path) -> None:
    there = {row["id"] for row in rules(shared)}
    assert len(there) == 522
    assert set(REVIEWED) <= there


@pytest.mark.parametrize("part", range(PARTS))
def test_every_core_rule_runs_on_an_empty_workspace(shared: Path, part: int) -> None:
    with workspace(content=WithParsers(shared)) as store:
        found = {row["id"]: outcome(store, row["query"]) for row in list(rules(shared))[part::PARTS]}
    assert unexplained(found, REVIEWED) == {}


def test_a_sample_of_the_core_rules_runs_on_real_rows(shared: Path, some_rows: LogStore) -> None:
    everything = list(rules(shared))
    chosen = random.Random(20260301).sample(everything, SAMPLE) + [row for row in everything if row["id"] in ALWAYS]
    found = {row["id"]: outcome(some_rows, row["query"]) for row in chosen}
    assert unexplained(found, REVIEWED) == {}


@pytest.mark.soak
def test_every_core_rule_runs_on_all_real_rows(shared: Path, tmp_path: Path) -> None:
    with workspace(tmp_path / "logs.duckdb", WithParsers(shared)) as store:
        assert fill(store, shared, tmp_path, None) > 490_000
        found = {row["id"]: outcome(store, row["query"]) for row in rules(shared)}
    assert len(found) == 522
    assert unexplained(found, REVIEWED) == {}
