"""Microsoft.Authorization/locks: what must not be deleted, or not be changed at all."""

from __future__ import annotations

from typing import Final

from vedette.range.arm import resources
from vedette.range.arm.errors import ArmError, bad_request
from vedette.range.arm.operations import ArmRequest, ArmResponse, operation
from vedette.range.arm.paging import page
from vedette.range.arm.path import ArmPath
from vedette.range.arm.versions import LOCKS
from vedette.range.documents import Document
from vedette.range.roles import covers
from vedette.range.state import FakeTenant, ResourceGroup, Subscription

TYPE: Final = "Microsoft.Authorization/locks"
_LEVELS: Final = ("CanNotDelete", "ReadOnly")
_MARK: Final = "/providers/microsoft.authorization/locks/"


def check(
    tenant: FakeTenant, subscription: Subscription, method: str, path: ArmPath, group: ResourceGroup | None
) -> None:
    """409 where a lock at or above the resource forbids the method. Locks themselves are not held by locks."""
    last = path.last
    if method == "GET" or (last is not None and f"{last.namespace}/{last.types[0]}".lower() == TYPE.lower()):
        return
    if last is not None and last.types[-1].lower() in ("alerts", "bookmarks", "entities") and method == "POST":
        return  # a POST that reads
    scope = path.scope()
    held = [
        _scope(name)
        for name, lock in tenant.documents.of("arm", subscription.id).items()
        if _MARK in name
        and covers(_scope(name), scope)
        and (lock["properties"]["level"] == "ReadOnly" or method == "DELETE")
    ]
    if held:
        verb = "delete" if method == "DELETE" else "write"
        raise ArmError(
            409,
            "ScopeLocked",
            f"The scope '{scope}' cannot perform {verb} operation because following scope(s) are locked: "
            f"'{','.join(held)}'. Please remove the lock and try again.",
        )


@operation("GET", TYPE, collection=True, action="read", versions=LOCKS)
def list_locks(request: ArmRequest) -> ArmResponse:
    """Locks at the scope, above it and (unless `$filter=atScope()`) below it."""
    here = request.path_base
    below = "atscope()" not in request.query.get("$filter", "").lower()
    found = [
        lock
        for name, lock in request.store.items()
        if _MARK in name and (covers(_scope(name), here) or (below and covers(here, _scope(name))))
    ]
    return page(request, found)


@operation("GET", TYPE, collection=False, action="read", versions=LOCKS)
def get_lock(request: ArmRequest) -> ArmResponse:
    """One lock."""
    return ArmResponse(200, _lock(request))


@operation("PUT", TYPE, collection=False, action="write", versions=LOCKS)
def put_lock(request: ArmRequest) -> ArmResponse:
    """Create (201) or replace (200)."""
    given = request.properties()
    level = next((each for each in _LEVELS if each.lower() == str(given.get("level")).lower()), None)
    if level is None:
        raise bad_request(f"The lock level '{given.get('level')}' is not valid.", code="InvalidLockLevel")
    notes = given.get("notes")
    if notes is not None and len(str(notes)) > 512:
        raise bad_request("The notes of a lock have at most 512 characters.", code="InvalidLockNotes")
    identity, existing = resources.identity(request), request.store.get(resources.identity(request))
    properties = {"level": level}
    properties |= {name: given[name] for name in ("notes", "owners") if given.get(name) is not None}
    lock: Document = {
        "id": existing["id"] if existing else identity,
        "type": TYPE,
        "name": request.names[0],
        "properties": properties,
    }
    request.store.put(identity, lock)
    return ArmResponse(200 if existing else 201, lock)


@operation("DELETE", TYPE, collection=False, action="delete", versions=LOCKS)
def delete_lock(request: ArmRequest) -> ArmResponse:
    """Delete (200); nothing to delete is 204."""
    return ArmResponse(200 if request.store.delete(resources.identity(request)) else 204)


def _lock(request: ArmRequest) -> Document:
    found = request.store.get(resources.identity(request))
    if found is None:
        raise ArmError(404, "LockNotFound", f"The lock '{request.names[0]}' could not be found.")
    return found


def _scope(lock_id: str) -> str:
    return lock_id[: lock_id.index(_MARK)]
