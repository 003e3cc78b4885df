"""The library: import, repeated ids, revisions, on and off."""

from __future__ import annotations

import dataclasses
import gzip
import json
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from sqlalchemy.exc import StatementError

from tests.detect.rules import as_read, rule
from vedette.core.clock import VirtualClock
from vedette.core.database import State
from vedette.core.errors import InvalidInput, NotFound
from vedette.core.workspaces import Workspaces
from vedette.detect.library import RuleLibrary
from vedette.detect.reading.files import read_rules
from vedette.detect.reading.problems import RuleProblem
from vedette.detect.rule import RuleKind
from vedette.detect.running.ledger import Ledger
from vedette.detect.running.windows import WindowOutcome


@pytest.fixture
def library(state: State, workspace: str, clock: VirtualClock) -> RuleLibrary:
    return RuleLibrary(state, workspace, clock)


def test_import_and_read_back(library: RuleLibrary) -> None:
    report = library.import_(as_read(rule(2), rule(1)), [RuleProblem("x.yaml", 3, "wrong.")], by="ann")
    assert report.added == [rule(2).id, rule(1).id]
    assert report.failed
    assert [stored.rule for stored in library.list()] == [rule(1), rule(2)]
    stored = library.get(rule(1).id)
    assert (stored.rule, stored.revision, stored.updated_by, stored.scheduled) == (rule(1), 1, "ann", True)
    assert stored.source == {"file": "rules.yaml", "line": 2, "format": "yaml"}
    assert library.original(rule(1).id)["name"] == "Rule 1"


def test_the_same_again_changes_nothing(library: RuleLibrary) -> None:
    library.import_(as_read(rule(1)))
    report = library.import_(as_read(rule(1), rule(1)))
    assert (report.added, report.unchanged, report.derived) == ([], [rule(1).id] * 2, [])
    assert library.get(rule(1).id).revision == 1


def test_a_repeated_id_with_other_content_is_kept_under_a_derived_id(library: RuleLibrary) -> None:
    other = rule(1, name="Other", query="Events | take 2")
    report = library.import_(as_read(rule(1), other, file="both.yaml"))
    assert len(report.added) == 2
    assert [(derived.given_id, derived.name, derived.file, derived.line) for derived in report.derived] == [
        (rule(1).id, "Other", "both.yaml", 2)
    ]
    derived_id = report.derived[0].id
    assert library.get(derived_id).given_id == rule(1).id
    assert library.get(rule(1).id).rule.name == "Rule 1"
    again = library.import_(as_read(other))
    assert (again.added, again.unchanged) == ([], [derived_id])
    upper = library.import_(as_read(rule(1, id=rule(1).id.upper(), name="Third")))
    assert len(upper.derived) == 1
    assert len(library.list()) == 3


def test_a_rule_is_replaced_when_that_is_wanted(library: RuleLibrary, clock: VirtualClock) -> None:
    library.import_(as_read(rule(1)))
    clock.advance(60)
    newer = rule(1, query="Events | take 9", version="1.0.1")
    report = library.import_(as_read(newer, rule(1, name="Second in the file")), replace_existing=True, by="bob")
    assert (report.updated, len(report.derived)) == ([rule(1).id], 1)
    assert library.get(rule(1).id).rule == newer
    revisions = library.revisions(rule(1).id)
    assert [(entry.revision, entry.by, entry.rule.query) for entry in revisions] == [
        (1, "Vedette", rule(1).query),
        (2, "bob", "Events | take 9"),
    ]


def test_ids_that_are_too_long_are_derived(library: RuleLibrary) -> None:
    report = library.import_(as_read(rule(1, id="x" * 300)))
    assert len(report.derived) == 1
    assert library.list()[0].given_id == "x" * 300


def test_a_rule_is_found_by_id_or_name(library: RuleLibrary) -> None:
    library.import_(as_read(rule(1), rule(2), rule(3, name="Rule 2")))
    assert library.get(rule(1).id.upper()).rule.id == rule(1).id
    assert library.get("Rule 1").rule.id == rule(1).id
    with pytest.raises(InvalidInput, match="Several rules are named 'Rule 2'"):
        library.get("Rule 2")
    with pytest.raises(NotFound) as caught:
        library.get("Rul 1")
    assert caught.value.hint == "Did you mean 'Rule 1'?"


