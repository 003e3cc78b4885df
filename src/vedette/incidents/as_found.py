"""A run as it was found, and the same query over the same time now.

With an alert the first of its rows are kept, and a hash over all of them. Rows are compared whole; what was not kept cannot be compared
row by row, and the hash says for all of them whether anything is different.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy import select

from vedette.core.clock import Clock
from vedette.core.database import State
from vedette.detect.alerts.alert import Outcome, RuleRun
from vedette.detect.alerts.limits import AlertLimits
from vedette.detect.rule import AnalyticsRule, EventGrouping, JsonValue, RuleKind, Threshold, canonical_json
from vedette.detect.running.runner import ExceptionsOf, QueryRunner, RuleRunner
from vedette.incidents.models import AlertRow

ROWS: Final = 500
"""Rows of today's result that are given, at most."""
_BYTES: Final = 4 * 1024 * 1024
Row = Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Found:
    """Rows and the columns that they have (name, KQL type). `count` is how many there are; `rows` may be the first of them."""

    columns: tuple[tuple[str, str], ...]
    rows: tuple[Row, ...]
    count: int
    hashes: tuple[str, ...]
    """SHA-256 over all rows of each alert, sorted."""

    @property
    def complete(self) -> bool:
        """Whether all rows are there."""
        return len(self.rows) == self.count


@dataclass(frozen=True, slots=True)
class Difference:
    """`gone`: places of rows that were found then and are not now; `new`: places of today's that were not there then.

    A place is only told where it is certain: where the other side is complete.
    """

    gone: tuple[int, ...]
    new: tuple[int, ...]
    same: bool | None
    """Whether both are the same rows; None where that cannot be told."""


def found_by_run(state: State, workspace_id: str, run_id: str) -> tuple[Found, str | None]:
    """The rows kept with a run's alerts, and the query that found them (None where the run raised no alert)."""
    query = select(AlertRow).where(AlertRow.workspace_id == workspace_id, AlertRow.run_id == run_id)
    with state.session(read_only=True) as session:
        bodies = [row.body for row in session.scalars(query.order_by(AlertRow.start, AlertRow.id))]
    columns: dict[str, str] = {}
    rows: list[Row] = []
    for body in bodies:
        columns.update((name, kind) for name, kind in body["columns"])
        rows += body["sample"]
    hashes = tuple(sorted(body["rowsHash"] for body in bodies))
    kept = Found(tuple(columns.items()), tuple(rows), sum(body["rows"] for body in bodies), hashes)
    return kept, bodies[0]["query"] if bodies else None


def find_again(
    logs: QueryRunner, clock: Clock, rule: AnalyticsRule, start: datetime, end: datetime, limits: AlertLimits,
    exceptions: ExceptionsOf | None,
) -> tuple[Found, RuleRun]:  # fmt: skip
    """What a rule's query gives now over a time that was searched before; nothing is kept. Exceptions are today's."""
    # grouped as it was, for the hashes, and above any threshold, so that there are rows to show
    asked = replace(rule, trigger=Threshold(), enabled=True)
    wide = replace(limits, sample_rows=ROWS, sample_bytes=_BYTES, alerts_per_run=ROWS, alerts_per_nrt_run=ROWS)
    if rule.event_grouping is EventGrouping.SINGLE_ALERT:
        wide = replace(wide, alerts_per_run=limits.alerts_per_run, alerts_per_nrt_run=limits.alerts_per_nrt_run)
    since = end - rule.frequency if rule.kind is RuleKind.FUSION else None
    run = RuleRunner(logs, clock, wide, exceptions=exceptions).run(asked, end, end - start, since=since)
    if run.outcome is not Outcome.MATCHED:
        return Found((), (), 0, ()), run
    rows = tuple(row for alert in run.alerts for row in alert.sample)[:ROWS]
    hashes = tuple(sorted(alert.rows_hash for alert in run.alerts))
    return Found(run.alerts[0].columns, rows, run.rows, hashes), run


def difference(then: Found, now: Found) -> Difference:
    """What is different."""
    gone = _missing(then.rows, now.rows) if now.complete else ()
    new = _missing(now.rows, then.rows) if then.complete else ()
    if then.complete and now.complete:
        return Difference(gone, new, not gone and not new)
    same = then.hashes == now.hashes if len(then.hashes) == len(now.hashes) == 1 else None
    if then.count != now.count or gone or new:
        same = False
    return Difference(gone, new, same)


def _missing(rows: Sequence[Row], others: Sequence[Row]) -> tuple[int, ...]:
    """Places of rows that the others do not have; a row that is there twice has to be there twice."""
    left = Counter(canonical_json(dict(row)) for row in others)
    places = []
    for place, row in enumerate(rows):
        text = canonical_json(dict(row))
        if left[text]:
            left[text] -= 1
        else:
            places.append(place)
    return tuple(places)
