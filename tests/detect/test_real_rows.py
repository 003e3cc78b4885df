"""Real rules over real rows: what they find, in which alerts, and that it is those rows which make them fire."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from vedette.core.clock import VirtualClock
from vedette.detect.alerts.alert import Outcome, RuleRun
from vedette.detect.reading.files import read_rules
from vedette.detect.rule import AnalyticsRule
from vedette.detect.running.runner import RuleRunner
from vedette.store.loading import LoadOptions
from vedette.store.logstore import LogStore

AT = datetime(2021, 8, 3, tzinfo=UTC)
"""The day after the campaign."""

RULES = {
    "18e6a87e-9d06-4a4e-8b59-3469cd49552d": ("A-golden-saml", "SIMULANDLABS\\wardog"),
    "81fab62b-ef92-487a-9c35-a91a116309e6": ("A-golden-saml", "wardog"),
    "2cfc3c6e-f424-4b88-9cc9-c89f482d016a": ("A-golden-saml", "pgustavo@simulandlabs.com"),
}


def rule_of(shared: Path, tmp_path: Path, rule_id: str) -> AnalyticsRule:
    for line in (shared / "data" / "campaigns" / "rules.jsonl").read_text().splitlines():
        record = json.loads(line)
        if record.get("rule_id") == rule_id:
            (tmp_path / "rule.yaml").write_text(yaml.safe_dump(record["raw"] | {"query": record["query"]}))
    ((read,), problems) = read_rules([tmp_path / "rule.yaml"])
    assert problems == []
    return read.rule


def run(
    shared: Path,
    tmp_path: Path,
    rule: AnalyticsRule,
    entries: list[dict[str, Any]],
    keep: Callable[[int, list[int]], bool],
) -> RuleRun:
    """The rule over the campaign's files, with the rows that `keep` takes of each."""
    clock = VirtualClock(AT)
    with LogStore(None, clock) as logs:
        for entry in entries:
            with gzip.open(shared / "data" / entry["file"], "rt") as lines:
                rows = [line for number, line in enumerate(lines) if keep(number, entry["rows"])]
            part = tmp_path / "rows" / entry["table"] / "part.jsonl"
            part.parent.mkdir(parents=True, exist_ok=True)
            part.write_text("".join(rows))
            if rows:
                report = logs.load([part], LoadOptions(stamp=AT - timedelta(hours=1)))
                assert report.rows == len(rows)
        return RuleRunner(logs, clock).run(rule, AT, timedelta(days=14))


@pytest.mark.parametrize("rule_id", RULES)
def test_a_rule_fires_on_its_rows_and_on_no_other(shared: Path, tmp_path: Path, rule_id: str) -> None:
    campaign, account = RULES[rule_id]
    lines = (shared / "data" / "campaigns" / "expected.jsonl").read_text().splitlines()
    entries = [
        entry for entry in map(json.loads, lines) if entry.get("rule_id") == rule_id and entry["campaign"] == campaign
    ]
    rule = rule_of(shared, tmp_path, rule_id)
    everything = run(shared, tmp_path, rule, entries, lambda number, listed: True)
    assert everything.error is None
    assert (everything.outcome, everything.rows) == (Outcome.MATCHED, sum(entry["matching_rows"] for entry in entries))
    (alert,) = everything.alerts
    assert account in [dict(entity.identifiers).get("FullName") for entity in alert.entities]
    assert alert.notes == ()
    alone = run(shared, tmp_path, rule, entries, lambda number, listed: number in listed)
    assert [one.to_line() for one in alone.alerts] == [one.to_line() for one in everything.alerts]
    assert alone.alerts[0].rows_hash == alert.rows_hash
    without = run(shared, tmp_path, rule, entries, lambda number, listed: number not in listed)
    assert (without.outcome, without.alerts) == (Outcome.NOT_MATCHED, ())
