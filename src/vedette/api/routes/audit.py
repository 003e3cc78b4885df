"""The audit trail: read by administrators, of a workspace or of the whole installation."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from vedette.api.security import Caller, Held, requires, requires_everywhere, visible_workspace
from vedette.api.wire import Page, Utc, Wire
from vedette.core.audit import AuditEntry
from vedette.core.roles import Permission

router = APIRouter(tags=["audit"])
MAX_TOP = 1000

Top = Annotated[int, Query(ge=1, le=MAX_TOP, description="At most so many entries.")]
Before = Annotated[
    int | None, Query(ge=1, description="Only entries with a smaller number: where the page before ended.")
]
Action = Annotated[
    str | None, Query(max_length=256, description="Only this action, like users/create; all of a kind with users/.")
]
Actor = Annotated[str | None, Query(max_length=256, description="Only what this account did, by its id.")]


class AuditBody(Wire):
    """One entry: who did what to what, and when. Secrets are never in it."""

    sequence: int
    time_utc: Utc
    actor_id: str
    actor_kind: str
    actor: str
    action: str
    target: str
    workspace_id: str | None
    detail: dict[str, Any]
    hash: str


class AuditCheckBody(Wire):
    """Whether the trail is whole; if not, the first entry that is wrong."""

    intact: bool
    entries: int
    hash: str
    broken_at: int | None
    reason: str | None


def _page(found: list[AuditEntry]) -> Page[AuditBody]:
    return Page(
        value=[
            AuditBody(
                sequence=one.sequence, time_utc=one.at, actor_id=one.actor_id, actor_kind=one.actor_kind, actor=one.actor_name,
                action=one.action, target=one.target, workspace_id=one.workspace_id, detail=dict(one.detail), hash=one.hash,
            )
            for one in found
        ],
        count=len(found),
    )  # fmt: skip


@router.get("/audit", dependencies=[Depends(requires_everywhere(Permission.AUDIT_READ))])
def everything(
    held: Held, top: Top = 100, before: Before = None, action: Action = None, actor: Actor = None
) -> Page[AuditBody]:
    """The entries of the whole installation, the newest first."""
    return _page(held.audit.entries(actor_id=actor, action=action, before=before, limit=top))


@router.get("/audit/check", dependencies=[Depends(requires_everywhere(Permission.AUDIT_READ))])
def check(
    held: Held, sequence: Annotated[int | None, Query(ge=1)] = None,
    hash_: Annotated[str | None, Query(alias="hash", pattern="^[0-9a-f]{64}$")] = None,
) -> AuditCheckBody:  # fmt: skip
    """Reads the whole trail and says whether an entry was changed, taken out or put in.

    `sequence` and `hash` are those of an entry that was noted elsewhere, and show a trail that was written anew.
    """
    found = held.audit.verify(None if sequence is None or hash_ is None else (sequence, hash_))
    return AuditCheckBody(
        intact=found.intact, entries=found.entries, hash=found.hash, broken_at=found.broken_at, reason=found.reason
    )


@router.get("/workspaces/{ws}/audit", dependencies=[Depends(requires(Permission.AUDIT_READ, archived=True))])
def of_workspace(
    held: Held, caller: Caller, ws: str, top: Top = 100, before: Before = None, action: Action = None, actor: Actor = None
) -> Page[AuditBody]:  # fmt: skip
    """The entries of a workspace, the newest first."""
    place = visible_workspace(held, caller, ws).id
    return _page(held.audit.entries(workspace_id=place, actor_id=actor, action=action, before=before, limit=top))
