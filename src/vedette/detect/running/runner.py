"""Running a rule: its query over a window, the threshold, and the alerts of what it found.

A run is a function of the rule, the window and the data: ids, the order of rows and samples are the same every time.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final, Protocol, runtime_checkable

from vedette.core.clock import Clock
from vedette.core.errors import Closing, VedetteError
from vedette.core.ids import derived_id
from vedette.detect.alerts.alert import Alert, Exhaustiveness, Outcome, RuleRun, RunError, RunType
from vedette.detect.alerts.details import details
from vedette.detect.alerts.limits import AlertLimits
from vedette.detect.alerts.moments import TimeColumns, wire_datetime
from vedette.detect.correlation.campaign import Campaign, campaigns_of
from vedette.detect.entities.mapping import EntityMapper, Row
from vedette.detect.rule import AnalyticsRule, Eagerness, EventGrouping, JsonValue, RuleKind, canonical_json
from vedette.detect.running.windows import run_id_of
from vedette.kql.continuing import continued
from vedette.kql.diagnostics import KqlError, position

LOADING_COLUMNS: Final = frozenset({"_ItemId", "_TimeReceived"})
"""What tells one loading of an event from another: no part of what was found, so that the same events are one alert."""


LIMITS_REACHED: Final = frozenset({"VDT2001", "VDT2002"})
"""Codes of queries that were ended because they took too long, or needed too much memory."""


class QueryColumn(Protocol):
    """A column of a query's result; `str(type)` is KQL's name of its type."""

    @property
    def name(self) -> str: ...

    @property
    def type(self) -> Any: ...


class QueryResult(Protocol):
    """What a query gives: columns, rows of wire values, and why rows are missing (None when none are)."""

    @property
    def columns(self) -> Sequence[QueryColumn]: ...

    @property
    def rows(self) -> Sequence[Sequence[JsonValue]]: ...

    @property
    def partial(self) -> str | None: ...


class QueryRunner(Protocol):
    """Where rules ask: a workspace's log store."""

    def query(self, text: str, *, now: datetime, timespan: tuple[datetime, datetime]) -> QueryResult:
        """The result of a KQL query, with every table held to `timespan` (from, to) of TimeGenerated."""
        ...


@runtime_checkable
class KeepsParts(Protocol):
    """A log store that keeps partial results of queries that come again."""

    @property
    def partials(self) -> object: ...

    def query(
        self, text: str, *, now: datetime, timespan: tuple[datetime, datetime], every: timedelta | None = None
    ) -> QueryResult:
        """As `QueryRunner.query`; `every`: it comes again after each such time, over a time that has moved on as much."""
        ...


class Shape(Protocol):
    """What a query's bound tree tells before it is run (`store.shapes`)."""

    @property
    def tables(self) -> frozenset[str]: ...

    @property
    def row_local(self) -> bool: ...

    @property
    def growing(self) -> bool: ...

    @property
    def keys(self) -> tuple[str, ...] | None: ...


class Shapes(Protocol):
    """Who tells shapes."""

    def shape(self, text: str) -> Shape | None:
        """The shape of a query; None if it cannot be bound."""
        ...


class RowException(Protocol):
    """An exception from a rule (`exceptions.py`)."""

    @property
    def id(self) -> str: ...

    @property
    def owner(self) -> str: ...

    def hides(self, row: Mapping[str, JsonValue]) -> bool:
        """Whether it hides a result row."""
        ...


ExceptionsOf = Callable[[str, datetime], Sequence[RowException]]
"""The exceptions of a rule that count for a window that ends then."""


