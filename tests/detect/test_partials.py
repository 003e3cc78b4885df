"""Rules with long look-backs over kept partial results: what they find is what they find without."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from tests.detect.corpus_workspace import NOW, WithParsers, fill, rules, workspace
from tests.store.kept_parts import ALWAYS, HOUR, alike, opened
from tests.store.kept_parts import NOW as MORNING
from tests.store.kept_parts import rows as made_rows
from vedette.core.clock import VirtualClock
from vedette.core.database import State
from vedette.core.errors import VedetteError
from vedette.core.workspaces import Workspaces
from vedette.detect.export.layout import to_layout
from vedette.detect.library import RuleLibrary
from vedette.detect.reading.files import ReadRule, RuleSource, read_rule_text
from vedette.detect.rule import AnalyticsRule, EventGrouping, RuleKind
from vedette.detect.running.ledger import Ledger
from vedette.detect.running.runner import RuleRunner
from vedette.detect.running.scheduler import ScheduleOptions, Scheduler
from vedette.engine.query import QueryFailed
from vedette.kql.diagnostics import KqlError
from vedette.store.logstore import LogStore

RULE: Final = AnalyticsRule(
    "long", "Looks back two days", RuleKind.SCHEDULED,
    "T_CL | where TimeGenerated > ago(2d) | summarize N = count(), Hosts = make_set(Host) by User | where N > 3",
    query_frequency=HOUR, query_period=timedelta(days=2), event_grouping=EventGrouping.ALERT_PER_RESULT,
)  # fmt: skip


class Plain:
    """A log store that is not told how often a query comes."""

    def __init__(self, logs: LogStore) -> None:
        self._logs = logs

    def query(self, text: str, **more: Any) -> Any:
        return self._logs.query(text, **more)


def test_the_scheduler_keeps_partial_results_and_finds_the_same(tmp_path: Path) -> None:
    clock = VirtualClock(MORNING)
    state = State.in_file(tmp_path / "state.db")
    state.upgrade()
    place = Workspaces(state).default().id
    library, ledger = RuleLibrary(state, place, clock), Ledger(state, place, clock)
    found: dict[str, list[Any]] = {"kept": [], "plain": []}
    with opened(tmp_path) as logs:
        logs.append("T_CL", made_rows(500))
        library.import_([ReadRule(RULE, RuleSource("rules", 1, "yaml", to_layout(RULE)))])
        runner = RuleRunner(logs, clock, shapes=logs)
        scheduler = Scheduler(
            state, library, runner, ledger, clock, lambda run: found["kept"].append(run),
            ScheduleOptions(ingestion_delay=timedelta(0)),
        )  # fmt: skip
        for hour in range(1, 7):
            clock.advance_to(MORNING + hour * HOUR)
            logs.append("T_CL", made_rows(20, hour, clock.now(), HOUR))
            while scheduler.tick().behind:
                pass
        for run in found["kept"]:
            found["plain"].append(RuleRunner(Plain(logs), clock, shapes=logs).run(RULE, run.end, run_type=run.type))
    state.dispose()
    runs = found["kept"]
    assert len(runs) >= 5
    assert runs[0].bins == (0, 48)
    assert all(run.bins[0] >= 46 for run in runs[1:])
    assert [(entry.bins_kept, entry.bins_made) for entry in ledger.runs() if entry.run_id][-1] == (0, 48)
    last, again = found["kept"][-1], found["plain"][-1]
    assert again.bins is None
    assert [(one.id, one.rows_hash) for one in last.alerts] == [(one.id, one.rows_hash) for one in again.alerts]


def long_rules(shared: Path, one_of: int = 1) -> list[AnalyticsRule]:
    """The core rules that look back over eight of their steps or more, as they are imported; of one rule of so many alone."""
    found: dict[str, AnalyticsRule] = {}
    for entry in list(rules(shared))[::one_of]:
        raw = json.loads(json.dumps(entry["raw"]))
        if "properties" in raw:
            raw["properties"]["query"] = entry["query"]
        elif "detectionAction" in raw:
            raw["queryCondition"]["queryText"] = entry["query"]
        else:
            raw["query"] = entry["query"]
        form = "json" if "properties" in raw or "detectionAction" in raw else "yaml"
        for read in read_rule_text(json.dumps(raw), f"{entry['id']}.{form}")[0]:
            if read.rule.scheduled and read.rule.period >= 8 * read.rule.frequency:
                found.setdefault(read.rule.query, read.rule)
    return list(found.values())


def kept_alike(store: LogStore, chosen: list[AnalyticsRule], steps: int) -> tuple[int, list[str]]:
    """How many rules are put together of kept results, over windows that advance; and those whose answers are others."""
    qualify, differing = 0, []
    for rule in chosen:
        bins = 0
        for step in range(steps):
            at = NOW - timedelta(days=1) + step * rule.frequency
            span = at - rule.period, at
            try:
                plain = store.query(rule.query, now=at, timespan=span)
            except (KqlError, QueryFailed, VedetteError):
                with pytest.raises((KqlError, QueryFailed, VedetteError)):
                    store.query(rule.query, now=at, timespan=span, every=rule.frequency)
                continue
            kept = store.query(rule.query, now=at, timespan=span, every=rule.frequency)
            bins += kept.statistics.bins_kept
            if alike(kept) != alike(plain) and alike(plain) == alike(store.query(rule.query, now=at, timespan=span)):
                differing.append(rule.name)
        qualify += bins > 0
    return qualify, differing


def test_a_sample_of_the_core_rules_finds_the_same(shared: Path, tmp_path: Path) -> None:
    chosen = [one for one in long_rules(shared, 6) if "union" not in one.query]
    assert len(chosen) >= 8
    with workspace(tmp_path / "logs.duckdb", WithParsers(shared)) as store:
        store.partials.worth = ALWAYS
        fill(store, shared, tmp_path, 40, lambda table: any(table in rule.query for rule in chosen))
        qualify, differing = kept_alike(store, chosen, 2)
    assert differing == []
    assert qualify >= 4


@pytest.mark.soak
def test_every_core_rule_finds_the_same(shared: Path, tmp_path: Path) -> None:
    with workspace(tmp_path / "logs.duckdb", WithParsers(shared)) as store:
        store.partials.worth = ALWAYS
        assert fill(store, shared, tmp_path, None) > 490_000
        qualify, differing = kept_alike(store, long_rules(shared), 5)
    print(f"{qualify} of the core rules are put together of kept results")
    assert differing == []
    assert qualify >= 40
