"""The past of a rule: which of its time was searched, and what a text of it would have found. Nothing of it is kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import timedelta
from itertools import groupby
from typing import Annotated, Any, Final

import anyio
import orjson
from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import Field

from vedette.api import failures
from vedette.api.callers import cancelled_when_gone
from vedette.api.routes.rules import MAX_TEXT
from vedette.api.rule_changes import one_rule
from vedette.api.security import Services, requires
from vedette.api.services import WorkspaceServices
from vedette.api.wire import Utc, Wire
from vedette.core.errors import InvalidInput, VedetteError
from vedette.core.roles import Permission
from vedette.detect.as_code.comparison import compare
from vedette.detect.export.layout import to_layout
from vedette.detect.fitting import faults
from vedette.detect.reading.files import ReadRule, RuleSource
from vedette.detect.rule import AnalyticsRule
from vedette.detect.running.windows import READ, LedgerEntry, WindowOutcome
from vedette.engine.query import Cancellation
from vedette.kql.diagnostics import position

router = APIRouter(tags=["analytics"], prefix="/workspaces/{ws}/rules")
MAX_RUNS: Final = 12_000
"""Of a backtest whose caller waits for it: a rule that runs every five minutes, over some six weeks. Commands have no such limit."""
LINES: Final = "application/x-ndjson"
_TELL_SECONDS: Final = 0.25
_WORDS: Final[Mapping[WindowOutcome, str]] = {
    WindowOutcome.GAP: "gap", WindowOutcome.SUPPRESSED: "suppressed", WindowOutcome.DISABLED: "disabled",
}  # fmt: skip


class Stretch(Wire):
    """Windows that follow one another and of which the same became: `searched`, `gap`, `suppressed` or `disabled`."""

    start: Utc
    end: Utc
    outcome: str
    windows: int
    alerts: int
    reason: str | None
    """Why they were not searched."""


class CoverageBody(Wire):
    """What became of a rule's time since `from`; what is after `coveredTo` is still to come."""

    from_: Utc = Field(alias="from")
    to: Utc
    covered_to: Utc | None
    value: list[Stretch]


@router.get("/{rule_id}/coverage", dependencies=[Depends(requires(Permission.RULES_READ))])
def coverage(services: Services, rule_id: str, days: Annotated[float, Query(gt=0, le=366)] = 7) -> CoverageBody:
    """Which of a rule's time was searched, as the ledger of its windows has it; gaps that were filled since are none."""
    rule = services.rules.get(rule_id).rule
    now = services.application.clock.now()
    since = now - timedelta(days=days)
    windows = services.ledger.coverage(rule.id, since)
    found = []
    for (word, reason), group in groupby(windows, key=_what):
        held = list(group)
        found.append(
            Stretch(
                start=max(held[0].window.start, since), end=held[-1].window.end, outcome=word, windows=len(held),
                alerts=sum(one.alerts for one in held), reason=reason,
            )
        )  # fmt: skip
    return CoverageBody(from_=since, to=now, covered_to=services.ledger.covered_to(rule.id), value=found)


def _what(entry: LedgerEntry) -> tuple[str, str | None]:
    """What became of a window, and why it was not searched."""
    if entry.outcome in READ:
        return "searched", None
    return _WORDS.get(entry.outcome, "gap"), entry.reason


class BacktestRequest(Wire):
    """A text of one rule, and how many days to go back. `ruleId` is the rule that the text is to take the place of; without, it is new."""

    content: str = Field(max_length=MAX_TEXT)
    rule_id: str | None = None
    days: int = Field(7, ge=1, le=90)


class BacktestExample(Wire):
    """An alert that would have been raised: the time that was searched, and the rows that would be kept with it."""

    from_: str = Field(alias="from")
    to: str
    severity: str
    title: str
    rows: int
    entities: list[dict[str, Any]]
    sample: list[dict[str, Any]]


class BacktestSide(Wire):
    """What a version of the rule would have found. `days` has the days (UTC) on which it would have raised alerts; `suppressed` and
    `failed` count windows."""

    alerts: int
    alerts_per_day: float
    days: dict[str, int]
    runs: int
    suppressed: int
    rows: int
    seconds: float
    failed: int
    errors: list[str]
    examples: list[BacktestExample]


class BacktestDifference(Wire):
    """Alerts that only the text (`more`) or only the version in force (`less`) would have raised, and those of both. Where the times
    that they search are others (`comparable` is false), so are all alerts."""

    more: int
    less: int
    same: int
    other_rows: int
    comparable: bool
    more_examples: list[BacktestExample]
    less_examples: list[BacktestExample]


class FieldChange(Wire):
    """A field of the public layout that is another; the query's is told line by line."""

    field: str
    old: Any
    new: Any


class BacktestBody(Wire):
    """What a text would have found, beside the version in force, and in what it differs from that."""

    name: str
    from_: str = Field(alias="from")
    to: str
    result: BacktestSide
    in_force: BacktestSide | None
    difference: BacktestDifference | None
    fields: list[FieldChange]
    query: list[str]