class RuleRunner:
    """Runs rules against one workspace's logs."""

    def __init__(
        self,
        logs: QueryRunner,
        clock: Clock,
        limits: AlertLimits | None = None,
        shapes: Shapes | None = None,
        exceptions: ExceptionsOf | None = None,
    ) -> None:
        """`shapes` (the log store) tells which columns are the keys of groups: their alerts keep their ids when they grow."""
        self._logs = logs
        self._shapes = shapes
        self._exceptions = exceptions
        self._clock = clock
        self._limits = limits or AlertLimits()

    def run(
        self,
        rule: AnalyticsRule,
        at: datetime,
        period: timedelta | None = None,
        run_type: RunType = RunType.MANUAL,
        attempt: int = 1,
        since: datetime | None = None,
    ) -> RuleRun:
        """Run a rule as if now were `at`, over the `period` before it (the rule's own by default).

        A Fusion rule tells of the campaigns that have grown from `since` on, the start of its window; of all without it.

        Never raises for what the query does: an unknown table, a query that fails or takes too long is outcome ERROR.
        """
        start = at - (period or rule.period)
        run = _begun(rule, start, at, run_type, attempt)
        if rule.not_runnable is not None:
            return replace(run, error=RunError("VDT0400", f"This rule cannot be run: {rule.not_runnable}."))
        # by hand, what counts is what is in force now: who looks at the past knows what is known today
        counts_at = at if run_type is RunType.SCHEDULED else max(at, self._clock.now())
        exceptions = self._exceptions(rule.id, counts_at) if self._exceptions is not None else ()
        text, eager = _query_text(rule, exceptions)
        began = self._clock.monotonic()
        try:
            result = self._asked(rule, text, start, at, attempt, run_type is RunType.SCHEDULED)
        except Closing:
            raise  # the rule has not been run
        except Exception as error:  # one rule's failure is that rule's result, whatever its cause
            return replace(run, error=run_error(error), duration=self._clock.monotonic() - began)
        duration = self._clock.monotonic() - began
        run = replace(run, bins=_bins(result))
        shown, hidden = _without(result, exceptions)
        campaigns = None
        if rule.kind is RuleKind.FUSION:
            columns = [column.name for column in result.columns]
            campaigns = campaigns_of(rule, columns, shown, since or start, rule.period)
            shown = [list(row.values()) for campaign in campaigns for row in campaign.rows]
        return self._judged(replace(run, hidden=hidden), result, shown, eager, duration, campaigns)

    def silent(self, rule: AnalyticsRule, at: datetime, period: timedelta, seconds: float) -> RuleRun:
        """The run of the schedule that finds nothing, for a window of which a look that rules share has told that, in so many seconds."""
        run = _begun(rule, at - period, at, RunType.SCHEDULED, 1)
        return replace(run, outcome=Outcome.NOT_MATCHED, duration=seconds, spared=True)

    def _asked(
        self, rule: AnalyticsRule, text: str, start: datetime, end: datetime, attempt: int, again: bool
    ) -> QueryResult:
        """What the query gives; where a limit ended it before, in smaller windows, if its shape allows that.

        A row-local query gives the same rows however its time is cut. One whose findings grow gives no wrong ones, but does not
        see together what lies in several parts, and says so. Any other is not cut: it would find what is not there.
        """
        shape = None if attempt < 2 or self._shapes is None else self._shapes.shape(rule.query)
        if again and attempt < 2 and isinstance(self._logs, KeepsParts):
            return self._logs.query(text, now=end, timespan=(start, end), every=rule.frequency)
        if shape is None or not shape.growing:
            return self._logs.query(text, now=end, timespan=(start, end))
        parts = min(4 ** (attempt - 1), 64)
        if not shape.row_local:
            try:
                return self._logs.query(text, now=end, timespan=(start, end))
            except Exception as error:
                if getattr(error, "code", None) not in LIMITS_REACHED:
                    raise
        cuts = [start + (end - start) * number / parts for number in range(parts)] + [end]
        results = [self._logs.query(text, now=end, timespan=part) for part in pairwise(cuts)]
        return _joined(results, shape, parts)

    def _judged(
        self,
        run: RuleRun,
        result: QueryResult,
        shown: Sequence[Sequence[JsonValue]],
        eager: bool,
        duration: float,
        campaigns: Sequence[Campaign] | None,
    ) -> RuleRun:
        rule = run.rule
        count = len(shown)
        met = rule.trigger.met(count)
        cut = result.partial is not None or (eager and count >= (rule.trigger.proof or 0))
        exhaustiveness = Exhaustiveness.PARTIAL if cut else Exhaustiveness.COMPLETE
        # A count that was cut is a lower bound: it proves "more than", and nothing else.
        if result.partial is not None and not (met and rule.trigger.proof is not None):
            message = f"The threshold '{rule.trigger}' cannot be decided: {result.partial}"
            error = RunError("VDT0413", message.rstrip(".") + ".")
            return replace(run, rows=count, exhaustiveness=exhaustiveness, error=error, duration=duration)
        if not met:
            return replace(
                run, outcome=Outcome.NOT_MATCHED, rows=count, exhaustiveness=exhaustiveness, duration=duration
            )
        notes = []
        if result.partial is not None:
            notes.append(f"Only a part of the result was read: {result.partial}")
        if run.hidden:
            notes.append(f"Exceptions hid {sum(run.hidden.values()):,} further results: {', '.join(run.hidden)}.")
        alerts = self._alerts(run, result, shown, notes, campaigns)
        return replace(
            run, outcome=Outcome.MATCHED, rows=count, alerts=alerts, exhaustiveness=exhaustiveness, duration=duration
        )

    def _alerts(
        self,
        run: RuleRun,
        result: QueryResult,
        shown: Sequence[Sequence[JsonValue]],
        notes: list[str],
        campaigns: Sequence[Campaign] | None,
    ) -> tuple[Alert, ...]:
        rule = run.rule
        kept = [(at, column) for at, column in enumerate(result.columns) if column.name not in LOADING_COLUMNS]
        maker = _AlertMaker(run, [(column.name, str(column.type)) for _, column in kept], self._limits)
        if campaigns is not None:
            return tuple(maker.campaign_alert(campaign, notes) for campaign in campaigns)
        rows = _ordered([{column.name: row[at] for at, column in kept} for row in shown], maker.times)
        if rule.event_grouping is EventGrouping.SINGLE_ALERT or not rows:
            return (maker.alert("", rows, notes),)
        limit = self._limits.alerts_per_nrt_run if rule.kind is RuleKind.NRT else self._limits.alerts_per_run
        single, rest = (rows, False) if len(rows) <= limit else (rows[: limit - 1], True)
        seen: Counter[str] = Counter()
        alerts = []
        keys = self._keys(rule)
        for text, row in single:
            if keys is not None and all(key in row for key in keys):
                # a group is told by its keys: counted again with late events, it is the same alert
                text = canonical_json({key: row[key] for key in keys})
            digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
            seen[digest] += 1
            alerts.append(maker.alert(f"{digest}:{seen[digest]}", [(canonical_json(row), row)], notes))
        if rest:
            message = f"A run raises {limit} alerts: this one stands for all {len(rows):,} results."
            alerts.append(maker.alert("all", rows, [*notes, message]))
        return tuple(alerts)

    def _keys(self, rule: AnalyticsRule) -> tuple[str, ...] | None:
        """The columns that tell the groups of the rule's result apart; None where it has no groups, or they are not shown."""
        if self._shapes is None:
            return None
        shape = self._shapes.shape(rule.query)
        return None if shape is None else shape.keys


