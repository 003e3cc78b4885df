"""From alerts to incidents: kept, grouped as their rule says, with the entities that they name."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from vedette.core.database import State, storable
from vedette.core.ids import derived_id
from vedette.core.roles import SYSTEM
from vedette.detect.alerts.alert import Alert, RuleRun
from vedette.detect.alerts.moments import wire_datetime
from vedette.detect.rule import AnalyticsRule, RuleKind, Severity
from vedette.incidents.anomalies import ANOMALIES, anomaly
from vedette.incidents.campaigns import Campaigns, Merge, touched
from vedette.incidents.entities import merge_entities
from vedette.incidents.fields import FIELDS, complete
from vedette.incidents.grouping import MAX_ALERTS, Grouping, grouping_of
from vedette.incidents.journal import IncidentEvent, IncidentState, Journal
from vedette.incidents.logrows import ALERTS, security_alert
from vedette.incidents.models import (
    AlertRow,
    IncidentRow,
    IncidentRuleRow,
)
from vedette.incidents.records import alert_body, alert_row
from vedette.incidents.vocabulary import ActivityKind, Status


@dataclass(slots=True)
class IngestReport:
    """What became of a run's alerts: ids of the new ones, and numbers of the incidents made and added to."""

    alerts: list[str] = field(default_factory=list)
    created: list[int] = field(default_factory=list)
    updated: list[int] = field(default_factory=list)

    @property
    def incidents(self) -> list[int]:
        """Every incident that the run concerns."""
        return sorted({*self.created, *self.updated})