@router.post(
    "/backtest",
    response_model=BacktestBody,
    responses={200: {"content": {LINES: {}}}},
    dependencies=[Depends(requires(Permission.RULES_WRITE)), Depends(requires(Permission.QUERY))],
)
async def backtest(
    request: Request, services: Services, body: BacktestRequest, accept: Annotated[str, Header()] = ""
) -> BacktestBody | StreamingResponse:
    """Tells what a text of a rule would have found, beside the version in force. It ends when its caller goes away.

    To a caller who accepts `application/x-ndjson` it tells meanwhile how far it is: lines of `{"done": 12, "all": 168}` (windows), and
    `{"result": …}` or `{"error": …}` as the last.
    """
    tried = await anyio.to_thread.run_sync(lambda: _Trial.of(services, body))
    if LINES in accept:
        return StreamingResponse(_lines(request, tried), media_type=LINES)
    async with cancelled_when_gone(request) as cancellation:
        return await anyio.to_thread.run_sync(tried.run, cancellation)


async def _lines(request: Request, tried: _Trial) -> AsyncIterator[bytes]:
    async with cancelled_when_gone(request) as cancellation:
        work = asyncio.create_task(asyncio.to_thread(tried.run, cancellation))
        work.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody may be left to ask
        try:
            told = None
            while not (await asyncio.wait([work], timeout=_TELL_SECONDS))[0]:
                if tried.windows != told:
                    told = done, all_ = tried.windows
                    yield orjson.dumps({"done": done, "all": all_}) + b"\n"
            try:
                yield b'{"result":' + work.result().model_dump_json(by_alias=True).encode() + b"}\n"
            except VedetteError as error:
                yield orjson.dumps(failures.body_of(error)) + b"\n"
        finally:
            cancellation.cancel()


class _Trial:
    """A text that can be tested, and how far its test is."""

    def __init__(self, services: WorkspaceServices, read: ReadRule, held: AnalyticsRule | None, days: int) -> None:
        self.windows = (0, 0)
        """Those that were searched, and all."""
        self._services = services
        self._read = read
        self._held = held
        self._days = days

    @staticmethod
    def of(services: WorkspaceServices, body: BacktestRequest) -> _Trial:
        """Raises `InvalidInput` for a text that cannot be tested."""
        held = services.rules.get(body.rule_id) if body.rule_id is not None else None
        read, _ = one_rule(body.content, held)
        rule = read.rule if held is None else replace(read.rule, id=held.rule.id)
        _runnable(services, rule, body.days)
        return _Trial(services, ReadRule(rule, read.source), None if held is None else held.rule, body.days)

    def run(self, cancellation: Cancellation) -> BacktestBody:
        """The test. Raises `InvalidInput` when it was cancelled."""

        def go_on(done: int, all_: int) -> None:
            if cancellation.cancelled:
                raise InvalidInput("The backtest was given up.")
            self.windows = (done, all_)

        end = self._services.application.clock.now().replace(microsecond=0)
        done = self._services.backtest([self._read], None, end - timedelta(days=self._days), end, go_on)
        (found,) = done["rules"]
        changed: list[dict[str, Any]] = []
        if (held := self._held) is not None:
            source = RuleSource("in force", None, "yaml", to_layout(held))
            as_held = ReadRule(replace(self._read.rule, enabled=held.enabled), source)
            changed = compare([ReadRule(held, source)], [as_held])["changed"]
        return BacktestBody(
            name=found["name"], from_=found["from"], to=found["to"], result=_side(found),
            in_force=None if found["in_force"] is None else _side(found["in_force"]),
            difference=None if found["difference"] is None else _difference(found["difference"]),
            fields=[FieldChange(**one) for change in changed for one in change["fields"] if one["field"] != "query"],
            query=[line for change in changed for line in change["query"]],
        )  # fmt: skip


def _runnable(services: WorkspaceServices, rule: AnalyticsRule, days: int) -> None:
    """Raises `InvalidInput` for a rule that would find nothing in any window, or would run too often for somebody who waits."""
    if not rule.scheduled:
        raise InvalidInput(
            f"A rule of the kind {rule.kind} has no schedule, so there is nothing to test.", target="content"
        )
    found = faults(services.logs.check(rule.query))
    if found:
        line, column = position(rule.query, found[0].start)
        raise InvalidInput(
            f"The query cannot be run. Line {line}, column {column}: {found[0].message}",
            code=found[0].code,
            target="content",
        )
    runs = timedelta(days=days) // rule.frequency
    if runs < 1:
        raise InvalidInput("The rule runs less often than once in that time.", hint="Test more days.", target="days")
    if runs > MAX_RUNS:
        raise InvalidInput(
            f"The rule would run {runs:,} times in {days} days, and a test here has at most {MAX_RUNS:,} runs.", target="days",
            hint="Test fewer days; `vedette rules backtest` has no such limit.",
        )  # fmt: skip


def _side(found: Mapping[str, Any]) -> BacktestSide:
    told = {
        name: found[name]
        for name in ("alerts", "alerts_per_day", "days", "runs", "suppressed", "rows", "seconds", "failed")
    }
    errors = [str(one.get("message", "")) for one in found["errors"]]
    return BacktestSide(**told, errors=list(dict.fromkeys(errors)), examples=_examples(found["examples"]))


def _difference(found: Mapping[str, Any]) -> BacktestDifference:
    told = {name: found[name] for name in ("more", "less", "same", "other_rows", "comparable")}
    examples = found["examples"]
    return BacktestDifference(
        **told, more_examples=_examples(examples["more"]), less_examples=_examples(examples["less"])
    )


def _examples(lines: list[dict[str, Any]]) -> list[BacktestExample]:
    return [
        BacktestExample(
            from_=one["from"], to=one["to"], severity=one["severity"], title=one.get("title", one["rule"]), rows=one["rows"],
            entities=one["entities"], sample=one["sample"],
        )
        for one in lines
    ]  # fmt: skip
