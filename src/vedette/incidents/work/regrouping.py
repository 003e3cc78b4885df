"""Merging and splitting incidents, and undoing either.

A merge moves the alerts and bookmarks of some incidents into another; they are closed and refer to it. A split moves some
of an incident's alerts into a new one. Each move keeps what it changed, so that it can be undone for as long as what it
moved is still where it was moved to; fields that somebody has changed since stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from vedette.core.database import State, storable
from vedette.core.errors import Conflict, InvalidInput, NotFound
from vedette.core.ids import IdSource, is_uuid
from vedette.core.roles import SYSTEM, Permission, Principal
from vedette.detect.rule import JsonValue, Severity
from vedette.incidents.entities import merge_entities
from vedette.incidents.fields import FIELDS, check_etag, complete, iso, text_reader
from vedette.incidents.grouping import MAX_ALERTS
from vedette.incidents.ingestion import add_up, new_incident
from vedette.incidents.journal import IncidentEvent, IncidentState, Journal
from vedette.incidents.models import ActivityRow, AlertRow, IncidentRow, IncidentRuleRow
from vedette.incidents.vocabulary import ActivityKind, Classification, Status
from vedette.incidents.work.models import BookmarkRow, MoveRow

MAX_SOURCES: Final = 20
"""Incidents that are merged into another at once."""

_KEPT: Final = ("title", "description", "severity", "status", "classification", "classificationReason",
                "classificationComment", "owner", "labels")  # fmt: skip


def move_view(row: MoveRow) -> dict[str, Any]:
    """A merge or a split for programs and the console."""
    return {
        "id": row.id,
        "kind": row.kind,
        "from": row.other,
        "to": row.number,
        "alertIds": row.body["alerts"],
        "bookmarkIds": row.body["bookmarks"],
        "timeUtc": iso(row.at),
        "actor": {"id": row.by_id, "name": row.by_name},
        "undoneTimeUtc": None if row.undone_at is None else iso(row.undone_at),
        "undoneBy": row.undone_by_name,
    }


class Regrouping:
    """Moves alerts between the incidents of one workspace. Each call is one transaction."""

    def __init__(self, state: State, journal: Journal, new_id: IdSource) -> None:
        self._state = state
        self._journal = journal
        self._new_id = new_id

    def merge(
        self, target: int | str, sources: Sequence[int | str], principal: Principal, etag: str | None = None
    ) -> list[dict[str, Any]]:
        """Move everything of the sources into the target; returns the moves.

        `Conflict` where the target would have too many alerts, or is itself merged into another.
        """
        principal.require(self._journal.workspace_id, Permission.INCIDENTS_WRITE)
        if not 1 <= len(sources) <= MAX_SOURCES:
            raise InvalidInput(f"Between 1 and {MAX_SOURCES} incidents are merged at once.", target="sources")
        with self._state.session() as session:
            into = self._journal.row(session, target)
            check_etag(into, etag)
            self._whole(into)
            rows = {row.number: row for row in (self._journal.row(session, one) for one in sources)}
            if into.number in rows:
                raise InvalidInput(f"Incident {into.number} is not merged into itself.", target="sources")
            for row in rows.values():
                self._whole(row)
            total = into.alert_count + sum(row.alert_count for row in rows.values())
            if total > MAX_ALERTS:
                raise Conflict(
                    f"An incident has at most {MAX_ALERTS} alerts; together these have {total:,}.",
                    target="sources", hint="Leave them apart, or merge fewer.",
                )  # fmt: skip
            was = IncidentState.of(into)
            moves = [self._merge(session, into, row, principal) for row in rows.values()]
            self._end(session, into, principal, ActivityKind.MERGE, was)
            return [move_view(move) for move in moves]

    def split(
        self,
        source: int | str,
        alert_ids: Sequence[str],
        principal: Principal,
        title: str | None = None,
        etag: str | None = None,
    ) -> dict[str, Any]:
        """Move some alerts of an incident into a new one; returns the move. One alert at least stays."""
        principal.require(self._journal.workspace_id, Permission.INCIDENTS_WRITE)
        wanted = list(dict.fromkeys(one.lower() for one in alert_ids))
        with self._state.session() as session:
            old = self._journal.row(session, source)
            check_etag(old, etag)
            self._whole(old)
            alerts = {alert.id: alert for alert in self._journal.alerts(session, old.number)}
            unknown = next((one for one in wanted if one not in alerts), None)
            if unknown is not None:
                raise NotFound(f"Incident {old.number} has no alert '{unknown}'.", target=unknown)
            if not wanted or len(wanted) == len(alerts):
                raise InvalidInput(
                    "A split takes some of an incident's alerts, not none and not all.", target="alertIds"
                )
            first = alerts[wanted[0]]
            new = new_incident(
                session, self._journal, self._new_id(),
                title=text_reader("title", 256, empty=False)(title if title is not None else first.body["title"]),
                description=first.body["description"], severity=_highest(alerts[one] for one in wanted),
            )  # fmt: skip
            said = f"Split from incident {old.number}"
            self._journal.note(session, new, ActivityKind.CREATED, principal, title=said)
            before, was = _fields(old), IncidentState.of(old)
            move = self._move(session, "split", new, old, wanted, [], principal)
            for row in (new, old):
                self._recount(session, row)
            move.body = {**move.body, "before": before, "after": _fields(old), "new": _fields(new)}
            detail = f"{len(wanted)} alerts" if len(wanted) > 1 else "1 alert"
            for row, other, verb in ((old, new, "Split off into"), (new, old, "Split from")):
                self._note(session, row, ActivityKind.SPLIT, principal, f"{verb} incident {other.number}", move, detail)
            self._end(session, old, principal, ActivityKind.SPLIT, was)
            self._end(session, new, principal, ActivityKind.SPLIT, None)
            return move_view(move)

    def undo(self, move_id: str, principal: Principal) -> dict[str, Any]:
        """Move back what a merge or a split moved. `Conflict` where it has been moved on, or was undone already."""
        principal.require(self._journal.workspace_id, Permission.INCIDENTS_WRITE)
        with self._state.session() as session:
            move = self._journal_move(session, move_id)
            if move.undone_at is not None:
                raise Conflict(f"{move.undone_by_name} has undone this at {iso(move.undone_at)}.", target=move.id)
            here, back = self._journal.row(session, move.number), self._journal.row(session, move.other)
            self._still_there(session, move, here)
            if move.kind == "split":
                self._whole(back)
                more = [alert.id for alert in self._journal.alerts(session, here.number)]
                if sorted(more) != sorted(move.body["alerts"]):
                    raise Conflict(
                        f"Incident {here.number} has other alerts by now; undoing the split would leave them behind.",
                        target=move.id, hint=f"Merge incident {here.number} into incident {back.number} instead.",
                    )  # fmt: skip
            total = back.alert_count + len(move.body["alerts"])
            if total > MAX_ALERTS:
                raise Conflict(f"Incident {back.number} would have {total:,} alerts; the most is {MAX_ALERTS}.")
            was = {row.number: IncidentState.of(row) for row in (here, back)}
            # a bookmark that somebody has put elsewhere since stays there
            still = {bookmark.id for bookmark in self._journal.bookmarks(session, here.number)}
            bookmarks = [bookmark for bookmark in move.body["bookmarks"] if bookmark in still]
            self._relocate(session, back, move.body["alerts"], bookmarks)
            move.undone_at, move.undone_by_name = self._journal.clock.now(), principal.display_name
            back.merged_into = None
            for row in (here, back):
                self._recount(session, row)
            self._restore(session, here, back, move, principal)
            said = f"Undone: the {move.kind} of incidents {move.other} and {move.number}"
            for row in (here, back):
                self._note(session, row, ActivityKind.UNDO, principal, said, move, f"Alerts went back to {back.number}")
            for row in (here, back):
                self._end(session, row, principal, ActivityKind.UNDO, was[row.number])
            return move_view(move)

    def list(self, reference: int | str) -> list[dict[str, Any]]:
        """The merges and splits that an incident was part of, oldest first."""
        with self._state.session(read_only=True) as session:
            number = self._journal.row(session, reference).number
            return [move_view(row) for row in self._journal.moves(session, number)]

    # -- parts

    def _whole(self, row: IncidentRow) -> None:
        if row.merged_into is not None:
            raise Conflict(
                f"Incident {row.number} is merged into incident {row.merged_into}.", target=str(row.number),
                hint="Undo that first, or name the other incident.",
            )  # fmt: skip

    def _merge(self, session: Session, into: IncidentRow, row: IncidentRow, principal: Principal) -> MoveRow:
        before, target, was = _fields(row), _fields(into), IncidentState.of(row)
        alerts = [alert.id for alert in self._journal.alerts(session, row.number)]
        bookmarks = [bookmark.id for bookmark in self._journal.bookmarks(session, row.number)]
        move = self._move(session, "merge", into, row, alerts, bookmarks, principal)
        closing: dict[str, JsonValue] = {}
        if row.status != Status.CLOSED.value:
            closing = {
                "status": Status.CLOSED.value,
                "classification": Classification.UNDETERMINED.value,
                "classificationReason": None,
                "classificationComment": f"Merged into incident {into.number}",
            }
        self._journal.apply(session, row, complete(row, closing), principal)
        row.merged_into = into.number
        for one in (into, row):
            self._recount(session, one)
        if Severity(before["severity"]).rank > into.severity_rank and not self._set_by_people(
            session, into, "severity"
        ):
            # nobody's wish, as when an alert raises it: what comes later may raise it further
            self._journal.apply(session, into, {"severity": before["severity"]}, SYSTEM)
        move.body = {**move.body, "before": before, "after": _fields(row), "target": [target, _fields(into)]}
        detail = f"{len(alerts)} alerts, {len(bookmarks)} bookmarks"
        self._note(session, into, ActivityKind.MERGE, principal, f"Incident {row.number} merged in", move, detail)
        self._note(session, row, ActivityKind.MERGE, principal, f"Merged into incident {into.number}", move, detail)
        self._end(session, row, principal, ActivityKind.MERGE, was)
        return move

    def _restore(
        self, session: Session, here: IncidentRow, back: IncidentRow, move: MoveRow, principal: Principal
    ) -> None:
        """Put back the fields that the move changed and nobody has changed since."""
        pairs = [(back, move.body["before"], move.body["after"])]
        if move.kind == "merge":
            pairs.append((here, *move.body["target"]))
        for row, before, after in pairs:
            now = _fields(row)
            changes = {name: before[name] for name in _KEPT if before[name] != after[name] and now[name] == after[name]}
            if "status" in changes or changes.keys() & {"classification", "classificationReason"}:
                whole = {name: before[name] for name in _KEPT if name.startswith("classification")}
                changes |= {name: value for name, value in whole.items() if now[name] == after[name]}
            if row is here:
                changes.pop("severity", None)
            self._journal.apply(session, row, complete(row, changes), principal)
        if move.kind == "merge" and not self._set_by_people(session, here, "severity"):
            self._journal.apply(session, here, {"severity": self._due(session, here).value}, SYSTEM)
        if move.kind == "split":
            here.merged_into = back.number
            closing = {
                "status": Status.CLOSED.value,
                "classification": Classification.UNDETERMINED.value,
                "classificationReason": None,
                "classificationComment": f"The split from incident {back.number} was undone",
            }
            if here.status != Status.CLOSED.value:
                self._journal.apply(session, here, complete(here, closing), principal)

    def _due(self, session: Session, row: IncidentRow) -> Severity:
        """How severe an incident is without what was merged into it once: as its alerts and the incidents that are still in it."""
        moves = self._journal.moves(session, row.number)
        merged = [one for one in moves if one.kind == "merge" and one.number == row.number]
        before = [Severity(one.body["target"][0]["severity"]) for one in merged]
        left = [min(before, key=lambda severity: severity.rank)]  # merges only raise it
        left += [Severity(alert.severity) for alert in self._journal.alerts(session, row.number)]
        left += [Severity(one.body["before"]["severity"]) for one in merged if one.undone_at is None]
        return max(left, key=lambda severity: severity.rank)

    def _move(
        self,
        session: Session,
        kind: str,
        to: IncidentRow,
        origin: IncidentRow,
        alerts: Sequence[str],
        bookmarks: Sequence[str],
        principal: Principal,
    ) -> MoveRow:
        move = MoveRow(
            id=self._new_id(),
            workspace_id=to.workspace_id,
            kind=kind,
            number=to.number,
            other=origin.number,
            at=self._journal.clock.now(),
            by_id=principal.id,
            by_name=principal.display_name,
            body={"alerts": list(alerts), "bookmarks": list(bookmarks)},
            undone_at=None,
            undone_by_name=None,
        )
        session.add(move)
        self._relocate(session, to, alerts, bookmarks)
        return move

    def _relocate(self, session: Session, to: IncidentRow, alerts: Sequence[str], bookmarks: Sequence[str]) -> None:
        session.flush()
        own = AlertRow.workspace_id == to.workspace_id
        session.execute(update(AlertRow).where(own, AlertRow.id.in_(alerts)).values(incident_number=to.number))
        mine = BookmarkRow.workspace_id == to.workspace_id
        session.execute(update(BookmarkRow).where(mine, BookmarkRow.id.in_(bookmarks)).values(number=to.number))

    def _still_there(self, session: Session, move: MoveRow, here: IncidentRow) -> None:
        query = select(AlertRow.id, AlertRow.incident_number).where(
            AlertRow.workspace_id == here.workspace_id, AlertRow.id.in_(move.body["alerts"])
        )
        elsewhere = [(alert, number) for alert, number in session.execute(query) if number != here.number]
        if elsewhere:
            alert, number = elsewhere[0]
            raise Conflict(
                f"Alert '{alert}' has since moved to incident {number}.", target=move.id, hint="Undo that move first."
            )

    def _recount(self, session: Session, row: IncidentRow) -> None:
        """What the incident is, of the alerts that it has now."""
        session.flush()
        alerts = self._journal.alerts(session, row.number)
        row.alert_count = 0
        row.first_activity = row.last_activity = None
        row.tactics, row.techniques, row.rule_ids, row.rule_names, row.product_names = [], [], [], [], []
        for alert in alerts:
            add_up(row, alert)
        own = {"workspace_id": row.workspace_id, "number": row.number}
        session.execute(delete(IncidentRuleRow).filter_by(**own))
        session.add_all(IncidentRuleRow(rule_id=rule_id, **own) for rule_id in row.rule_ids)
        merge_entities(session, row, alerts, only=[alert.id for alert in alerts])
        session.flush()

    def _set_by_people(self, session: Session, row: IncidentRow, name: str) -> bool:
        query = select(ActivityRow.id).filter_by(workspace_id=row.workspace_id, number=row.number, field=name)
        return session.scalar(query.where(ActivityRow.actor_id != SYSTEM.id).limit(1)) is not None

    def _note(
        self,
        session: Session,
        row: IncidentRow,
        kind: ActivityKind,
        principal: Principal,
        title: str,
        move: MoveRow,
        detail: str,
    ) -> None:
        self._journal.note(
            session, row, kind, principal, title=storable(title), detail=detail, reference=move.id,
            old={"incident": move.other, "alerts": move.body["alerts"]},
            new={"incident": move.number, "alerts": move.body["alerts"]},
        )  # fmt: skip

    def _end(
        self, session: Session, row: IncidentRow, principal: Principal, kind: ActivityKind, before: IncidentState | None
    ) -> None:
        """Finish a change of an incident, or, without a state `before`, one that the move made."""
        self._journal.finish(session, row, principal)
        self._journal.tell(
            IncidentEvent(kind, row.number, row.id, principal=principal, created=before is None, before=before)
        )

    def _journal_move(self, session: Session, move_id: str) -> MoveRow:
        text = move_id.strip().lower()
        move = session.get(MoveRow, text) if is_uuid(text) else None
        if move is None or move.workspace_id != self._journal.workspace_id:
            raise NotFound(f"There is no merge or split '{move_id}'.", target=move_id)
        return move


def _fields(row: IncidentRow) -> dict[str, JsonValue]:
    return {name: FIELDS[name].get(row) for name in _KEPT}


def _highest(alerts: Iterable[AlertRow]) -> Severity:
    return max((Severity(alert.severity) for alert in alerts), key=lambda severity: severity.rank)
