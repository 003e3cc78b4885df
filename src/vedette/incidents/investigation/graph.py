"""The graph of an incident: its alerts, their entities, its bookmarks, and what else has the same entities."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from vedette.detect.entities.entity import Entity
from vedette.incidents.entities import entity_from_row
from vedette.incidents.investigation.found import incidents, keys_of
from vedette.incidents.merging import MergedEntity, key_digest
from vedette.incidents.models import AlertRow, EntityKeyRow, IncidentEntityRow, IncidentRow
from vedette.incidents.work.models import BookmarkRow

MAX_ENTITIES: Final = 300
MAX_RELATED: Final = 25
"""Other incidents that are shown: the newest."""


class Graph:
    """Nodes and edges, each once, in the order in which they were added."""

    def __init__(self) -> None:
        self._nodes: dict[str, dict[str, Any]] = {}
        self._edges: dict[tuple[str, str], dict[str, Any]] = {}
        self.notes: list[str] = []

    def node(self, node_id: str, kind: str, name: str, **more: Any) -> str:
        """Add a node; returns its id."""
        self._nodes.setdefault(node_id, {"id": node_id, "kind": kind, "name": name, **more})
        return node_id

    def edge(self, source: str, target: str, label: str) -> None:
        """Add an edge."""
        self._edges.setdefault((source, target), {"from": source, "to": target, "label": label})

    def to_dict(self) -> dict[str, Any]:
        """As the API gives it."""
        return {"nodes": [*self._nodes.values()], "edges": [*self._edges.values()], "notes": self.notes}


def entity_node(graph: Graph, entity: Entity) -> str:
    """An entity that no incident has, as a node: the same for the same entity."""
    node_id = f"entity-{key_digest(min(keys_of(entity)))[:32]}"
    return _entity(graph, node_id, entity)


def _entity(graph: Graph, node_id: str, entity: Entity) -> str:
    return graph.node(node_id, "entity", entity.title, type=entity.type, properties=dict(entity.identifiers))


def incident_node(graph: Graph, row: IncidentRow) -> str:
    """An incident as a node."""
    return graph.node(
        f"incident-{row.number}", "incident", row.title, number=row.number, severity=row.severity, status=row.status,
        classification=row.classification, time=row.first_activity, priority=row.priority,
    )  # fmt: skip


def alert_node(graph: Graph, row: AlertRow) -> str:
    """An alert as a node."""
    return graph.node(
        f"alert-{row.id}", "alert", row.body["title"], alertId=row.id, severity=row.severity, time=row.start,
        ruleName=row.body["rule"], tactics=row.body["tactics"], incidentNumber=row.incident_number,
    )  # fmt: skip


def incident_graph(
    session: Session,
    incident: IncidentRow,
    alerts: Sequence[AlertRow],
    bookmarks: Sequence[BookmarkRow],
) -> Graph:
    """The graph that begins at an incident."""
    graph = Graph()
    root = incident_node(graph, incident)
    for alert in alerts:
        graph.edge(root, alert_node(graph, alert), "alert")
    query = select(IncidentEntityRow).filter_by(workspace_id=incident.workspace_id, number=incident.number)
    rows = list(session.scalars(query.order_by(IncidentEntityRow.position).limit(MAX_ENTITIES + 1)))
    if len(rows) > MAX_ENTITIES:
        graph.notes.append(f"Only the first {MAX_ENTITIES} entities are in the graph.")
    entities = [entity_from_row(row) for row in rows[:MAX_ENTITIES]]
    for entity in entities:
        node = _entity(graph, f"entity-{entity.id}", entity.entity)
        for alert_id in entity.alert_ids:
            graph.edge(f"alert-{alert_id}", node, "names")
    _bookmarks(graph, root, bookmarks, entities)
    _related(session, graph, incident, entities)
    return graph


def _bookmarks(graph: Graph, root: str, bookmarks: Iterable[BookmarkRow], entities: Sequence[MergedEntity]) -> None:
    for bookmark in bookmarks:
        node = graph.node(f"bookmark-{bookmark.id}", "bookmark", bookmark.name, time=bookmark.event_time)
        graph.edge(root, node, "bookmark")
        for value in bookmark.entities:
            entity = Entity.from_dict(value)
            mine = next((f"entity-{one.id}" for one in entities if one.keys & keys_of(entity)), None)
            graph.edge(node, mine or entity_node(graph, entity), "names")


def _related(session: Session, graph: Graph, incident: IncidentRow, entities: Sequence[MergedEntity]) -> None:
    owners = {key_digest(key): entity for entity in entities for key in entity.keys}
    query = (
        select(EntityKeyRow.number, EntityKeyRow.key)
        .where(
            EntityKeyRow.workspace_id == incident.workspace_id,
            EntityKeyRow.key.in_(list(owners)[:2000]),
            EntityKeyRow.number != incident.number,
        )
        .order_by(EntityKeyRow.number.desc())
        .limit(2000)
    )
    shared: dict[int, set[str]] = {}
    for number, key in session.execute(query):
        shared.setdefault(number, set()).add(owners[key].id)
    if len(shared) > MAX_RELATED:
        graph.notes.append(f"{len(shared)} other incidents name these entities; the newest {MAX_RELATED} are shown.")
    for row in incidents(session, incident.workspace_id, sorted(shared, reverse=True)[:MAX_RELATED]):
        node = incident_node(graph, row)
        for entity_id in sorted(shared[row.number]):
            graph.edge(f"entity-{entity_id}", node, "also in")
