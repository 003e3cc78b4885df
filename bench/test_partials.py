"""What kept partial rows save: the core rules with long look-backs over a simulated day, without and with them.

`BENCH_ROWS` (2 million by default) rows lie in the 14 days before the day; with every hour of it as many come as an hour has on
average, and then the rules run that are due, each without and with partial rows; the answers are compared. What a first run takes is
told apart: what the query takes as it is; the second makes all bins. `BENCH_STORE` names a folder to keep the rows in for another run.
"""

from __future__ import annotations

import os
import shutil
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bench.detection_load import DAY, core_rules
from bench.log_rows import RowMaker, put_models
from tests.detect.corpus_workspace import SilentFeeds, WithParsers
from vedette.core.clock import VirtualClock
from vedette.detect.rule import AnalyticsRule, RuleKind
from vedette.store.logstore import LogStore
from vedette.store.partials.folder import PartialFiles
from vedette.store.partials.keeping import Partials, Worth

pytestmark = pytest.mark.bench
Record = Callable[[str, float, float, str], None]
MORNING = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
SYNTHETIC = AnalyticsRule(
    "regex", "synthetic: a regular expression over 14 days", RuleKind.SCHEDULED,
    "CommonSecurityLog | where TimeGenerated > ago(14d) | where RequestURL matches regex @'(?i)[a-z]+\\d{2,}[^/]*/.*(x|y)\\d' "
    "| summarize count(), dcount(DeviceVendor), max(TimeGenerated) by DeviceAction, DeviceProduct",
    query_frequency=HOUR, query_period=14 * DAY,
)  # fmt: skip
ROWS = int(float(os.environ.get("BENCH_ROWS", "2e6")))
HOURS = int(os.environ.get("BENCH_HOURS", "24"))


def opened(folder: Path, shared: Path) -> LogStore:
    return LogStore(folder / "logs.duckdb", VirtualClock(MORNING), content=WithParsers(shared), external=SilentFeeds())


def filled(folder: Path, shared: Path) -> LogStore:
    folder.mkdir(parents=True)
    store = opened(folder, shared)
    put_models(store, shared, folder / "models", MORNING - timedelta(days=20))
    shutil.rmtree(folder / "models")
    maker = RowMaker(store)
    for _ in maker.fill(ROWS, MORNING - 14 * DAY, MORNING):
        pass
    maker.close()
    store.checkpoint()
    return store


def long_rules(shared: Path) -> list[AnalyticsRule]:
    found = {one.rule.query: one.rule for one in core_rules(shared)}
    return [rule for rule in found.values() if rule.scheduled and rule.period >= 8 * rule.frequency]


def asked(store: LogStore, rule: AnalyticsRule, at: datetime, *, kept: bool) -> tuple[float, list[str], int, int]:
    """Seconds of processor, the rows, and bins kept and made."""
    began = time.process_time()
    every = rule.frequency if kept else None
    found = store.query(rule.query, now=at, timespan=(at - rule.period, at), every=every)
    took = time.process_time() - began
    return took, sorted(map(repr, found.rows)), found.statistics.bins_kept, found.statistics.bins_made


def qualifying(store: LogStore, rules: list[AnalyticsRule]) -> list[AnalyticsRule]:
    """The rules whose queries are put together of partial rows if all were worth keeping."""
    found = []
    folder, limit, partials = store.path.with_name("trial") if store.path else None, 2**40, store.partials
    store.partials = Partials(folder, limit, store.connect, Worth(rows=0, seconds=0.0, part=10**9))
    for rule in rules:
        try:
            if asked(store, rule, MORNING, kept=True)[3]:
                found.append(rule)
        except Exception as error:
            print(f"{rule.name[:60]}: {str(error)[:100]}")
    if folder is not None:
        PartialFiles.clear(folder)
    store.partials = partials
    return found


