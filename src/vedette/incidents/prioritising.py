"""Priorities kept up to date: computed when an incident changes, and again when what they rest on changes elsewhere.

A verdict on a rule, an incident about the same entities, a changed watchlist: each marks the incidents that it concerns,
and `refresh` weighs them again, a bounded number at a time. Neither changes their revisions or their etag.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Final

import orjson
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, aliased

from vedette.core.clock import Clock
from vedette.core.database import State
from vedette.incidents.entities import entity_from_row
from vedette.incidents.entity_values import EntityValues
from vedette.incidents.listing import summary
from vedette.incidents.merging import MergedEntity, key_digest
from vedette.incidents.models import (
    EntityKeyRow,
    IncidentCounterRow,
    IncidentEntityRow,
    IncidentRow,
    IncidentRuleRow,
)
from vedette.incidents.priority import Company, Facts, Verdicts, weigh
from vedette.incidents.vocabulary import Classification, Status
from vedette.store.watchlists.lists import Watchlists

LATEST: Final = 1000
"""Incidents that rarity is measured over."""
DAYS: Final = timedelta(days=14)
"""How near in time another rule's incident is company."""
COMMON: Final = 0.02
"""An entity in more than this share of the latest incidents (and in more than `FEW`) is a proxy or a service, and no tie."""
FEW: Final = 12
_ENOUGH: Final = 200
"""Incidents that a rule's share is taken of at least: among few, every rule has a large one."""
_ENTITIES: Final = 40
_KEYS_AT_ONCE: Final = 500
_NEIGHBOURS: Final = 100
_VERDICTS: Final = 200