def test_workspaces_have_their_own_rules(state: State, library: RuleLibrary, clock: VirtualClock) -> None:
    other = RuleLibrary(state, Workspaces(state).create("second").id, clock)
    library.import_(as_read(rule(1)))
    other.import_(as_read(rule(1, name="Theirs")))
    assert (library.get(rule(1).id).rule.name, other.get(rule(1).id).rule.name) == ("Rule 1", "Theirs")
    other.delete(rule(1).id)
    assert len(library.list()) == 1
    assert other.list() == []


def test_time_that_a_rule_was_off_is_accounted_for(
    state: State, library: RuleLibrary, workspace: str, clock: VirtualClock
) -> None:
    ledger = Ledger(state, workspace, clock)
    library.import_(as_read(rule(1), rule(2, enabled=False), rule(3, kind=RuleKind.HUNTING)))
    start = clock.now()
    assert ledger.covered_to(rule(1).id) == start - timedelta(hours=1)
    assert ledger.covered_to(rule(2).id) is None
    assert ledger.covered_to(rule(3).id) is None
    library.set_enabled(rule(1).id, False, by="ann")
    clock.advance(timedelta(hours=10))
    assert not library.get(rule(1).id).scheduled
    stored = library.set_enabled(rule(1).id, True, by="ann")
    assert stored.rule.enabled
    entries = ledger.coverage(rule(1).id)
    assert [(entry.outcome, entry.window.start, entry.window.end) for entry in entries] == [
        (WindowOutcome.GAP, start - timedelta(hours=1), start),  # it was on then, and is searched now
        (WindowOutcome.DISABLED, start, start + timedelta(hours=9)),
    ]
    assert entries[1].reason == "The rule was switched off at 2026-03-01T12:00:00+00:00 by ann."
    library.set_enabled(rule(2).id, True)
    assert ledger.covered_to(rule(2).id) == clock.now() - timedelta(hours=1)
    assert ledger.verify() == []


def test_switching_on_and_off_quickly_leaves_no_trace(
    state: State, library: RuleLibrary, workspace: str, clock: VirtualClock
) -> None:
    library.import_(as_read(rule(1)))
    clock.advance(60)
    for flag in (False, True, True, False, True):
        library.set_enabled(rule(1).id, flag)
    ledger = Ledger(state, workspace, clock)
    assert ledger.coverage(rule(1).id) == []  # its window is searched in its turn
    assert ledger.verify() == []


def test_a_rule_that_was_deleted_and_is_back_goes_on(
    state: State, library: RuleLibrary, workspace: str, clock: VirtualClock
) -> None:
    ledger = Ledger(state, workspace, clock)
    library.import_(as_read(rule(1)))
    library.set_enabled(rule(1).id, False)
    clock.advance(timedelta(hours=5))
    library.set_enabled(rule(1).id, True)
    library.delete(rule(1).id)
    assert len(ledger.coverage(rule(1).id)) == 2
    clock.advance(timedelta(hours=5))
    library.import_(as_read(rule(1)))
    assert [entry.reason for entry in ledger.coverage(rule(1).id)][2:] == ["There was no such rule."]
    assert ledger.verify() == []


def test_a_failing_import_leaves_nothing(library: RuleLibrary) -> None:
    broken = as_read(rule(1), rule(2))
    unwritable = dataclasses.replace(broken[1].source, original=object())
    with pytest.raises(StatementError, match="not JSON serializable"):
        library.import_([broken[0], dataclasses.replace(broken[1], source=unwritable)])
    assert library.list() == []


def test_the_core_rules_with_their_repeated_ids(library: RuleLibrary, shared: Path, tmp_path: Path) -> None:
    with gzip.open(shared / "corpus" / "core_rules.jsonl.gz", "rt") as lines:
        rows = [json.loads(line) for line in lines]
    for number, row in enumerate(
        row for row in rows if "properties" not in row["raw"] and "detectionAction" not in row["raw"]
    ):
        (tmp_path / f"{number:04}.yaml").write_text(yaml.dump(row["raw"] | {"query": row["query"]}, sort_keys=False))
    read, problems = read_rules([tmp_path])
    report = library.import_(read, problems)
    assert not report.failed
    given = [one.rule.id.lower() for one in read]
    repeated = len(given) - len(set(given))
    assert repeated == len(report.derived) == 4
    assert len(report.added) == len(read) == 379
    again = library.import_(read, problems)
    assert (again.added, again.updated, len(again.unchanged)) == ([], [], 379)
    by_id = {stored.rule.id: stored.rule for stored in library.list()}
    assert len(by_id) == 379
    for one in read:
        assert one.rule in by_id.values() or any(derived.given_id == one.rule.id for derived in report.derived)