def _begun(rule: AnalyticsRule, start: datetime, at: datetime, run_type: RunType, attempt: int) -> RuleRun:
    """A run over [start, at) of which nothing is known yet."""
    run_id = run_id_of(rule.id, start, at, run_type)
    search = derived_id("search", run_id, str(attempt))
    return RuleRun(
        id=run_id,
        rule=rule,
        type=run_type,
        start=start,
        end=at,
        outcome=Outcome.ERROR,
        search_id=search,
        trace_id=derived_id("trace", search).replace("-", ""),
        query_hash=rule.query_hash,
    )


@dataclass(frozen=True, slots=True)
class _Joined:
    """The results of several parts of a window."""

    columns: Sequence[QueryColumn]
    rows: Sequence[Sequence[JsonValue]]
    partial: str | None


def _joined(results: Sequence[QueryResult], shape: Shape, parts: int) -> QueryResult:
    columns = results[0].columns
    names = [column.name for column in columns]
    rows: list[Sequence[JsonValue]] = []
    for result in results:
        places = {column.name: at for at, column in enumerate(result.columns)}
        rows += [[row[places[name]] if name in places else None for name in names] for row in result.rows]
    partial = next((result.partial for result in results if result.partial is not None), None)
    if not shape.row_local:
        partial = f"The window was searched in {parts} parts: what lies in several of them was not seen together."
        if shape.keys is not None and all(key in names for key in shape.keys):
            at = [names.index(key) for key in shape.keys]
            rows = list({canonical_json([row[place] for place in at]): row for row in rows}.values())
    return _Joined(columns, rows, partial)


class _AlertMaker:
    """Makes the alerts of one run."""

    def __init__(self, run: RuleRun, columns: Sequence[tuple[str, str]], limits: AlertLimits) -> None:
        self._run = run
        self._types = tuple(columns)
        self._columns = [name for name, _ in columns]
        self.times = TimeColumns(columns)
        self._limits = limits
        self._mapper = EntityMapper(run.rule, self._columns, limits)

    def _window(self, group: str) -> tuple[str, ...]:
        """What of the run's window tells its alerts from those of others: nothing where an alert stands for one of another product,
        or for a campaign.

        Such an alert is told again when its state changes there, or when the campaign grows; it is the same one then, and makes no
        second incident.
        """
        kinds = (RuleKind.MICROSOFT_SECURITY_INCIDENT_CREATION, RuleKind.FUSION)
        if self._run.rule.kind in kinds and group not in ("", "all"):
            return ()
        return wire_datetime(self._run.start), wire_datetime(self._run.end)

    def campaign_alert(self, campaign: Campaign, notes: Sequence[str]) -> Alert:
        """The alert over the signals of a campaign."""
        return self.alert(f"campaign {campaign.id}", _ordered(campaign.rows, self.times), notes, campaign)

    def alert(
        self, group: str, ordered: Sequence[tuple[str, Row]], notes: Sequence[str], campaign: Campaign | None = None
    ) -> Alert:
        """The alert over some of the rows; `group` tells it from the run's other alerts."""
        run, rule = self._run, self._run.rule
        rows = [row for _, row in ordered]
        entities, entity_notes = self._mapper.entities(rows)
        said = details(rule, self._columns, rows, self._limits)
        if campaign is not None:
            said = campaign.details(said, self._limits)
        start, end = self.times.span(rows, (run.start, run.end))
        digest = hashlib.sha256()
        for text, _ in ordered:
            digest.update(text.encode(errors="surrogatepass"))
            digest.update(b"\n")
        sample, sample_notes = _sample(ordered, self._limits)
        missing = self._mapper.notes if rows else []
        return Alert(
            id=derived_id("alert", rule.id, *self._window(group), group or "all"),
            rule_id=rule.id,
            rule=rule.name,
            title=said.title,
            description=said.description,
            severity=said.severity,
            tactics=said.tactics,
            techniques=said.techniques,
            sub_techniques=said.sub_techniques,
            start=start,
            end=end,
            generated=run.end,
            rows=len(rows),
            entities=entities,
            sample=sample,
            rows_hash=digest.hexdigest(),
            columns=self._types,
            custom_details=said.custom,
            properties=said.properties,
            notes=tuple(dict.fromkeys([*notes, *missing, *entity_notes, *said.notes, *sample_notes])),
            campaign=None if campaign is None else campaign.to_dict(),
        )


