"""The folders that are watched: what files come into them is loaded.

Adding one lets the server read what lies there, so it needs the right to change settings.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from vedette.api.security import Caller, Services, requires
from vedette.api.services import WorkspaceServices
from vedette.api.wire import Page, Wire
from vedette.collect.files.folders import WatchedFolder
from vedette.core.roles import Permission

router = APIRouter(tags=["ingestion"], prefix="/workspaces/{ws}/watched-folders")


class ProblemBody(Wire):
    """A file of which nothing was taken."""

    file: str
    at: datetime
    reason: str


class FolderBody(Wire):
    """A folder that is watched, and what has come of it since the server started."""

    id: str
    path: str
    table: str | None
    move: bool
    created_at: datetime | None
    created_by: str
    files: int
    rows: int
    waiting: int
    failed: int
    problem: str | None
    problems: list[ProblemBody]


class FolderWrite(Wire):
    """A folder to watch."""

    path: Annotated[str, Field(min_length=1, max_length=4096)]
    table: Annotated[str | None, Field(max_length=128)] = None
    move: bool = False


def folder_body(folder: WatchedFolder, services: WorkspaceServices) -> FolderBody:
    """A folder as the REST API gives it."""
    state = services.folder_watcher.state(folder.path)
    return FolderBody(
        id=folder.id, path=str(folder.path), table=folder.table, move=folder.move, created_at=folder.created_at,
        created_by=folder.created_by, files=state.files, rows=state.rows, waiting=state.waiting, failed=state.failed,
        problem=state.problem,
        problems=[ProblemBody(file=str(one.file), at=one.at, reason=one.reason) for one in state.problems],
    )  # fmt: skip


@router.get("", dependencies=[Depends(requires(Permission.DATA_WRITE))])
def listed(services: Services) -> Page[FolderBody]:
    """Every watched folder."""
    found = [folder_body(one, services) for one in services.watched_folders.list()]
    return Page(value=found, count=len(found))


@router.post("", status_code=201, dependencies=[Depends(requires(Permission.SETTINGS_WRITE))])
def add(services: Services, caller: Caller, body: FolderWrite) -> FolderBody:
    """Watches a folder on the server's machine."""
    made = services.watched_folders.add(Path(body.path), caller, table=body.table, move=body.move)
    return folder_body(made, services)


@router.delete("", status_code=204, dependencies=[Depends(requires(Permission.SETTINGS_WRITE))])
def remove(services: Services, caller: Caller, folder: Annotated[str, Query(min_length=1, max_length=4096)]) -> None:
    """Watches a folder, named by its id or its path, no longer; its files stay."""
    services.watched_folders.remove(folder, caller)
