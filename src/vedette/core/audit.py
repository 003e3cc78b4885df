"""The audit trail: who did what to what, when. Entries are only added, and each carries the hash of the one before."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from vedette.core.clock import Clock, SystemClock
from vedette.core.database import State, storable
from vedette.core.models import AuditHeadRow, AuditRow
from vedette.core.redaction import redact, redact_data
from vedette.core.roles import Principal

_HEAD: Final = 1
_START: Final = "0" * 64
_MAX_TARGET: Final = 1024
_BATCH: Final = 1000


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One entry. `action` is a kind of thing and what was done (`users/create`); `detail` is JSON without secrets."""

    sequence: int
    at: datetime
    actor_id: str
    actor_kind: str
    actor_name: str
    action: str
    target: str
    workspace_id: str | None
    detail: Mapping[str, Any]
    hash: str


@dataclass(frozen=True, slots=True)
class AuditCheck:
    """Whether the trail is whole: how many entries were read, and of the first one that is wrong its number and why."""

    entries: int
    hash: str
    broken_at: int | None = None
    reason: str | None = None

    @property
    def intact(self) -> bool:
        return self.broken_at is None


class Audit:
    """The audit trail of one state."""

    def __init__(self, state: State, clock: Clock | None = None) -> None:
        self._state = state
        self._clock = clock or SystemClock()

    def record(
        self,
        principal: Principal,
        action: str,
        target: str,
        workspace_id: str | None = None,
        detail: Mapping[str, object] | None = None,
    ) -> None:
        """Add an entry, inside the session around it if there is one: then both are kept, or neither.

        Secrets in `target` and `detail` are removed.
        """
        clean = redact_data(detail or {})
        with self._state.session() as session:
            head = session.get(AuditHeadRow, _HEAD)
            if head is None:
                head = AuditHeadRow(id=_HEAD, sequence=0, hash=_START)
                session.add(head)
            row = AuditRow(
                sequence=head.sequence + 1,
                at=self._clock.now().astimezone(UTC),
                actor_id=principal.id,
                actor_kind=principal.kind,
                actor_name=storable(principal.name),
                action=action,
                target=storable(redact(target))[:_MAX_TARGET],
                workspace_id=workspace_id,
                detail=clean,
            )
            row.hash = _hash(head.hash, row)
            session.add(row)
            head.sequence, head.hash = row.sequence, row.hash
            session.flush()

    def entries(
        self,
        *,
        workspace_id: str | None = None,
        actor_id: str | None = None,
        action: str | None = None,
        before: int | None = None,
        limit: int = 100,
    ) -> list[AuditEntry]:
        """The newest entries first, at most `limit` of them; `before` is the sequence number to go on from.

        `action` may end in `/` to mean every action on that kind of thing.
        """
        query = select(AuditRow).order_by(AuditRow.sequence.desc()).limit(max(1, min(limit, 10_000)))
        if workspace_id is not None:
            query = query.where(AuditRow.workspace_id == workspace_id)
        if actor_id is not None:
            query = query.where(AuditRow.actor_id == actor_id)
        if action is not None:
            query = query.where(
                AuditRow.action.startswith(action, autoescape=True)
                if action.endswith("/")
                else AuditRow.action == action
            )
        if before is not None:
            query = query.where(AuditRow.sequence < before)
        with self._state.session(read_only=True) as session:
            return [_entry(row) for row in session.scalars(query)]

    def verify(self, expected: tuple[int, str] | None = None) -> AuditCheck:
        """Read the whole trail and check that no entry was changed, taken out or put in.

        Whoever can write the database can write a whole new trail; `expected` is a sequence number and hash that were
        noted elsewhere before, and shows that too.
        """
        previous, count = _START, 0
        with self._state.session(read_only=True) as session:
            while rows := _read(session, count):
                for row in rows:
                    if row.sequence != count + 1:
                        return AuditCheck(count, previous, count + 1, "the entry is missing")
                    if row.hash != _hash(previous, row):
                        return AuditCheck(count, previous, row.sequence, "the entry was changed")
                    if expected is not None and row.sequence == expected[0] and row.hash != expected[1]:
                        return AuditCheck(count, previous, row.sequence, "the entry is not the one that was noted")
                    previous, count = row.hash, row.sequence
                session.expunge_all()
            head = session.get(AuditHeadRow, _HEAD)
        end = (0, _START) if head is None else (head.sequence, head.hash)
        if end != (count, previous) or (expected is not None and expected[0] > count):
            return AuditCheck(count, previous, count + 1, "entries are missing at the end")
        return AuditCheck(count, previous)


def _read(session: Session, after: int) -> list[AuditRow]:
    query = select(AuditRow).where(AuditRow.sequence > after).order_by(AuditRow.sequence).limit(_BATCH)
    return list(session.scalars(query))


def _hash(previous: str, row: AuditRow) -> str:
    content = [
        previous,
        row.sequence,
        row.at.astimezone(UTC).isoformat(timespec="microseconds"),
        row.actor_id,
        row.actor_kind,
        row.actor_name,
        row.action,
        row.target,
        row.workspace_id,
        row.detail,
    ]
    return hashlib.sha256(json.dumps(content, separators=(",", ":"), sort_keys=True).encode()).hexdigest()


def _entry(row: AuditRow) -> AuditEntry:
    return AuditEntry(
        sequence=row.sequence,
        at=row.at,
        actor_id=row.actor_id,
        actor_kind=row.actor_kind,
        actor_name=row.actor_name,
        action=row.action,
        target=row.target,
        workspace_id=row.workspace_id,
        detail=row.detail,
        hash=row.hash,
    )
