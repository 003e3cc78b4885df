"""Workspaces: which there are, and how they are made, taken out of use and deleted."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import Field

from vedette.api.security import Caller, Held, requires, requires_everywhere, visible_workspace
from vedette.api.wire import Page, Utc, Wire
from vedette.core.roles import EVERYWHERE, Permission, Principal
from vedette.core.workspaces import Workspace

router = APIRouter(tags=["workspaces"])
MayWrite = Depends(requires(Permission.WORKSPACES_WRITE, archived=True))
Name = Annotated[str, Path(description="The workspace, by id or name.")]


class WorkspaceBody(Wire):
    """A workspace, with the caller's roles in it."""

    id: str
    name: str
    display_name: str
    created_time_utc: Utc
    archived_time_utc: Utc | None
    roles: list[str]


class WorkspacePost(Wire):
    """A workspace to make. Its name stands in addresses and in `workspace()`, and stays."""

    name: Annotated[str, Field(max_length=63)]
    display_name: Annotated[str | None, Field(max_length=256)] = None


class WorkspacePatch(Wire):
    """What is to change."""

    display_name: Annotated[str, Field(max_length=256)]


def _body(workspace: Workspace, caller: Principal) -> WorkspaceBody:
    roles = {
        role.value for place in (EVERYWHERE, workspace.id) for role in caller.roles_by_workspace.get(place, frozenset())
    }
    return WorkspaceBody(
        id=workspace.id, name=workspace.name, display_name=workspace.display_name,
        created_time_utc=workspace.created_at, archived_time_utc=workspace.archived_at, roles=sorted(roles),
    )  # fmt: skip


@router.get("/workspaces")
def workspaces(caller: Caller, held: Held, archived: Annotated[bool, Query()] = False) -> Page[WorkspaceBody]:
    """The workspaces in which the caller may do anything, the default first; with `archived` also those out of use."""
    found = [_body(one, caller) for one in held.workspaces.list(archived=archived) if caller.may_see(one.id)]
    found.sort(key=lambda item: (item.name != "default", item.name))
    return Page(value=found, count=len(found))


@router.post("/workspaces", status_code=201, dependencies=[Depends(requires_everywhere(Permission.WORKSPACES_WRITE))])
def create(caller: Caller, held: Held, body: WorkspacePost) -> WorkspaceBody:
    """Makes a workspace; its rules are scheduled and its connectors poll from now on."""
    made = held.workspaces.create(body.name, display_name=body.display_name, by=caller)
    held.workspaces_changed()
    return _body(made, caller)


@router.get("/workspaces/{ws}")
def get(caller: Caller, held: Held, ws: Name) -> WorkspaceBody:
    """A workspace."""
    return _body(visible_workspace(held, caller, ws), caller)


@router.patch("/workspaces/{ws}", dependencies=[MayWrite])
def change(caller: Caller, held: Held, ws: Name, body: WorkspacePatch) -> WorkspaceBody:
    """Changes the name that is shown."""
    return _body(held.workspaces.update(ws, display_name=body.display_name, by=caller), caller)


@router.post("/workspaces/{ws}/archive", dependencies=[MayWrite])
def archive(caller: Caller, held: Held, ws: Name) -> WorkspaceBody:
    """Takes a workspace out of use: nothing is read, received or run in it. Its data stays."""
    done = held.workspaces.archive(ws, by=caller)
    held.workspaces_changed()
    return _body(done, caller)


@router.post("/workspaces/{ws}/restore", dependencies=[MayWrite])
def restore(caller: Caller, held: Held, ws: Name) -> WorkspaceBody:
    """Takes an archived workspace into use again."""
    done = held.workspaces.restore(ws, by=caller)
    held.workspaces_changed()
    return _body(done, caller)


@router.delete("/workspaces/{ws}", status_code=204, dependencies=[MayWrite])
def delete(caller: Caller, held: Held, ws: Name) -> None:
    """Deletes an archived workspace for good: logs, rules, incidents, secrets and roles."""
    held.delete_workspace(ws, caller)
