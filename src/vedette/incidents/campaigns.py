"""Incidents of campaigns: what a Fusion rule's alert brings with it beside itself.

Its constituent alerts that are in no incident come into its own; those that are in another stay there, and both incidents say so. A
campaign that turns out to be another one's part joins that one's incident. Nobody's work is closed or moved for it: only an incident that
is Fusion's own and that nobody has touched is merged, which can be undone like any merge; otherwise the two refer to each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from vedette.core.roles import SYSTEM
from vedette.detect.alerts.alert import Alert
from vedette.detect.reading.durations import format_iso8601
from vedette.detect.rule import AnalyticsRule, JsonValue, RuleKind
from vedette.incidents.fields import complete
from vedette.incidents.grouping import CAMPAIGN, MAX_ALERTS
from vedette.incidents.journal import Journal
from vedette.incidents.models import ActivityRow, AlertRow, IncidentRow
from vedette.incidents.vocabulary import ActivityKind, Classification, Status
from vedette.incidents.work.models import MoveRow

_REFERENCE: Final = "campaign:"
"""What an activity refers to that tells of a campaign's incident: this, and its number."""
_BATCH: Final = 500
_BENIGN: Final = (Classification.FALSE_POSITIVE.value, Classification.BENIGN_POSITIVE.value)

Attach = Callable[[Session, IncidentRow, AlertRow], None]
Merge = Callable[[IncidentRow, IncidentRow], None]
Follow = Callable[[Session, IncidentRow], IncidentRow]


class Campaigns:
    """Keeps the incidents of one workspace's campaigns. All work in the caller's session."""

    def __init__(self, journal: Journal, attach: Attach, follow: Follow, merge: Merge) -> None:
        """`attach` puts an alert that is in no incident into one, `merge` merges the second incident into the first, `follow` tells
        which incident has one's alerts now."""
        self._journal = journal
        self._attach = attach
        self._follow = follow
        self._merge = merge

    def incident_of(self, session: Session, rule: AnalyticsRule, alert: Alert) -> IncidentRow | None:
        """The incident that a part of this campaign has already, under another first alert: the one with the lowest number."""
        if alert.campaign is None:
            return None
        others = self._overlapping(session, rule, alert.id, alert.generated, alert.campaign["signalIds"])
        found = {one.number: one for row in others if (one := self._incident(session, row)) is not None}
        return found[min(found)] if found else None

    def brought(self, session: Session, rule: AnalyticsRule, incident: IncidentRow, row: AlertRow) -> None:
        """Let an incident tell what its campaign's alert, which has come or has grown, says now, and take in what belongs to it."""
        story = row.body.get("campaign")
        if story is None:
            return
        self._reopen(session, incident, story)
        self._tell(session, rule, incident, row, story)
        constituents = self._alerts(session, story["signalIds"])
        for one in constituents:
            if one.incident_number is None and one.body["kind"] != RuleKind.ANOMALY.value:
                if incident.alert_count < MAX_ALERTS:
                    self._attach(session, incident, one)
        for other in self._overlapping(session, rule, row.id, row.generated_at, story["signalIds"]):
            theirs = self._incident(session, other)
            if theirs is not None and theirs.number != incident.number and self._may_merge(session, incident, theirs):
                self._merge(incident, theirs)
            elif theirs is not None:
                constituents.append(other)
        numbers = {one.incident_number for one in constituents} - {None, incident.number}
        self._relate(session, incident, sorted(number for number in numbers if number is not None))

    def _tell(
        self, session: Session, rule: AnalyticsRule, incident: IncidentRow, row: AlertRow, story: Mapping[str, Any]
    ) -> None:
        """Title, description and what the alerts have in common; a field that people have set stays as it is."""
        ids = list(dict.fromkeys([*(incident.grouping or {}).get("alertIds", []), *_alert_ids(story)]))
        lookback = format_iso8601(rule.period)
        stages = [stage["tactic"] for stage in story["stages"]]
        incident.grouping = {"method": CAMPAIGN, "shared": stages, "lookback": lookback, "alertIds": ids}
        values = {"title": row.body["title"], "description": row.body["description"]}
        fresh = {name: value for name, value in values.items() if not touched(session, incident, name)}
        self._journal.apply(session, incident, {name: value for name, value in fresh.items() if value}, SYSTEM)

    def _reopen(self, session: Session, incident: IncidentRow, story: Mapping[str, Any]) -> None:
        """An attack that goes on to a further stage after its incident was closed opens it again, unless it was found to be none."""
        known = {*(incident.grouping or {}).get("shared", [])}
        further = [stage["tactic"] for stage in story["stages"] if stage["tactic"] not in known]
        if incident.status != Status.CLOSED.value or not known or not further or incident.merged_into is not None:
            return
        if incident.classification in _BENIGN:
            said = "The campaign goes on; the incident was closed as none, and stays closed"
        else:
            said = "The campaign goes on: opened again"
            self._journal.apply(session, incident, complete(incident, {"status": Status.ACTIVE.value}), SYSTEM)
        self._journal.note(session, incident, ActivityKind.NOTE, SYSTEM, title=said, detail=", ".join(further))

    def _relate(self, session: Session, incident: IncidentRow, numbers: Sequence[int]) -> None:
        """Let the incidents that have the campaign's alerts refer to its own, and the other way round, each once."""
        known = set(campaigns_of_incident(session, incident))
        for number in numbers:
            other = self._follow(session, self._journal.row(session, number))
            if other.number == incident.number or other.number in known:
                continue
            known.add(other.number)
            for one, of, title in (
                (incident, other, f"Incident {other.number} has alerts of this campaign"),
                (other, incident, f"Part of the multistage attack of incident {incident.number}"),
            ):
                self._journal.note(
                    session, one, ActivityKind.NOTE, SYSTEM, title=title, reference=f"{_REFERENCE}{of.number}"
                )

    def _may_merge(self, session: Session, into: IncidentRow, other: IncidentRow) -> bool:
        """Whether an incident is Fusion's alone, open, and nobody's work."""
        if (
            other.status != Status.NEW.value
            or other.owner_id is not None
            or other.comment_count
            or touched(session, other)
        ):
            return False
        if into.merged_into is not None or (other.grouping or {}).get("method") != CAMPAIGN:
            return False
        moved = select(MoveRow.id).where(
            MoveRow.workspace_id == other.workspace_id,
            or_(MoveRow.number == other.number, MoveRow.other == other.number),
        )
        if session.scalar(moved.limit(1)) is not None:  # somebody has taken it apart, or put it together
            return False
        return into.alert_count + other.alert_count <= MAX_ALERTS

    def _overlapping(
        self, session: Session, rule: AnalyticsRule, alert_id: str, at: datetime, signal_ids: Iterable[str]
    ) -> list[AlertRow]:
        """The rule's other alerts whose campaigns have a signal of these, the oldest first."""
        wanted, around = set(signal_ids), 4 * max(rule.period, timedelta(days=14))
        query = select(AlertRow).where(
            AlertRow.workspace_id == self._journal.workspace_id, AlertRow.rule_id == rule.id, AlertRow.id != alert_id,
            AlertRow.generated_at >= at - around, AlertRow.generated_at <= at + around,
        )  # fmt: skip
        found = session.scalars(query.order_by(AlertRow.generated_at, AlertRow.id))
        return [row for row in found if not wanted.isdisjoint((row.body.get("campaign") or {}).get("signalIds", ()))]

    def _incident(self, session: Session, row: AlertRow) -> IncidentRow | None:
        return (
            None
            if row.incident_number is None
            else self._follow(session, self._journal.row(session, row.incident_number))
        )

    def _alerts(self, session: Session, ids: Sequence[str]) -> list[AlertRow]:
        return alerts_by_id(session, self._journal.workspace_id, ids)