class Prioritiser:
    """Weighs the incidents of one workspace. Everything works in the caller's session."""

    def __init__(self, state: State, workspace_id: str, clock: Clock) -> None:
        self._workspace_id = workspace_id
        self._watchlists = Watchlists(state, workspace_id, clock)
        self._values: EntityValues | None = None

    def weigh(self, session: Session, incident: IncidentRow) -> None:
        """Set an incident's priority and its parts, of what is known now."""
        incident.priority, parts = weigh(self.facts(session, incident))
        incident.priority_parts = [part.to_dict() for part in parts]
        incident.priority_stale = False

    def concern(self, session: Session, incident: IncidentRow, changed: Collection[str] = ()) -> None:
        """Mark the incidents that a change of this one concerns: of the same rules after a verdict, or of the same
        entities."""
        if "classification" in changed:
            rules = select(IncidentRuleRow.number).where(
                IncidentRuleRow.workspace_id == self._workspace_id, IncidentRuleRow.rule_id.in_(incident.rule_ids)
            )
            self._mark(session, IncidentRow.number.in_(rules))
        if not changed:
            sharing = self._sharing(session, incident, self._entities(session, incident))
            _, total = self._latest(session)
            numbers = _tied(sharing, total)
            if numbers:
                self._mark(session, IncidentRow.number.in_(numbers))

    def refresh(self, session: Session, most: int) -> int:
        """Weigh again what is marked, and everything open when a watchlist has changed; returns how many."""
        values = self._values = EntityValues.read(self._watchlists, self._values)
        counter = session.get(IncidentCounterRow, self._workspace_id)
        if counter is None:
            return 0
        if (counter.watched or "") != values.mark:
            counter.watched = values.mark
            self._mark(session, IncidentRow.number > 0)
        query = select(IncidentRow).filter_by(workspace_id=self._workspace_id, priority_stale=True)
        rows = list(session.scalars(query.order_by(IncidentRow.number.desc()).limit(most)))
        for row in rows:
            before = (row.priority, row.priority_parts)
            self.weigh(session, row)
            if (row.priority, row.priority_parts) != before:
                counter.last_change += 1
                row.change = counter.last_change
                row.summary = orjson.dumps(summary(row)).decode()
        session.flush()
        return len(rows)

    def due(self, session: Session) -> bool:
        """Whether `refresh` has something to do."""
        values = self._values = EntityValues.read(self._watchlists, self._values)
        counter = session.get(IncidentCounterRow, self._workspace_id)
        if counter is None:
            return False
        if (counter.watched or "") != values.mark:
            return True
        query = select(IncidentRow.number).filter_by(workspace_id=self._workspace_id, priority_stale=True)
        return session.scalar(query.limit(1)) is not None

    def _mark(self, session: Session, which: object) -> None:
        session.flush()
        session.execute(
            update(IncidentRow)
            .where(
                IncidentRow.workspace_id == self._workspace_id,
                IncidentRow.status != Status.CLOSED.value,
                which,  # type: ignore[arg-type]
            )
            .values(priority_stale=True)
            .execution_options(synchronize_session=False)
        )

    def facts(self, session: Session, incident: IncidentRow) -> Facts:
        """What an incident is weighed by."""
        if self._values is None:
            self._values = EntityValues.read(self._watchlists)
        entities = self._entities(session, incident)
        latest, total = self._latest(session)
        sharing = self._sharing(session, incident, entities)
        kinds = {entity.id: entity.type in ("Account", "Host") for entity in entities}
        telling = [one for one in kinds if kinds[one]] or list(kinds)
        seen = [sum(number >= latest for number in sharing[one]) for one in telling]
        rules, shared = self._company(session, incident, sharing, entities, (latest, total))
        counts = self._rule_counts(session, incident.rule_ids, latest)
        commonest = max(counts, key=lambda rule_id: (counts[rule_id], rule_id), default=None)
        return Facts(
            severity=incident.severity,
            tactics=incident.tactics,
            valued=tuple(self._values.of(entity.entity for entity in entities)),
            rule_incidents=1 if commonest is None else counts[commonest],
            rule_following=0 if commonest is None else self._following(session, commonest, latest),
            latest_incidents=total,
            entity_incidents=max(seen) if seen else None,
            verdicts=self._verdicts(session, incident),
            other_rules=rules,
            shared=shared,
        )

    def _entities(self, session: Session, incident: IncidentRow) -> list[MergedEntity]:
        query = select(IncidentEntityRow).filter_by(workspace_id=self._workspace_id, number=incident.number)
        rows = session.scalars(query.order_by(IncidentEntityRow.position).limit(_ENTITIES))
        return [entity_from_row(row) for row in rows]

    def _latest(self, session: Session) -> tuple[int, int]:
        """The number that the latest incidents begin at, and how many they are."""
        counter = session.get(IncidentCounterRow, self._workspace_id)
        last = 0 if counter is None else counter.last_number
        first = max(1, last - LATEST + 1)
        return first, max(1, last - first + 1)

    def _sharing(
        self, session: Session, incident: IncidentRow, entities: Sequence[MergedEntity]
    ) -> dict[str, set[int]]:
        """By each entity's id, the other incidents that it is in: the newest, a bounded number."""
        owners: dict[str, str] = {}
        for entity in entities:
            for key in entity.keys:
                owners.setdefault(key_digest(key), entity.id)
        found: dict[str, set[int]] = {entity.id: set() for entity in entities}
        digests = list(owners)[:_KEYS_AT_ONCE]
        if not digests:
            return found
        query = (
            select(EntityKeyRow.key, EntityKeyRow.number)
            .where(
                EntityKeyRow.workspace_id == self._workspace_id,
                EntityKeyRow.key.in_(digests),
                EntityKeyRow.number != incident.number,
                EntityKeyRow.number > incident.number - LATEST,
            )
            .order_by(EntityKeyRow.number.desc())
            .limit(10 * LATEST)
        )
        for key, number in session.execute(query):
            found[owners[key]].add(number)
        return found

    def _company(
        self,
        session: Session,
        incident: IncidentRow,
        sharing: dict[str, set[int]],
        entities: Sequence[MergedEntity],
        latest: tuple[int, int],
    ) -> tuple[dict[str, Company], list[str]]:
        numbers = _tied(sharing, latest[1])
        if not numbers:
            return {}, []
        query = select(
            IncidentRow.number, IncidentRow.rule_ids, IncidentRow.tactics, IncidentRow.created_at,
            IncidentRow.classification,
        ).where(IncidentRow.workspace_id == self._workspace_id, IncidentRow.number.in_(numbers))  # fmt: skip
        found: dict[str, tuple[list[str], int]] = {}
        near: set[int] = set()
        dismissed = (Classification.FALSE_POSITIVE.value, Classification.BENIGN_POSITIVE.value)
        for number, rule_ids, tactics, created, classification in session.execute(query):
            if classification in dismissed or abs(created - incident.created_at) > DAYS:
                continue
            near.add(number)
            rarest = min(len(of) for of in sharing.values() if number in of)
            for rule_id in rule_ids:
                if rule_id not in incident.rule_ids and rarest < found.get(rule_id, ([], rarest + 1))[1]:
                    found[rule_id] = (list(tactics), rarest)
        counts = self._rule_counts(session, list(found), latest[0])
        rules = {
            rule_id: Company(tactics, counts[rule_id] / max(_ENOUGH, latest[1]), rarest)
            for rule_id, (tactics, rarest) in sorted(found.items())
        }
        named = [entity.entity.title for entity in entities if sharing.get(entity.id, set()) & near]
        return rules, named if rules else []

    def _rule_counts(self, session: Session, rule_ids: Sequence[str], latest: int) -> Counter[str]:
        """How many of the latest incidents each rule has made."""
        query = (
            select(IncidentRuleRow.rule_id, func.count())
            .where(
                IncidentRuleRow.workspace_id == self._workspace_id,
                IncidentRuleRow.rule_id.in_(rule_ids),
                IncidentRuleRow.number >= latest,
            )
            .group_by(IncidentRuleRow.rule_id)
        )
        return Counter({rule_id: int(count) for rule_id, count in session.execute(query)})

    def _following(self, session: Session, rule_id: str, latest: int) -> int:
        """How many of the latest incidents of a rule have the number after another of it."""
        before = aliased(IncidentRuleRow)
        query = (
            select(func.count())
            .select_from(IncidentRuleRow)
            .join(
                before,
                (before.workspace_id == IncidentRuleRow.workspace_id)
                & (before.rule_id == IncidentRuleRow.rule_id)
                & (before.number == IncidentRuleRow.number - 1),
            )
            .where(
                IncidentRuleRow.workspace_id == self._workspace_id,
                IncidentRuleRow.rule_id == rule_id,
                IncidentRuleRow.number > latest,
            )
        )
        return int(session.scalar(query) or 0)

    def _verdicts(self, session: Session, incident: IncidentRow) -> Verdicts:
        query = (
            select(IncidentRow.classification)
            .join(
                IncidentRuleRow,
                (IncidentRuleRow.workspace_id == IncidentRow.workspace_id)
                & (IncidentRuleRow.number == IncidentRow.number),
            )
            .where(
                IncidentRow.workspace_id == self._workspace_id,
                IncidentRuleRow.rule_id.in_(incident.rule_ids),
                IncidentRow.number != incident.number,
                IncidentRow.classification.is_not(None),
                IncidentRow.classification != Classification.UNDETERMINED.value,
            )
            .order_by(IncidentRow.number.desc())
            .limit(_VERDICTS)
        )
        found = Counter(session.scalars(query))
        return Verdicts(
            found[Classification.TRUE_POSITIVE.value],
            found[Classification.BENIGN_POSITIVE.value],
            found[Classification.FALSE_POSITIVE.value],
        )


def _tied(sharing: Mapping[str, set[int]], total: int) -> list[int]:
    """The newest incidents that share an entity which is not everywhere."""
    most = max(FEW, int(COMMON * total))
    tied = {number for numbers in sharing.values() if len(numbers) <= most for number in numbers}
    return sorted(tied, reverse=True)[:_NEIGHBOURS]
