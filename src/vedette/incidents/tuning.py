"""Tuning: what an exception would have hidden of the alerts that are there, and which exceptions verdicts propose."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import and_, select

from vedette.core.clock import Clock
from vedette.core.database import State
from vedette.core.errors import InvalidInput, not_found
from vedette.detect.alerts.alert import Exhaustiveness
from vedette.detect.entities.mapping import text_of
from vedette.detect.rule import AnalyticsRule, EventGrouping, Operator, Threshold
from vedette.detect.tuning.conditions import Condition, Test
from vedette.incidents.models import AlertRow, IncidentRow
from vedette.incidents.vocabulary import Classification

_EXAMPLES: Final = 5
_MAX_ALERTS: Final = 20_000
_MAX_VALUES: Final = 10
PROPOSED_DAYS: Final = 90


RuleOf = Callable[[str], AnalyticsRule | None]
"""Gives a rule by its id; None if it is gone."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """An alert of the past, and what conditions hide of it."""

    run_id: str
    verdict: str | None
    hidden: int
    """Rows that were kept with it and are hidden."""
    counted: int
    """The same, but none where it stands for results that have alerts of their own."""
    whole: bool
    """Whether all kept rows are hidden."""
    more: bool
    """Whether it had more rows than were kept."""
    results: int
    """Results of its run."""
    threshold: Threshold | None
    """The threshold that these were held against; None where the run did not count them all."""
    example: dict[str, Any]

    @classmethod
    def of(cls, row: AlertRow, verdict: str | None, conditions: Sequence[Condition]) -> _Seen:
        body = row.body
        met = [all(one.holds(kept) for one in conditions) for kept in body["sample"]]
        several = body.get("eventGrouping") == EventGrouping.ALERT_PER_RESULT.value and body["rows"] > 1
        complete = body["run"]["exhaustiveness"] == Exhaustiveness.COMPLETE.value
        trigger = Threshold(Operator(body["trigger"]["operator"]), body["trigger"]["value"])
        example = {
            "alertId": row.id, "incidentNumber": row.incident_number, "title": body["title"],
            "generated": row.generated_at.isoformat(), "classification": verdict,
        }  # fmt: skip
        return cls(
            row.run_id, verdict, sum(met), 0 if several else sum(met), bool(met) and all(met),
            body["rows"] > len(met), body["run"]["rows"], trigger if complete else None, example,
        )  # fmt: skip

    def falls_short(self, hidden: int) -> bool:
        """Whether its run raises no alert if so many of its results are hidden: they count for no threshold."""
        return hidden > 0 and self.threshold is not None and not self.threshold.met(max(self.results - hidden, 0))


class Tuning:
    """The past of one workspace's alerts, as exceptions see it."""

    def __init__(self, state: State, workspace_id: str, clock: Clock) -> None:
        self._state = state
        self._workspace_id = workspace_id
        self._clock = clock

    def preview(self, rule_id: str, conditions: Sequence[Condition], days: float = 30) -> dict[str, Any]:
        """What of a rule's alerts of the last days would have been hidden: whole alerts, and rows of others.

        An alert is known by the rows that were kept with it. One that had more rows is `uncertain` where all kept ones are
        hidden: a backtest tells. Verdicts are those of the incidents that the alerts are in.
        """
        if not 0 < days <= 3660:
            raise InvalidInput("The days of a preview are more than 0 and at most 3,660.", target="days")
        now = self._clock.now()
        query = (
            select(AlertRow, IncidentRow.classification)
            .join(
                IncidentRow,
                and_(
                    IncidentRow.workspace_id == AlertRow.workspace_id, IncidentRow.number == AlertRow.incident_number
                ),
                isouter=True,
            )
            .where(
                AlertRow.workspace_id == self._workspace_id, AlertRow.rule_id == rule_id,
                AlertRow.generated_at > now - timedelta(days=days),
            )
            .order_by(AlertRow.generated_at.desc(), AlertRow.id)
            .limit(_MAX_ALERTS)
        )  # fmt: skip
        verdicts = dict.fromkeys((*(one.value for one in Classification), "Open"), 0)
        with self._state.session(read_only=True) as session:
            seen = [_Seen.of(row, verdict, conditions) for row, verdict in session.execute(query)]
        of_run: Counter[str] = Counter()
        for one in seen:
            of_run[one.run_id] += one.counted
        hidden = uncertain = partly = 0
        examples: list[dict[str, Any]] = []
        for one in seen:
            if not (one.whole or one.falls_short(of_run[one.run_id])):
                partly += one.hidden > 0
                continue
            hidden += 1
            uncertain += one.whole and one.more
            verdicts[one.verdict or "Open"] = verdicts.get(one.verdict or "Open", 0) + 1
            if len(examples) < _EXAMPLES or one.verdict == Classification.TRUE_POSITIVE.value:
                examples.append(one.example)
        alerts = len(seen)
        true = verdicts[Classification.TRUE_POSITIVE.value]
        examples.sort(key=lambda one: one["classification"] != Classification.TRUE_POSITIVE.value)
        return {
            "days": days, "alerts": alerts, "hidden": hidden, "truePositives": true, "partly": partly,
            "uncertain": uncertain, "verdicts": verdicts, "examples": examples[: _EXAMPLES * 2],
            "sentence": f"This would have hidden {hidden:,} of {alerts:,} alerts of the last {days:g} days, "
            f"{true:,} of them true positives.",
        }  # fmt: skip

    def proposals(self, number: int, rule_of: RuleOf) -> list[dict[str, Any]]:
        """The exceptions that the verdict on a closed incident proposes: one for each of its rules, on what its alerts name.

        None for a true positive, and for an incident without a verdict. Raises `NotFound` for an unknown incident.
        """
        with self._state.session(read_only=True) as session:
            incident = session.get(IncidentRow, (self._workspace_id, number))
            if incident is None:
                raise not_found("incident", str(number), [])
            verdict = incident.classification
            if verdict not in (Classification.BENIGN_POSITIVE.value, Classification.FALSE_POSITIVE.value):
                return []
            alerts = session.scalars(
                select(AlertRow)
                .where(AlertRow.workspace_id == self._workspace_id, AlertRow.incident_number == number)
                .order_by(AlertRow.id)
            ).all()
            reason = incident.classification_comment or f"Incident {number} was closed as {verdict}."
            owner = incident.owner_name or ""
        proposed = []
        for rule_id in dict.fromkeys(alert.rule_id for alert in alerts):
            rule = rule_of(rule_id)
            if rule is None:
                continue
            rows = [row for alert in alerts if alert.rule_id == rule_id for row in alert.body["sample"]]
            conditions = _conditions(rule, rows)
            if conditions:
                proposed.append(
                    {
                        "ruleId": rule_id, "ruleName": rule.name, "incidentNumber": number, "classification": verdict,
                        "conditions": [one.to_dict() for one in conditions], "owner": owner, "reason": reason,
                        "days": PROPOSED_DAYS, "preview": self.preview(rule_id, conditions),
                    }
                )  # fmt: skip
        return proposed


def _conditions(rule: AnalyticsRule, rows: Sequence[dict[str, Any]]) -> list[Condition]:
    """What the rows have in common in the columns that entities are mapped from: few values, each a condition."""
    columns = dict.fromkeys(field.column for mapping in rule.entity_mappings for field in mapping.fields)
    found = []
    for column in columns:
        values: dict[str, str] = {}
        for row in rows:
            value = row.get(column)
            for one in value if isinstance(value, list) else [value]:
                values.setdefault(text_of(one).casefold(), text_of(one))
        if values and "" not in values and len(values) <= _MAX_VALUES:
            found.append(Condition(column, Test.EQUALS, tuple(values.values())))
    return found