def alerts_by_id(session: Session, workspace_id: str, ids: Sequence[str]) -> list[AlertRow]:
    """The workspace's own alerts among the ids of signals, in the order of their first event."""
    found: list[AlertRow] = []
    for at in range(0, len(ids), _BATCH):
        query = select(AlertRow).where(AlertRow.workspace_id == workspace_id, AlertRow.id.in_(ids[at : at + _BATCH]))
        found += session.scalars(query)
    return sorted(found, key=lambda row: (row.start, row.id))


def campaigns_of_incident(session: Session, incident: IncidentRow) -> list[int]:
    """The numbers of the incidents that an incident shares a campaign with."""
    query = select(ActivityRow.reference).where(
        ActivityRow.workspace_id == incident.workspace_id, ActivityRow.number == incident.number,
        ActivityRow.kind == ActivityKind.NOTE.value, ActivityRow.reference.startswith(_REFERENCE),
    )  # fmt: skip
    return sorted({int(text.removeprefix(_REFERENCE)) for text in session.scalars(query) if text is not None})


def touched(session: Session, incident: IncidentRow, field: str | None = None) -> bool:
    """Whether anybody but the system has done anything to an incident, or to one of its fields."""
    query = select(ActivityRow.id).where(
        ActivityRow.workspace_id == incident.workspace_id, ActivityRow.number == incident.number,
        ActivityRow.actor_id != SYSTEM.id,
    )  # fmt: skip
    if field is not None:
        query = query.where(ActivityRow.field == field)
    return session.scalar(query.limit(1)) is not None


def campaign_view(session: Session, workspace_id: str, alerts: Sequence[AlertRow]) -> dict[str, JsonValue] | None:
    """The story of an incident's campaign, each signal with the incident that it is in; None where it has none.

    Of several alerts of one campaign, the one that knows most of it tells it.
    """
    stories = [row.body["campaign"] for row in alerts if row.body.get("campaign") is not None]
    if not stories:
        return None
    story = max(stories, key=lambda one: (len(one["signalIds"]), one["id"]))
    own = {row.id: row.incident_number for row in alerts_by_id(session, workspace_id, story["signalIds"])}
    signals = [{**signal, "incidentNumber": own.get(signal["id"])} for signal in story["signals"]]
    return {**story, "signals": signals}


def _alert_ids(story: Mapping[str, Any]) -> list[str]:
    """The ids of a campaign's alerts, as SecurityIncident lists them: without those of anomalies and activities."""
    others = {signal["id"] for signal in story["signals"] if signal["kind"] != "Alert"}
    return [one for one in story["signalIds"] if one not in others]