class Ingestion:
    """Takes the alerts of runs in."""

    def __init__(self, state: State, journal: Journal, merge: Merge) -> None:
        """`merge` merges the second of two incidents into the first."""
        self._state = state
        self._journal = journal
        self._campaigns = Campaigns(journal, self._add_alert, followed, merge)

    def ingest(self, run: RuleRun) -> IngestReport:
        """Keep a run's alerts and group them into incidents, as its rule says.

        An alert that is there is completed where this run has found more for it: the events that came since (`_complete`).
        """
        report = IngestReport()
        if not run.alerts:
            return report
        with self._state.session() as session:
            present = self._present(session, [alert.id for alert in run.alerts])
            changed: dict[int, list[str]] = {}
            before: dict[int, IncidentState] = {}
            for alert in run.alerts:
                if alert.id in present:
                    number = present[alert.id]
                    if number is not None and number not in report.updated:
                        report.updated.append(number)
                    self._complete(session, run, alert)
                    continue
                row = alert_row(self._journal.workspace_id, run, alert)
                session.add(row)
                present[alert.id] = None
                report.alerts.append(alert.id)
                if run.rule.incident.create_incident:
                    incident, created = self._incident_for(session, run.rule, alert, before)
                    self._add_alert(session, incident, row)
                    (report.created if created else report.updated).append(incident.number)
                    self._campaigns.brought(session, run.rule, incident, row)
                    changed.setdefault(incident.number, []).append(alert.id)
                session.flush()
                self._tell(session, run.rule, row)
            report.updated = sorted(set(report.updated) - set(report.created))
            for number, alert_ids in changed.items():
                incident = self._journal.row(session, number)
                self._journal.finish(session, incident, SYSTEM)
                self._journal.prioritiser.concern(session, incident)
                created = number in report.created
                kind = ActivityKind.CREATED if created else ActivityKind.ALERT
                was = None if created else before.get(number)
                self._journal.tell(
                    IncidentEvent(kind, number, incident.id, run, tuple(alert_ids), created=created, before=was)
                )
        return report

    def _complete(self, session: Session, run: RuleRun, alert: Alert) -> None:
        """Let a kept alert say what a later run over the same window has found, if that is more.

        A run of the scheduler counts above one on the stream, which may have read the store before it; one that finds less (an
        exception hides what is known already) takes nothing back.
        """
        row = session.get_one(AlertRow, (self._journal.workspace_id, alert.id))
        kept = row.body
        later = alert.rows == kept["rows"] and run.read_to is not None
        if alert.rows_hash == kept["rowsHash"] or not (alert.rows > kept["rows"] or later):
            return
        row.body = alert_body(run, alert)
        row.severity = max(Severity(row.severity), alert.severity, key=lambda one: one.rank).value
        row.start, row.end = min(row.start, alert.start), max(row.end, alert.end)
        session.flush()
        # the newest row of an alert is what it says, as in Sentinel
        self._tell(session, run.rule, row, wire_datetime(max(self._journal.clock.now(), row.generated_at)))
        if row.incident_number is None:
            return
        incident = followed(session, self._journal.row(session, row.incident_number))
        incident.first_activity = min(incident.first_activity or row.start, row.start)
        incident.last_activity = max(incident.last_activity or row.end, row.end)
        merge_entities(session, incident, added=[row])
        self._campaigns.brought(session, run.rule, incident, row)
        more = alert.rows > kept["rows"]
        title = f"Alert completed: {alert.rows:,} results in place of {kept['rows']:,}" if more else "Alert updated"
        self._journal.note(session, incident, ActivityKind.ALERT, SYSTEM, title=title, reference=row.id)
        self._journal.finish(session, incident, SYSTEM)
        self._journal.prioritiser.concern(session, incident)

    def _tell(self, session: Session, rule: AnalyticsRule, row: AlertRow, at: str | None = None) -> None:
        """Let the logs have an alert, or what an anomaly rule found; at a later time, if it is completed."""
        now = {} if at is None else {"TimeGenerated": at}
        if rule.kind is RuleKind.ANOMALY:
            self._journal.outbox.add(session, ANOMALIES, anomaly(row, rule, self._journal.workspace_id) | now)
            return
        now |= {} if at is None else {"ProcessingEndTime": at}
        self._journal.outbox.add(session, ALERTS, security_alert(row, self._journal.workspace_id) | now)

    def _present(self, session: Session, ids: list[str]) -> dict[str, int | None]:
        query = select(AlertRow.id, AlertRow.incident_number).where(
            AlertRow.workspace_id == self._journal.workspace_id, AlertRow.id.in_(ids)
        )
        return {alert_id: number for alert_id, number in session.execute(query)}  # noqa: C416

    def _incident_for(
        self, session: Session, rule: AnalyticsRule, alert: Alert, before: dict[int, IncidentState]
    ) -> tuple[IncidentRow, bool]:
        grouping = grouping_of(rule, alert) if alert.campaign is None else None
        one = self._campaigns.incident_of(session, rule, alert)
        if one is not None and one.alert_count < MAX_ALERTS:
            before.setdefault(one.number, IncidentState.of(one))
            return one, False
        if grouping is not None:
            found = self._group(session, rule, alert, grouping, before)
            if found is not None:
                return found, False
        return self._create(session, rule, alert, grouping), True

    def _group(
        self,
        session: Session,
        rule: AnalyticsRule,
        alert: Alert,
        grouping: Grouping,
        before: dict[int, IncidentState],
    ) -> IncidentRow | None:
        """The newest incident of the group that the alert may join: all its alerts are within the look-back.

        What it was before the run is put into `before`.
        """
        configuration = rule.incident.grouping
        query = (
            select(IncidentRow)
            .where(
                IncidentRow.workspace_id == self._journal.workspace_id,
                IncidentRow.group_key == grouping.key,
                IncidentRow.alert_count < MAX_ALERTS,
                IncidentRow.group_first >= alert.generated - configuration.lookback,
                IncidentRow.group_last <= alert.generated + configuration.lookback,
            )
            .order_by(IncidentRow.number.desc())
        )
        for of_group in session.scalars(query):
            assert of_group.group_first is not None
            assert of_group.group_last is not None
            first, last = min(of_group.group_first, alert.generated), max(of_group.group_last, alert.generated)
            if last - first > configuration.lookback:
                continue
            incident = followed(session, of_group)
            if incident.alert_count >= MAX_ALERTS:
                continue
            was = IncidentState.of(incident)
            if incident.status == Status.CLOSED.value:
                if not configuration.reopen_closed_incident:
                    continue
                self._journal.apply(session, incident, complete(incident, {"status": Status.ACTIVE.value}), SYSTEM)
            of_group.group_first, of_group.group_last = first, last
            before.setdefault(incident.number, was)
            return incident
        return None

    def _create(self, session: Session, rule: AnalyticsRule, alert: Alert, grouping: Grouping | None) -> IncidentRow:
        incident = new_incident(
            session,
            self._journal,
            derived_id("incident", self._journal.workspace_id, alert.id),
            title=alert.title,
            description=alert.description,
            severity=alert.severity,
        )
        if grouping is not None:
            incident.group_key, incident.grouping = grouping.key, grouping.to_dict()
            incident.group_first = incident.group_last = alert.generated
            session.flush()
        self._journal.note(session, incident, ActivityKind.CREATED, SYSTEM, title=f"Created by the rule '{rule.name}'")
        return incident

    def _add_alert(self, session: Session, incident: IncidentRow, row: AlertRow) -> None:
        row.incident_number = incident.number
        known = set(incident.rule_ids)
        add_up(incident, row)
        if row.rule_id not in known:
            session.add(
                IncidentRuleRow(workspace_id=incident.workspace_id, rule_id=row.rule_id, number=incident.number)
            )
        if Severity(row.severity).rank > incident.severity_rank and not touched(session, incident, "severity"):
            self._journal.apply(session, incident, {"severity": row.severity}, SYSTEM)
        merge_entities(session, incident, added=[row])
        if incident.alert_count > 1:
            title = f"Alert added: {row.body['title']}"
            self._journal.note(session, incident, ActivityKind.ALERT, SYSTEM, title=title, reference=row.id)


