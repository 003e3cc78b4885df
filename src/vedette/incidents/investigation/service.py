"""The investigation of one workspace: graph, explorations, entity pages, timelines, similar incidents."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from vedette.core.clock import Clock
from vedette.core.database import State
from vedette.core.errors import InvalidInput, VedetteError
from vedette.core.roles import Permission, Principal
from vedette.detect.alerts.moments import from_wire, wire_datetime
from vedette.detect.entities.entity import Entity
from vedette.engine.query import Limits, QueryFailed
from vedette.incidents.entity_values import EntityValues
from vedette.incidents.investigation import found, take_action, timelines
from vedette.incidents.investigation.graph import Graph, alert_node, entity_node, incident_graph, incident_node
from vedette.incidents.investigation.similar import similar
from vedette.incidents.investigation.take_action import Resources
from vedette.incidents.investigation.units import Unit, activities, exploration, explorations
from vedette.incidents.journal import Journal
from vedette.incidents.listing import summary
from vedette.incidents.logs import Logs
from vedette.incidents.models import ActivityRow, IncidentEntityRow
from vedette.incidents.records import alert_view
from vedette.incidents.work.bookmarks import bookmark_view
from vedette.kql.diagnostics import KqlError
from vedette.store.watchlists.lists import Watchlists

MAX_TOP: Final = 1000
MAX_SPAN: Final = timedelta(days=400)
USUAL_SPAN: Final = timedelta(days=7)
COUNT_LIMITS: Final = Limits(rows=10, seconds=10.0)
USER_ACTIVITIES: Final = ("account-sign-ins", "account-directory-changes", "account-office-activity")
"""One user's timeline: SigninLogs, AuditLogs and OfficeActivity."""