@pytest.mark.timeout(0)
def test_partial_rows_save_processor_time(shared: Path, tmp_path: Path, record: Record) -> None:
    kept = os.environ.get("BENCH_STORE")
    folder = tmp_path / "store"
    if kept and (Path(kept) / "logs.duckdb").exists():
        shutil.copytree(kept, folder)
        store = opened(folder, shared)
    else:
        store = filled(folder, shared)
        if kept:
            store.close()
            shutil.copytree(folder, kept)
            store = opened(folder, shared)
    rules = long_rules(shared)
    chosen = qualifying(store, rules)
    first: dict[str, list[float]] = defaultdict(list)
    costs: dict[str, list[tuple[float, float]]] = defaultdict(list)
    bins: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for rule in chosen:  # the state in which a day begins
        asked(store, rule, MORNING, kept=False)
        asked(store, rule, MORNING, kept=True)
        first[rule.id] = [asked(store, rule, MORNING, kept=False)[0], asked(store, rule, MORNING, kept=True)[0]]
    for _ in range(2):
        asked(store, SYNTHETIC, MORNING, kept=True)
    synthetic: list[tuple[float, float]] = []
    maker = RowMaker(store)
    differing = set()
    for hour in range(1, HOURS + 1):
        at = MORNING + hour * HOUR
        for _ in maker.fill(ROWS // (14 * 24), at - HOUR, at, fixed=False):
            pass
        plain, rows, _, _ = asked(store, SYNTHETIC, at, kept=False)
        with_, found, _, _ = asked(store, SYNTHETIC, at, kept=True)
        assert rows == found
        synthetic.append((plain, with_))
        for rule in chosen:
            if rule.frequency >= HOUR and hour * HOUR % rule.frequency:
                continue
            plain, rows, _, _ = asked(store, rule, at, kept=False)
            with_, found, held, made = asked(store, rule, at, kept=True)
            if rows != found and "arg_max" not in rule.query and "make_list" not in rule.query:
                differing.add(rule.name)
            weight = max(1.0, HOUR / rule.frequency)
            costs[rule.id].append((plain * weight, with_ * weight))
            bins[rule.id][0] += held
            bins[rule.id][1] += made
    maker.close()
    names = {rule.id: rule for rule in chosen}
    size = store.partials.bytes()
    used = [one for one in chosen if bins[one.id][0]]
    print(
        f"\n{ROWS:,} rows in 14 days; {len(rules)} rules look back over 8 steps or more, {len(chosen)} qualify, {len(used)} are kept"
    )
    for ident, pairs in sorted(costs.items(), key=lambda item: -sum(a - b for a, b in item[1])):
        without, with_ = (sum(pair[side] for pair in pairs) for side in (0, 1))
        rule = names[ident]
        print(
            f"{without:7.2f} -> {with_:7.2f} s in {HOURS} h, run that makes bins {first[ident][0]:.3f} -> {first[ident][1]:.3f} s, bins {bins[ident]}, "
            f"{rule.frequency} over {rule.period}: {rule.name[:50]}"
        )
    for what, some in (("all that qualify", chosen), ("those that are kept", used)):
        ids = {one.id for one in some}
        without, with_ = (sum(pair[side] for ident in ids for pair in costs[ident]) for side in (0, 1))
        print(
            f"{what}: {without:.2f} -> {with_:.2f} s of processor in {HOURS} h, {without / max(with_, 1e-9):.2f} times"
        )
    began = [sum(first[one.id][side] for one in chosen) for side in (0, 1)]
    print(
        f"{SYNTHETIC.name}: {sum(a for a, _ in synthetic) / HOURS:.3f} -> {sum(b for _, b in synthetic) / HOURS:.3f} s a run"
    )
    print(f"runs that make bins {began[0]:.2f} -> {began[1]:.2f} s; kept {size / 1e3:.0f} KB")
    store.close()
    assert not differing
    total = [sum(pair[side] for pairs in costs.values() for pair in pairs) for side in (0, 1)]
    record(
        f"rules with kept partial rows over a day, of their time without, {ROWS:,} rows", total[1] / total[0], 1.1, ""
    )
