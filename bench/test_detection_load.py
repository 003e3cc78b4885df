"""The load of a day of detection: all core rules on a store with 14 days of rows, while 500 events arrive each second.

`BENCH_ROWS` (2 million by default; several sizes with commas between, smallest first) rows lie in the 14 days before the day. The day
is measured at its noon, when 500 events/s have arrived for `BENCH_HOURS` hours (12 is the whole morning, and as much as a day has on
average). The product's own scheduler runs for the `BENCH_MINUTES` minutes before noon of the simulated day; rules that have no window
in these minutes are run once more by themselves. What a rule's runs took on average, times the runs that it has in a day, is its day:
the figure is extrapolated, and the output says from how many runs. Then the scheduler has `BENCH_SCHEDULED` hours of the same day to
itself, with queries that take what they took: how late runs begin is told by these. With several sizes the output tells how the
seconds of a day grow with the rows. `BENCH_STORE` names a folder to keep the rows in for another run.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from bench.detection_load import DAY, Delays, LoadedStore, SilentLogs
from bench.log_rows import RowMaker, put_models
from tests.detect.corpus_workspace import SilentFeeds, WithParsers
from vedette.core.clock import SystemClock, VirtualClock
from vedette.detect.running.scheduler import Lane
from vedette.store.intake import Intake
from vedette.store.logstore import LogStore

pytestmark = pytest.mark.bench
Record = Callable[[str, float, float, str], None]
MORNING = datetime(2026, 3, 1, tzinfo=UTC)
NOON = MORNING + timedelta(hours=12)
SIZES = [int(float(size)) for size in os.environ.get("BENCH_ROWS", "2e6").split(",")]
HOURS = float(os.environ.get("BENCH_HOURS", "1"))
MINUTES = float(os.environ.get("BENCH_MINUTES", "10"))
SCHEDULED = float(os.environ.get("BENCH_SCHEDULED", "1"))
EVENTS, CORES = 500, 2


def opened(folder: Path, shared: Path) -> LogStore:
    return LogStore(folder / "logs.duckdb", VirtualClock(NOON), content=WithParsers(shared), external=SilentFeeds())


def filled(folder: Path, shared: Path, rows: int) -> LogStore:
    """A store with the rows; the one that the folder has already, where it does."""
    done = folder / "done"
    if done.exists() and done.read_text() == f"{rows} {HOURS}":
        return opened(folder, shared)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    store = opened(folder, shared)
    put_models(store, shared, folder / "models", MORNING - timedelta(days=20))
    shutil.rmtree(folder / "models")
    maker = RowMaker(store)
    for _ in maker.fill(rows, MORNING - 14 * DAY, MORNING):
        pass
    arrived = int(HOURS * 3600 * EVENTS)
    for _ in maker.fill(arrived, NOON - timedelta(hours=HOURS), NOON, fixed=False):
        pass
    maker.close()
    done.write_text(f"{rows} {HOURS}")
    return store


def ingestion(folder: Path) -> float:
    """Seconds of processor that one event takes from the intake into its table."""
    rows = [
        {
            "TimeGenerated": "2026-03-01T11:59:00.0000000Z", "Computer": f"h{number % 500}", "EventID": 4624 + number % 40,
            "Activity": "4624 - An account was successfully logged on.", "Account": f"CONTOSO\\u{number % 5000}",
            "IpAddress": f"10.1.{number % 200}.{number % 250}", "LogonType": 3, "Channel": "Security",
            "ProcessName": "C:\\Windows\\System32\\svchost.exe", "LogonProcessName": "Kerberos", "TargetUserName": f"u{number}",
            "CommandLine": f"svchost.exe -k netsvcs -p -s Schedule {number:x}", "SubjectUserSid": "S-1-5-18",
        }
        for number in range(500)
    ]  # fmt: skip
    with LogStore(folder / "arriving.duckdb", SystemClock()) as store:
        intake = Intake(store, folder / "spool", SystemClock())
        try:
            intake.accept("SecurityEvent", rows, source="bench")
            assert intake.flush(60)
            began, rounds = time.process_time(), 40
            for _ in range(rounds):
                intake.accept("SecurityEvent", rows, source="bench")
                time.sleep(0.25)  # as senders come: the intake's own rounds see few batches at once
            assert intake.flush(60)
            return (time.process_time() - began) / (rounds * len(rows))
        finally:
            intake.close()


@pytest.mark.timeout(7200)
def test_a_simulated_day_of_all_core_rules(shared: Path, tmp_path: Path, record: Record) -> None:
    kept = os.environ.get("BENCH_STORE")
    arriving = ingestion(tmp_path) * EVENTS * DAY.total_seconds()
    days: list[float] = []
    for size in SIZES:
        folder = tmp_path / str(size)
        folder.mkdir()
        with filled((Path(kept) if kept else folder) / f"rows-{size}", shared, size) as store:
            days.append(day_of(store, folder, shared, size, arriving, record))
    for (few, before), (many, after) in pairwise(zip(SIZES, days)):
        slope = (after - before) / (many - few) * 1e6
        share = 100 * (after + slope * (100 - many / 1e6) + arriving) / (CORES * DAY.total_seconds())
        print(
            f"from {few:,} to {many:,} rows: {slope:.1f} s a day for each million; at 100 million, if it goes on so, {share:.1f} %"
        )


@pytest.mark.timeout(7200)
@pytest.mark.parametrize("spread", [True, False], ids=["spread", "together"])
def test_rules_that_share_looks_and_rules_that_do_not(
    shared: Path, tmp_path: Path, record: Record, spread: bool
) -> None:
    """The same minutes of the scheduler with and without shared looks; the windows of all rules end apart, or together."""
    kept, size = os.environ.get("BENCH_STORE"), SIZES[0]
    folder = (Path(kept) if kept else tmp_path) / f"rows-{size}"
    measured = timedelta(minutes=MINUTES)
    took: dict[bool, float] = {}
    with filled(folder, shared, size) as store:
        for sharing in (False, True):
            load = LoadedStore(store, tmp_path, shared, NOON - measured, sharing, spread)
            try:
                load.warm(NOON - measured - timedelta(minutes=1))
                took[sharing] = load.run_for(measured)
                entries = [one for one in load.ledger.runs(limit=10**6) if one.run_id is not None and one.fills is None]
            finally:
                load.close()
            spared = sum(one.spared for one in entries)
            queries = sum(sum(cost.seconds) for cost in load.runner.costs.values())
            looks = load.looks
            print(f"\n{size:,} rows, starts {'spread' if spread else 'together'}, {'with' if sharing else 'without'} looks: "
                  f"{len(entries)} runs, {spared} spared, {0 if looks is None else looks.number} looks; seconds of processor: "
                  f"{took[sharing]:.1f}, of which queries {queries:.1f}, looks {0.0 if looks is None else looks.seconds:.1f}")  # fmt: skip
    name = f"what rules take with shared looks, of what they take without, {'spread' if spread else 'together'}, {size:,} rows"
    record(name, 100 * took[True] / took[False], 105.0, "%")


def day_of(store: LogStore, folder: Path, shared: Path, rows: int, arriving: float, record: Record) -> float:
    """Measures a day of detection over a store; the seconds of processor that it takes."""
    measured = timedelta(minutes=MINUTES)
    load = LoadedStore(store, folder, shared, NOON - measured)
    try:
        work = load.run_for(measured)
        scheduled = {rule: len(cost.seconds) for rule, cost in load.runner.costs.items()}
        queries = sum(sum(cost.seconds) for cost in load.runner.costs.values())
        load.run_others(1)
    finally:
        load.close()
    costs = sorted(load.runner.costs.values(), key=lambda cost: -cost.a_day)
    runs = sum(scheduled.values())
    around = (work - queries) / runs  # the ledger, the library, alerts and incidents
    runs_a_day = sum(DAY / rule.frequency for rule in load.rules)
    day = sum(cost.a_day for cost in costs) + around * runs_a_day
    share = 100 * (day + arriving) / (CORES * DAY.total_seconds())
    took: dict[str, float] = {}
    for cost in costs:  # of several rules with one text, the dearest
        took[cost.rule.query] = max(took.get(cost.rule.query, 0.0), sum(cost.seconds) / len(cost.seconds))
    hours = timedelta(hours=SCHEDULED)
    late: dict[Lane, Delays] = {}
    for lane in Lane:  # each by itself, as if it had one of the cores
        alone = LoadedStore(SilentLogs(took), folder, shared, NOON - hours)
        alone.scheduler._took = {rule.id: took[rule.query] for rule in alone.rules}
        try:
            alone.run_for(hours, lane)
            late[lane] = alone.delays()
            assert not [cost.failed for cost in alone.runner.costs.values() if cost.failed]
        finally:
            alone.close()
    print(
        f"\n{rows:,} rows in 14 days, {EVENTS}/s for {HOURS:g} h; {len(load.rules)} rules, {runs_a_day:,.0f} runs a day"
    )
    print(f"measured: {runs:,} runs of {len(scheduled)} rules in {measured} by the scheduler, and each other rule once")
    print(f"seconds a day: queries {day - around * runs_a_day:,.0f}, around them {around * runs_a_day:,.0f}"
          f" ({1000 * around:.1f} ms a run), {EVENTS} events/s {arriving:,.0f}")  # fmt: skip
    print(
        f"{hours} of the day by the scheduler, with queries that take what they took; starts in parts of the rule's frequency:"
    )
    for lane, found in late.items():
        print(
            f"{lane.value}: {found.runs:,} runs, {found.mean:.4f} late on average, {found.worst:.3f} at worst ({found.rule})"
        )
    for cost in costs[:25]:
        run = 1000 * sum(cost.seconds) / len(cost.seconds)
        rule = cost.rule
        print(f"{cost.a_day:8.1f} s/day {run:6.0f} ms every {rule.frequency} over {rule.period}: {rule.name[:70]}")
    longest = max(max(cost.seconds) for cost in costs)
    print(f"longest run {longest:.1f} s; failed: {sorted({cost.failed for cost in costs if cost.failed})}")
    mean = sum(one.mean * one.runs for one in late.values()) / sum(one.runs for one in late.values())
    record(f"mean delay of a rule's start, in parts of its frequency, {rows:,} rows", mean, 1.0, "")
    record(
        f"latest start of a rule, in parts of its frequency, {rows:,} rows",
        max(one.worst for one in late.values()),
        1.0,
        "",
    )
    record(f"all core rules and {EVENTS} events/s, mean of {CORES} cores, {rows:,} rows", share, 50.0, "%")
    return day
