"""Attack campaigns with ground truth: each rule fires on the rows that it should fire on, and on nothing else.

For every rule that a campaign names: the whole campaign is loaded and the rule is run at the campaign's time; then only the rows that
the ground truth lists; then all but those.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.plugins.shared_material import find_shared
from vedette.core.clock import VirtualClock
from vedette.detect.alerts.alert import Alert, Outcome, RuleRun
from vedette.detect.reading.files import read_rules
from vedette.detect.reading.problems import ProblemSeverity
from vedette.detect.rule import AnalyticsRule
from vedette.detect.running.runner import RuleRunner
from vedette.kql import ticks
from vedette.store.logstore import LogStore
from vedette.store.report import LoadOptions
from vedette.store.report import Outcome as LoadOutcome

PERIOD = timedelta(days=14)


@dataclass(frozen=True)
class Expectation:
    """What one rule does over one campaign."""

    campaign: str
    rule_id: str
    entries: tuple[dict[str, Any], ...]

    @property
    def fires(self) -> bool:
        return bool(self.entries[0]["fires"])


def _lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]


def _expectations() -> Iterator[Any]:
    root = find_shared()
    if root is None or not (root / "data/campaigns/expected.jsonl").is_file():
        yield pytest.param(None, id="absent")
        return
    grouped: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for entry in _lines(root / "data/campaigns/expected.jsonl"):
        if entry.get("rule_id"):
            grouped.setdefault((entry["campaign"], entry["rule_id"]), []).append(entry)
    for (campaign, rule_id), entries in grouped.items():
        yield pytest.param(Expectation(campaign, rule_id, tuple(entries)), id=f"{campaign}: {entries[0]['rule']}")


@pytest.fixture(scope="session")
def rules(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, AnalyticsRule]:
    """The campaigns' rules, written out as YAML and imported from there."""
    folder = tmp_path_factory.mktemp("rules")
    for entry in _lines(shared / "data/campaigns/rules.jsonl"):
        document = dict(entry.get("raw") or {})
        document = {
            "id": entry["rule_id"], "name": entry["name"], "kind": "Scheduled", "severity": entry.get("severity") or "Medium",
            "description": "", "queryFrequency": "1d", "queryPeriod": "1d", "triggerOperator": "gt", "triggerThreshold": 0,
            "tactics": entry.get("tactics") or [], "entityMappings": entry.get("entityMappings") or [],
            **{name: value for name, value in document.items() if value is not None}, "query": entry["query"],
        }  # fmt: skip
        text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
        (folder / f"{entry['rule_id']}.yaml").write_text(text, encoding="utf-8")
    read, problems = read_rules([folder])
    assert not [problem for problem in problems if problem.severity is ProblemSeverity.ERROR]
    return {one.rule.id: one.rule for one in read}


@pytest.fixture(scope="session")
def campaigns(shared: Path) -> dict[str, list[dict[str, Any]]]:
    """All entries of each campaign, those without a rule too: their tables belong to it."""
    found: dict[str, list[dict[str, Any]]] = {}
    for entry in _lines(shared / "data/campaigns/expected.jsonl"):
        found.setdefault(entry["campaign"], []).append(entry)
    return found


def newest(entries: list[dict[str, Any]]) -> datetime:
    """The campaign's time: that of its newest event that the ground truth dates."""
    moments = [ticks.parse_datetime(text) for entry in entries for text in entry["times"] if text]
    dated = [moment for moment in moments if moment is not None]
    return ticks.to_datetime(max(dated))


class Loader:
    """Loads files of a campaign, whole or only some of their rows."""

    def __init__(self, shared: Path, folder: Path, at: datetime) -> None:
        self.shared, self.folder, self.at = shared, folder, at

    def run(self, rule: AnalyticsRule, files: dict[str, set[int] | None], *, without: bool = False) -> RuleRun:
        """Runs a rule over the given rows of each file (None: all), or over all but those."""
        with LogStore(None, VirtualClock(self.at)) as store:
            paths = [self._file(index, file, rows, without) for index, (file, rows) in enumerate(sorted(files.items()))]
            report = store.load(paths, LoadOptions(stamp=self.at - timedelta(hours=1)))
            assert all(file.outcome is LoadOutcome.LOADED for file in report.files), report
            return RuleRunner(store, VirtualClock(self.at)).run(rule, self.at, PERIOD)

    def _file(self, index: int, file: str, rows: set[int] | None, without: bool) -> Path:
        source = self.shared / "data" / file
        if rows is None:
            return source
        table = Path(file).parent.name
        target = self.folder / f"{index}-{'without' if without else 'only'}" / table / source.name.removesuffix(".gz")
        target.parent.mkdir(parents=True, exist_ok=True)
        with gzip.open(source, "rt", encoding="utf-8") as lines, target.open("w", encoding="utf-8") as out:
            out.writelines(line for number, line in enumerate(lines) if (number in rows) is not without)
        return target


def seen(alerts: tuple[Alert, ...]) -> list[tuple[Any, ...]]:
    """What an alert says, less what tells one loading of a row from another."""
    return [
        (a.rule_id, a.severity, a.start, a.end, a.rows, [sorted(e.to_dict().items()) for e in a.entities])
        for a in alerts
    ]


@pytest.mark.req("P-082", "P-084", "P-089")
@pytest.mark.parametrize("expected", list(_expectations()))
def test_campaign(
    expected: Expectation | None, shared: Path, rules: dict[str, AnalyticsRule],
    campaigns: dict[str, list[dict[str, Any]]], tmp_path: Path,
) -> None:  # fmt: skip
    assert expected is not None
    entries = campaigns[expected.campaign]
    at = newest(entries) + timedelta(hours=1)
    rule = rules[expected.rule_id]
    load = Loader(shared, tmp_path, at)

    whole = load.run(rule, {entry["file"]: None for entry in entries})
    assert whole.error is None, whole.error
    assert (whole.outcome is Outcome.MATCHED) == expected.fires

    if not expected.fires:
        assert not whole.alerts
        return
    query = rule.query.lower()
    if "summarize" not in query and "join" not in query:
        assert whole.rows == sum(entry["matching_rows"] for entry in expected.entries)
    groups = [entry["result_groups"] for entry in expected.entries if entry["result_groups"] is not None]
    if groups:
        assert whole.rows == max(groups)

    listed = {entry["file"]: set(entry["rows"]) for entry in expected.entries}
    only = load.run(rule, listed)
    assert only.error is None, only.error
    assert seen(only.alerts) == seen(whole.alerts)

    rest = {entry["file"]: None for entry in entries} | listed
    gone = load.run(rule, rest, without=True)
    assert gone.error is None, gone.error
    assert gone.outcome is Outcome.NOT_MATCHED
    assert not gone.alerts