def moved(moment: datetime, by: timedelta) -> datetime:
    """A moment later or earlier; the end of all time where there is none: events may say that they were in year 1 or 9999."""
    try:
        return moment + by
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC) if by < timedelta() else datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when on event time: [start, end)."""

    start: datetime
    end: datetime

    @classmethod
    def of(cls, start: datetime | None, end: datetime | None, now: datetime) -> Span:
        """The given times; without them the week until now. `InvalidInput` for a span that is empty or too long."""
        end = end or (moved(start, USUAL_SPAN) if start is not None else now)
        start = start or moved(end, -USUAL_SPAN)
        if start >= end:
            raise InvalidInput("The time range ends before it begins.", target="from")
        if end - start > MAX_SPAN:
            raise InvalidInput(f"A time range has at most {MAX_SPAN.days} days.", target="from")
        return cls(start, end)

    @property
    def texts(self) -> tuple[str, str]:
        """As KQL datetimes."""
        return wire_datetime(self.start), wire_datetime(self.end)


class Investigation:
    """Everything that helps to find out what happened. Nothing here changes anything.

    What comes out of incidents needs the right to read them; what comes out of logs also the right to query.
    """

    def __init__(self, state: State, workspace_id: str, clock: Clock, logs: Logs) -> None:
        self._state = state
        self._workspace_id = workspace_id
        self._clock = clock
        self._logs = logs
        self._journal = Journal(state, workspace_id, clock, lambda number: "")
        self._watchlists = Watchlists(state, workspace_id, clock)
        self._values: EntityValues | None = None

    def span(self, start: datetime | None, end: datetime | None) -> Span:
        """A time range with its defaults."""
        return Span.of(start, end, self._clock.now())

    # -- incidents

    def graph(self, reference: int | str, caller: Principal) -> dict[str, Any]:
        """An incident's graph."""
        caller.require(self._workspace_id, Permission.INCIDENTS_READ)
        with self._state.session(read_only=True) as session:
            incident = self._journal.row(session, reference)
            alerts = self._journal.alerts(session, incident.number)
            return incident_graph(
                session, incident, alerts, self._journal.bookmarks(session, incident.number)
            ).to_dict()

    def similar(self, reference: int | str, caller: Principal) -> list[dict[str, Any]]:
        """The incidents most like one, why, and their verdicts."""
        caller.require(self._workspace_id, Permission.INCIDENTS_READ)
        with self._state.session(read_only=True) as session:
            return similar(session, self._journal.row(session, reference))

    def take_action(self, reference: int | str, caller: Principal) -> dict[str, Any]:
        """How to mitigate an incident's threat, and the recommendations that would prevent the next one.

        `prevent.reason` says why there are none. Recommendations need the right to query.
        """
        caller.require(self._workspace_id, Permission.INCIDENTS_READ)
        with self._state.session(read_only=True) as session:
            incident = self._journal.row(session, reference)
            alerts = self._journal.alerts(session, incident.number)
            rows = session.scalars(
                select(IncidentEntityRow)
                .filter_by(workspace_id=self._workspace_id, number=incident.number)
                .order_by(IncidentEntityRow.position)
            )
            entities = [Entity.of(row.type, row.identifiers) for row in rows]
        resources = take_action.resources_of(entities, alerts)
        listed, more, reason = self._recommendations(resources, caller)
        told = {"mitigate": take_action.mitigations(alerts), "alerts": len(alerts)}
        about = [take_action.resource_view(one) for one in resources.written.values()]
        return {
            **told,
            "prevent": {
                "resources": about, "hosts": list(resources.hosts), "value": listed, "more": more, "reason": reason,
                "query": take_action.query(resources) if resources else None,
            },
        }  # fmt: skip

    def _recommendations(
        self, resources: Resources, caller: Principal
    ) -> tuple[list[dict[str, Any]], bool, str | None]:
        """The open ones, whether there are more, and why there are none."""
        if not resources:
            return [], False, "The incident names no resource of Azure and no host."
        if not caller.allows(self._workspace_id, Permission.QUERY):
            return [], False, "Recommendations need the right to run queries."
        if take_action.TABLE not in self._tables():
            return (
                [],
                False,
                f"The workspace has no rows in {take_action.TABLE}; the connector of Defender for Cloud brings them.",
            )
        try:
            result = self._logs.query(take_action.query(resources), limits=Limits(rows=1000, seconds=30.0))
        except (KqlError, QueryFailed, VedetteError) as error:
            return [], False, str(error)
        listed = take_action.recommendations(result, resources)
        return (
            listed,
            len(result.rows) > len(listed),
            None if listed else "No recommendation is open for what the incident names.",
        )

    def incident_timeline(
        self, reference: int | str, top: int, kinds: Iterable[str], caller: Principal
    ) -> dict[str, Any]:
        """Alerts, bookmarks, actions and the entities' activities of an incident, in the order of event time."""
        caller.require(self._workspace_id, Permission.INCIDENTS_READ)
        wanted = timelines.kinds(kinds)
        self._check_top(top)
        with self._state.session(read_only=True) as session:
            incident = self._journal.row(session, reference)
            alerts = self._journal.alerts(session, incident.number)
            items = timelines.of_alerts(alerts) + timelines.of_bookmarks(
                self._journal.bookmarks(session, incident.number)
            )
            items += timelines.of_actions(self._actions(session, [incident.number]))
            nodes = incident_graph(session, incident, alerts, ()).to_dict()["nodes"]
        sources: list[dict[str, Any]] = []
        if timelines.ACTIVITY in wanted and caller.allows(self._workspace_id, Permission.QUERY):
            span = self._around(incident.first_activity, incident.last_activity)
            for node in [one for one in nodes if one["kind"] == "entity"][: timelines.MOST_ENTITIES]:
                entity = Entity.of(node["type"], node["properties"])
                more, told = self._activities(entity, span, top, activities().values())
                items += [{**item, "id": f"{item['id']}-{node['id']}", "entity": entity.title} for item in more]
                sources += [{**one, "entity": entity.title} for one in told]
        return timelines.merged(items, wanted, top, sources)

    # -- entities

    def entity_page(self, entity: Entity, span: Span, caller: Principal) -> dict[str, Any]:
        """What is known of an entity: identifiers, value, incidents, alerts, bookmarks, and what explorations would bring."""
        caller.require(self._workspace_id, Permission.INCIDENTS_READ)
        with self._state.session(read_only=True) as session:
            known = found.known(session, self._workspace_id, entity)
            alerts = found.alerts(session, self._workspace_id, known.alert_ids, 200)
            bookmarks = found.bookmarks(session, self._workspace_id, known.keys, 100)
            page = {
                **found.entity_view(known.entity),
                "watchlists": self._watchlists_of(known.entity),
                "firstSeenTimeUtc": min((alert.start for alert in alerts), default=None),
                "lastSeenTimeUtc": max((alert.end for alert in alerts), default=None),
                "incidents": [summary(row) for row in known.incidents],
                "moreIncidents": known.more,
                "alerts": [
                    {k: v for k, v in alert_view(one).items() if k not in ("sample", "query")} for one in alerts
                ],
                "bookmarks": [bookmark_view(one) for one in bookmarks],
            }
        return {**page, "explorations": self.explorations(known.entity, span, caller, page=False)}

    def explorations(self, entity: Entity, span: Span, caller: Principal, *, page: bool = True) -> list[dict[str, Any]]:
        """The explorations of an entity, each with how many results it would bring: `count`, or None with a `reason`."""
        caller.require(self._workspace_id, Permission.INCIDENTS_READ)
        if page:
            entity = self._known(entity)
        tables = self._tables()
        told = []
        for unit in explorations().values():
            if unit.entity != entity.type:
                continue
            count, reason = self._count(unit, entity, span, tables, caller)
            told.append({"id": unit.id, "title": unit.title, "tables": list(unit.tables), "count": count, "reason": reason,
                         "query": unit.text(entity)})  # fmt: skip
        with self._state.session(read_only=True) as session:
            known = found.known(session, self._workspace_id, entity)
        told.append({"id": RELATED, "title": "Alerts and incidents that name it", "tables": [], "reason": None,
                     "count": len(known.alert_ids), "query": None})  # fmt: skip
        return told

    def explore(self, unit_id: str, entity: Entity, span: Span, top: int, caller: Principal) -> dict[str, Any]:
        """Run one exploration: the rows, and the nodes and edges that they bring. At most `top` of them."""
        caller.require(self._workspace_id, Permission.INCIDENTS_READ)
        self._check_top(top)
        graph = Graph()
        if unit_id == RELATED:
            return self._related(graph, entity, top)
        unit = exploration(unit_id)
        caller.require(self._workspace_id, Permission.QUERY)
        origin = entity_node(graph, entity)
        entity = self._known(entity)
        if not unit.applies(entity):
            needs = " or ".join(unit.needs)
            raise InvalidInput(
                f"'{unit.title}' asks about an entity of type {unit.entity} whose {needs} is known.", target="entity"
            )
        missing = [table for table in unit.tables if table not in self._tables()]
        if missing:
            return {**graph.to_dict(), "columns": [], "rows": [], "truncated": False,
                    "reason": f"The workspace has no rows in {', '.join(missing)}."}  # fmt: skip
        text = unit.text(entity, f"\n| take {top + 1}")
        result = self._logs.query(text, timespan=(span.start, span.end), limits=Limits(rows=top + 1, seconds=60.0))
        names = [column.name for column in result.columns]
        rows = [dict(zip(names, row)) for row in result.rows[:top]]
        for row in rows:
            for brings in unit.results:
                values = {name: str(row[column]) for name, column in brings.identifiers.items() if row[column]}
                if values:
                    graph.edge(origin, entity_node(graph, Entity.of(brings.entity, values)), brings.label)
        columns = [{"name": column.name, "type": str(column.type)} for column in result.columns]
        return {**graph.to_dict(), "columns": columns, "rows": [list(row.values()) for row in rows],
                "truncated": len(result.rows) > top, "reason": None}  # fmt: skip

    def entity_timeline(
        self, entity: Entity, span: Span, top: int, kinds: Iterable[str], caller: Principal
    ) -> dict[str, Any]:
        """Alerts, bookmarks, actions and activities of an entity in a time range, in the order of event time."""
        caller.require(self._workspace_id, Permission.INCIDENTS_READ)
        return self._timeline(entity, span, top, timelines.kinds(kinds), caller, activities().values())

    def user_timeline(self, entity: Entity, span: Span, top: int, caller: Principal) -> dict[str, Any]:
        """What one user did and what was done to the account: SigninLogs, AuditLogs and OfficeActivity on one line."""
        caller.require(self._workspace_id, Permission.INCIDENTS_READ)
        caller.require(self._workspace_id, Permission.QUERY)
        if entity.type != "Account":
            raise InvalidInput(f"A user's timeline is of an Account, not of the type {entity.type}.", target="type")
        units = [activities()[one] for one in USER_ACTIVITIES]
        return self._timeline(entity, span, top, {timelines.ACTIVITY}, caller, units)

    # -- parts

    def _timeline(
        self, entity: Entity, span: Span, top: int, wanted: set[str], caller: Principal, units: Iterable[Unit]
    ) -> dict[str, Any]:
        self._check_top(top)
        start, end = span.texts
        with self._state.session(read_only=True) as session:
            known = found.known(session, self._workspace_id, entity)
            items = timelines.of_alerts(found.alerts(session, self._workspace_id, known.alert_ids, MAX_TOP))
            items += timelines.of_bookmarks(found.bookmarks(session, self._workspace_id, known.keys, MAX_TOP))
            items += timelines.of_actions(self._actions(session, [row.number for row in known.incidents]))
        items = [item for item in items if start <= item["time"] < end]
        sources: list[dict[str, Any]] = []
        if timelines.ACTIVITY in wanted and caller.allows(self._workspace_id, Permission.QUERY):
            more, sources = self._activities(known.entity, span, top, units)
            items += more
        return timelines.merged(items, wanted, top, sources)

    def _activities(
        self, entity: Entity, span: Span, top: int, units: Iterable[Unit]
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """The events of an entity, the latest of each kind; and of each kind whether that is all, or why there are none."""
        tables = self._tables()
        items: list[dict[str, Any]] = []
        sources = []
        for unit in units:
            if unit.entity != entity.type:
                continue
            told: dict[str, Any] = {"id": unit.id, "title": unit.title, "tables": list(unit.tables), "reason": None}
            told["truncated"] = False
            sources.append(told)
            told["reason"] = self._why_not(unit, entity, tables)
            if told["reason"]:
                continue
            text = unit.text(entity, f"\n| top {top + 1} by TimeGenerated desc")
            try:
                result = self._logs.query(
                    text, timespan=(span.start, span.end), limits=Limits(rows=top + 1, seconds=60.0)
                )
            except (KqlError, QueryFailed, VedetteError) as error:
                told["reason"] = str(error)
                continue
            told["truncated"] = len(result.rows) > top
            items += timelines.of_rows(unit, result, top)
        return items, sources

    def _count(
        self, unit: Unit, entity: Entity, span: Span, tables: set[str], caller: Principal
    ) -> tuple[int | None, str | None]:
        if not caller.allows(self._workspace_id, Permission.QUERY):
            return None, "Counting needs the right to run queries."
        reason = self._why_not(unit, entity, tables)
        if reason is not None:
            return (0 if "no rows" in reason else None), reason
        try:
            result = self._logs.query(
                unit.text(entity, "\n| count"), timespan=(span.start, span.end), limits=COUNT_LIMITS
            )
        except (KqlError, QueryFailed, VedetteError) as error:
            return None, str(error)
        return int(result.rows[0][0]), None

    def _why_not(self, unit: Unit, entity: Entity, tables: set[str]) -> str | None:
        missing = [table for table in unit.tables if table not in tables]
        if missing:
            return f"The workspace has no rows in {', '.join(missing)}."
        return None if unit.applies(entity) else f"It needs the {' or '.join(unit.needs)}, which is not known."

    def _related(self, graph: Graph, entity: Entity, top: int) -> dict[str, Any]:
        origin = entity_node(graph, entity)
        with self._state.session(read_only=True) as session:
            known = found.known(session, self._workspace_id, entity)
            rows = found.alerts(session, self._workspace_id, known.alert_ids, top)
            by_number = {row.number: row for row in known.incidents}
            for alert in rows:
                node = alert_node(graph, alert)
                graph.edge(node, origin, "names")
                if alert.incident_number in by_number:
                    graph.edge(incident_node(graph, by_number[alert.incident_number]), node, "alert")
        return {**graph.to_dict(), "columns": [], "rows": [], "truncated": len(known.alert_ids) > top, "reason": None}

    def _known(self, entity: Entity) -> Entity:
        with self._state.session(read_only=True) as session:
            return found.known(session, self._workspace_id, entity).entity

    def _watchlists_of(self, entity: Entity) -> list[str]:
        self._values = EntityValues.read(self._watchlists, self._values)
        return sorted({alias for _, alias, _ in self._values.of([entity])})

    def _tables(self) -> set[str]:
        return {table.name for table in self._logs.tables()}

    def _actions(self, session: Session, numbers: Sequence[int]) -> list[ActivityRow]:
        query = select(ActivityRow).where(
            ActivityRow.workspace_id == self._workspace_id, ActivityRow.number.in_(list(numbers))
        )
        return list(session.scalars(query.order_by(ActivityRow.id.desc()).limit(MAX_TOP)))

    def _around(self, first: str | None, last: str | None) -> Span:
        if first is None or last is None:
            return Span.of(None, None, self._clock.now())
        start, end = moved(from_wire(first), timedelta(hours=-1)), moved(from_wire(last), timedelta(hours=1))
        return Span(max(start, moved(end, -MAX_SPAN)), end)

    def _check_top(self, top: int) -> None:
        if not 1 <= top <= MAX_TOP:
            raise InvalidInput(f"'top' is 1 to {MAX_TOP:,}.", target="top")


RELATED: Final = "related-alerts"
"""The exploration that is not a query: alerts and incidents of the same entity."""
