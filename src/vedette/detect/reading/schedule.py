"""When a rule runs, over which time, and what count of results raises an alert: read, and held against Microsoft Sentinel's limits.

Limits: 5 minutes to 14 days for frequency and period, an hour at least between runs over 2 days or more, thresholds up to 10,000.
Source: the model of scheduled templates in Azure-Sentinel (.script/tests/detectionTemplateSchemaValidation), and
learn.microsoft.com/azure/sentinel/scheduled-rules-overview.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from vedette.detect.correlation.settings import FREQUENCY, LOOKBACK
from vedette.detect.reading.durations import format_short
from vedette.detect.reading.fields import FieldReader
from vedette.detect.rule import Eagerness, Operator, RuleKind, Threshold

DEFAULT_FREQUENCY: Final = timedelta(hours=5)
"""Frequency and period that Sentinel's rule wizard proposes."""
_SHORTEST: Final = timedelta(minutes=5)
_LONGEST: Final = timedelta(days=14)
_LONG_PERIOD: Final = timedelta(days=2)
_RARE: Final = timedelta(hours=1)
"""The shortest frequency of a rule with such a period."""
_MOST_RESULTS: Final = 10_000
_OPERATORS: Final[Mapping[str, Operator]] = {
    **{operator.short: operator for operator in Operator},
    **{operator.value.casefold(): operator for operator in Operator},
    "greaterthanorequalto": Operator.GE,
    "lessthanorequalto": Operator.LE,
}
_SPELLED: Final = (*(operator.short for operator in Operator), *(operator.value for operator in Operator))


def read_schedule(
    fields: FieldReader, kind: RuleKind | None, *, anomalies: bool
) -> tuple[timedelta | None, timedelta | None]:
    """Frequency and period. What a scheduled rule leaves out is what Sentinel's wizard proposes, and is said; an anomaly rule
    (`anomalies`) runs each day against two weeks where it does not say; other kinds have what they give."""
    frequency, period = fields.duration("queryFrequency"), fields.duration("queryPeriod")
    if kind is RuleKind.FUSION:
        often = FREQUENCY if frequency is None else frequency
        _check(fields, often, max(LOOKBACK, often) if period is None else period, portal=False)
    if kind is not RuleKind.SCHEDULED and not anomalies:
        return frequency, period
    if fields.failed and any(given is None and not fields.lacks(name) for name, given in _named(frequency, period)):
        return frequency, period  # one of them is wrong, which is said, and the other may be right
    absent = [name for name in ("queryFrequency", "queryPeriod") if fields.lacks(name)]
    shortest, longest = (timedelta(days=1), _LONGEST) if anomalies else (DEFAULT_FREQUENCY, DEFAULT_FREQUENCY)
    if frequency is None:
        frequency = shortest if period is None else min(shortest, period)
    if period is None:
        period = max(frequency, longest)
    _check(fields, frequency, period)
    if not anomalies:
        absent += [name for name in ("triggerOperator", "triggerThreshold", "severity") if fields.lacks(name)]
        if absent:
            names = ", ".join(f"'{name}'" for name in absent)
            run = f"it runs every {format_short(frequency)} over the last {format_short(period)}"
            fields.note(
                "", f"the rule has no {names}: {run}, and a count above {fields.raw('triggerThreshold') or 0} triggers"
            )
    return frequency, period


def read_trigger(fields: FieldReader, kind: RuleKind | None) -> Threshold:
    """What count of results raises an alert."""
    if kind is not RuleKind.SCHEDULED:
        # An NRT rule and a hunting query match on any row; thresholds left over from a copied rule do not apply.
        return Threshold()
    value = fields.integer("triggerThreshold", minimum=0)
    if value is not None and value > _MOST_RESULTS:
        fields.note(
            "triggerThreshold", f"'triggerThreshold' is {value:,}; Microsoft Sentinel takes 0 to {_MOST_RESULTS:,}",
            code="RC203",
        )  # fmt: skip
    return Threshold(
        fields.choice("triggerOperator", _OPERATORS, Operator.GT, known=_SPELLED),
        0 if value is None else value,
        fields.choice("eagerness", {value.casefold(): value for value in Eagerness}, Eagerness.EXHAUSTIVE),
    )


def _named(frequency: timedelta | None, period: timedelta | None) -> tuple[tuple[str, timedelta | None], ...]:
    return ("queryFrequency", frequency), ("queryPeriod", period)


def _check(fields: FieldReader, frequency: timedelta, period: timedelta, *, portal: bool = True) -> None:
    """Say what is wrong with a schedule and, where the `portal` has limits for it, which of them it does not keep."""
    if not timedelta(minutes=1) <= frequency <= _LONGEST:
        fields.wrong(
            "queryFrequency",
            f"'queryFrequency' is {format_short(frequency)}; a rule runs every minute at most and every 14 days at least",
        )
    if period < frequency:
        back, every = format_short(period), format_short(frequency)
        fields.wrong(
            "queryPeriod",
            f"the rule looks back {back} every {every}: what happens between two runs would never be read",
            hint=f"Make 'queryPeriod' {every} or longer, or 'queryFrequency' {back} or shorter.", code="RC201",
        )  # fmt: skip
    if fields.failed or not portal or fields.has("defender"):
        return  # custom detections of Defender XDR have limits of their own
    for name, length in _named(frequency, period):
        if length is not None and not _SHORTEST <= length <= _LONGEST:
            message = f"'{name}' is {format_short(length)}; Microsoft Sentinel takes 5m to 14d"
            fields.note(name, message, code="RC202")
    if period >= _LONG_PERIOD and frequency < _RARE:
        message = f"'queryFrequency' is {format_short(frequency)}; Microsoft Sentinel takes 1h or more where 'queryPeriod' is 2d or more"
        fields.note("queryFrequency", message, code="RC202")
