"""A queue of 1,000 incidents in which some are true: the campaigns' own, among the noise of the rules that shops run.

The true ones are what the campaigns' rules find in the campaigns' data. The noise is of real rules (their severity and
tactics, from the corpus), a few of which make most of it, as they do; their entities are users, hosts and addresses of one
company, drawn so that a few have many incidents. Nothing in the noise knows how priorities are computed.
"""

from __future__ import annotations

import dataclasses
import gzip
import json
import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.incidents.runs import ANN, MAPPINGS, rule, run
from vedette.core.clock import VirtualClock
from vedette.detect.alerts.alert import RuleRun
from vedette.detect.reading.files import read_rule_text
from vedette.detect.rule import AnalyticsRule, EntityMapping, FieldMapping, Severity
from vedette.detect.running.runner import RuleRunner
from vedette.incidents.listing import IncidentFilter
from vedette.incidents.service import IncidentService
from vedette.kql import ticks
from vedette.store.logstore import LogStore
from vedette.store.report import LoadOptions

HISTORY = 400
"""Closed incidents that are there before the queue: the noisy rules' verdicts."""


def true_runs(shared: Path) -> list[RuleRun]:
    """The runs of the campaigns' rules over the campaigns' data that find something."""
    folder = shared / "data/campaigns"
    expected = [json.loads(line) for line in (folder / "expected.jsonl").read_text().splitlines() if line]
    rules = _rules(folder / "rules.jsonl")
    found = []
    for name in sorted({entry["campaign"] for entry in expected}):
        entries = [entry for entry in expected if entry["campaign"] == name]
        at = _newest(entries) + timedelta(hours=1)
        wanted = sorted({entry["rule_id"] for entry in entries if entry.get("rule_id") and entry["fires"]})
        if not wanted:
            continue
        with LogStore(None, VirtualClock(at)) as store:
            files = sorted({entry["file"] for entry in entries})
            store.load([shared / "data" / file for file in files], LoadOptions(stamp=at - timedelta(hours=1)))
            for rule_id in wanted:
                result = RuleRunner(store, VirtualClock(at)).run(rules[rule_id], at, timedelta(days=14))
                if result.alerts:
                    found.append(result)
    return found


def _rules(file: Path) -> dict[str, AnalyticsRule]:
    rules = {}
    for line in file.read_text().splitlines():
        entry = json.loads(line)
        document: dict[str, Any] = {
            "id": entry["rule_id"], "name": entry["name"], "kind": "Scheduled",
            "severity": entry.get("severity") or "Medium", "description": "", "queryFrequency": "1d",
            "queryPeriod": "1d", "triggerOperator": "gt", "triggerThreshold": 0, "tactics": entry.get("tactics") or [],
            "entityMappings": entry.get("entityMappings") or [],
            **{name: value for name, value in (entry.get("raw") or {}).items() if value is not None},
            "query": entry["query"],
        }  # fmt: skip
        read, _ = read_rule_text(json.dumps(document), f"{entry['rule_id']}.yaml")
        rules[entry["rule_id"]] = read[0].rule
    return rules


def _newest(entries: list[dict[str, Any]]) -> datetime:
    moments = [ticks.parse_datetime(text) for entry in entries for text in entry["times"] if text]
    return ticks.to_datetime(max(moment for moment in moments if moment is not None))


def noisy_rules(shared: Path, rng: random.Random, count: int) -> list[AnalyticsRule]:
    """Rules with the severity and tactics of real ones."""
    with gzip.open(shared / "corpus/core_rules.jsonl.gz", "rt", encoding="utf-8") as lines:
        raw = [json.loads(line) for line in lines]
    made = []
    for number, entry in enumerate(rng.sample(raw, min(len(raw), 4 * count)), 100):
        of: Mapping[str, Any] = entry.get("raw") or entry
        severity = str(of.get("severity") or "").capitalize()
        if severity not in {one.value for one in Severity} or len(made) == count:
            continue
        mappings = (*MAPPINGS, EntityMapping("Host", (FieldMapping("FullName", "Host"),)))
        tactics = tuple(str(tactic).replace(" ", "") for tactic in of.get("tactics") or ())
        made.append(rule(number, severity=Severity(severity), tactics=tactics, techniques=(), entity_mappings=mappings))
    return made


def fill(
    service: IncidentService, clock: VirtualClock, shared: Path, *, seed: int, rules: int = 60, size: int = 1000
) -> set[int]:
    """Makes the queue; returns the numbers of the true incidents."""
    rng = random.Random(seed)
    noisy = noisy_rules(shared, rng, rules)
    often = [1.0 / (rank + 1) for rank in range(len(noisy))]
    people = [1.0 / (rank + 5) for rank in range(400)]

    def noise() -> RuleRun:
        of = rng.choices(noisy, often)[0]
        (user,) = rng.choices(range(400), people)
        row = {"User": f"user{user}@contoso.com"}
        if rng.random() < 0.6:
            row["Ip"] = f"81.{user % 7}.{rng.randrange(40)}.{rng.randrange(250)}"
        if rng.random() < 0.4:
            row["Host"] = f"pc{user}.contoso.com"
        return run(of, [row], clock.now())

    for _ in range(HISTORY):
        clock.advance(1800)
        for number in service.ingest(noise()).created:
            verdict = rng.choices(["BenignPositive", "FalsePositive", "TruePositive", "Undetermined"], [45, 40, 8, 7])[
                0
            ]
            service.update(number, {"status": "Closed", "classification": verdict}, ANN)
    found = true_runs(shared)
    places = {rng.randrange(size - 60): one for one in found}
    places |= {} if len(places) == len(found) else dict(enumerate(found, 100))
    true: set[int] = set()
    made = 0
    while made < size:
        clock.advance(300)
        due = places.pop(made, None)
        if due is not None:
            now = clock.now()
            alerts = tuple(dataclasses.replace(alert, generated=now) for alert in due.alerts)
            numbers = service.ingest(
                dataclasses.replace(due, alerts=alerts, start=now - timedelta(days=1), end=now)
            ).created
            true |= set(numbers)
            made += len(numbers)
            continue
        made += len(service.ingest(noise()).created)
    while service.prioritise(500):
        pass
    return true


def top_tenth(service: IncidentService, true: set[int]) -> tuple[int, int, dict[int, int]]:
    """How many true incidents are in the first tenth of the open queue by priority; how many there are; the place of each."""
    page = service.list(IncidentFilter(statuses=("New", "Active"), sort="-priority", top=10_000))
    places = {one["number"]: place for place, one in enumerate(page.value, 1) if one["number"] in true}
    return sum(place <= page.count // 10 for place in places.values()), len(true), places