def followed(session: Session, incident: IncidentRow) -> IncidentRow:
    """The incident that has this one's alerts now, over however many merges."""
    seen = set()
    while incident.merged_into is not None and incident.number not in seen:
        seen.add(incident.number)
        further = session.get(IncidentRow, (incident.workspace_id, incident.merged_into))
        if further is None:
            break
        incident = further
    return incident


def add_up(incident: IncidentRow, row: AlertRow) -> None:
    """Count an alert in: its time, its tactics, its rule."""
    body = row.body
    incident.alert_count += 1
    incident.first_activity = min(incident.first_activity or row.start, row.start)
    incident.last_activity = max(incident.last_activity or row.end, row.end)
    incident.tactics = _union(incident.tactics, body["tactics"])
    incident.techniques = _union(incident.techniques, [*body["techniques"], *body["subTechniques"]])
    incident.product_names = _union(incident.product_names, [body["product"]])
    incident.rule_names = _union(incident.rule_names, [body["rule"]])
    incident.rule_ids = _union(incident.rule_ids, [row.rule_id])


def new_incident(
    session: Session, journal: Journal, incident_id: str, *, title: str, description: str, severity: Severity
) -> IncidentRow:
    """An incident without alerts, under the workspace's next number."""
    counter = journal.counter(session)
    counter.last_number += 1
    now = journal.clock.now()
    incident = IncidentRow(
        workspace_id=journal.workspace_id,
        number=counter.last_number,
        id=incident_id,
        title=storable(title),
        description=storable(description),
        severity=severity.value,
        severity_rank=severity.rank,
        status=Status.NEW.value,
        owner_id=None,
        owner_name=None,
        classification=None,
        classification_reason=None,
        classification_comment=None,
        labels=[],
        revisions=dict.fromkeys(FIELDS, 1),
        tactics=[],
        techniques=[],
        rule_ids=[],
        rule_names=[],
        product_names=[],
        entity_names=[],
        first_activity=None,
        last_activity=None,
        alert_count=0,
        comment_count=0,
        created_at=now,
        modified_at=now,
        modified_by="",
        closed_at=None,
        change=0,
        group_key=None,
        group_first=None,
        group_last=None,
        grouping=None,
        search_text="",
        summary="{}",
        priority=0,
        priority_parts=[],
        priority_stale=False,
        merged_into=None,
    )
    session.add(incident)
    session.flush()
    return incident


def _union(present: list[str], more: list[str]) -> list[str]:
    return list(dict.fromkeys([*present, *more]))