def _bins(result: QueryResult) -> tuple[int, int] | None:
    """Bins of which partial results were kept, and bins of which they were made, where the log store tells."""
    told = getattr(result, "statistics", None)
    found = getattr(told, "bins_kept", 0), getattr(told, "bins_made", 0)
    return found if any(found) else None


def _without(
    result: QueryResult, exceptions: Sequence[RowException]
) -> tuple[Sequence[Sequence[JsonValue]], dict[str, int]]:
    """The rows that no exception hides, and of each exception how many it hides (the first that does counts)."""
    if not exceptions:
        return result.rows, {}
    names = [column.name for column in result.columns]
    shown: list[Sequence[JsonValue]] = []
    hidden: Counter[str] = Counter()
    for row in result.rows:
        values = dict(zip(names, row))
        by = next((one.id for one in exceptions if one.hides(values)), None)
        if by is None:
            shown.append(row)
        else:
            hidden[by] += 1
    return shown, dict(hidden)


def _query_text(rule: AnalyticsRule, exceptions: Sequence[RowException]) -> tuple[str, bool]:
    """The text to run, and whether it stops at the row that proves the threshold (which an exception might hide)."""
    proof = rule.trigger.proof
    if exceptions or rule.trigger.eagerness is not Eagerness.EAGER or proof is None or proof < 1:
        return rule.query, False
    return continued(rule.query, f"take {proof}"), True


def _ordered(rows: Sequence[Row], times: TimeColumns) -> list[tuple[str, Row]]:
    """The rows by time and then content, with their canonical text: an engine's own order may change."""
    keyed = [(times.row_start(row) or "~", canonical_json(row), row) for row in rows]
    keyed.sort(key=lambda entry: entry[:2])
    return [(text, row) for _, text, row in keyed]


def _sample(ordered: Sequence[tuple[str, Row]], limits: AlertLimits) -> tuple[tuple[Row, ...], list[str]]:
    sample: list[Row] = []
    notes: list[str] = []
    size = 0
    for text, row in ordered[: limits.sample_rows]:
        kept = row if len(text) <= limits.value_characters else _shortened(row, limits.value_characters)
        size += len(text) if kept is row else len(canonical_json(kept))
        if size > limits.sample_bytes:
            notes.append(f"The sample holds {limits.sample_bytes // 1024} KB; further rows were left out.")
            break
        if kept is not row and kept != row:
            notes.append(f"Values in the sample are cut to {limits.value_characters:,} characters.")
        sample.append(kept)
    return tuple(sample), notes


def _shortened(row: Row, length: int) -> Row:
    def cut(value: JsonValue) -> JsonValue:
        text = value if isinstance(value, str) else canonical_json(value)
        return value if len(text) <= length else text[: length - 1] + "…"

    return {name: cut(value) for name, value in row.items()}


def run_error(error: Exception) -> RunError:
    """What went wrong, with its place in the query where there is one."""
    if isinstance(error, KqlError) and error.diagnostics:
        first = error.diagnostics[0]
        line, column = position(error.text, first.start)
        return RunError(first.code, first.message, line, column)
    if isinstance(error, VedetteError):
        return RunError(error.code, str(error), error.line, error.column)
    code = getattr(error, "code", None)
    if isinstance(code, str) and code.startswith("VDT"):  # the engine's, which is not of this room
        return RunError(code, str(error))
    return RunError("VDT0500", f"{type(error).__name__}: {error}"[:2000])
