"""What commands on the server's own machine ask for: files are named by their paths, not sent.

Only the owner of the data directory may: whoever can read the server's record could read the files as well.
"""

from __future__ import annotations

import asyncio
import threading
from contextvars import copy_context
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import anyio
from fastapi import APIRouter, Body, Depends, Request, Response

from vedette.api.routes.functions import imported
from vedette.api.routes.watchlists import change_body
from vedette.api.security import Caller, Services
from vedette.api.wire import Wire
from vedette.content.parsers import read_functions
from vedette.core.errors import Forbidden, InvalidInput
from vedette.core.roles import Principal
from vedette.detect.reading.files import read_rules
from vedette.kql import ticks
from vedette.store.report import LoadOptions
from vedette.store.watchlists.files import import_file
from vedette.store.watchlists.lists import WatchlistSettings

router = APIRouter(tags=["local"], prefix="/workspaces/{ws}/local", include_in_schema=False)


def owner(caller: Caller) -> Principal:
    """Lets the local operator through, and nobody else."""
    if caller.kind != "local" or caller.credential != "local":
        raise Forbidden("Only commands of the data directory's owner may name files on the server's machine.")
    return caller


class LoadPaths(Wire):
    """Files and folders to load."""

    paths: list[str]
    table: str | None = None
    stamp: str | None = None
    shift_to: str | None = None
    again: bool = False


class LocalRun(Wire):
    """A run of a rule as of a time."""

    rule: str
    at: str
    period: str | None = None


class LocalReplay(Wire):
    """A replay of a rule over a time."""

    rule: str
    start: str
    end: str


class LocalBacktest(Wire):
    """A backtest of the rules of some files, or of a rule of the library."""

    paths: list[str]
    rule: str | None = None
    start: str
    end: str


class RulePaths(Wire):
    """Files and folders of rules; with `replace` in place of those with the same id."""

    paths: list[str]
    replace: bool = False


class WatchlistPath(Wire):
    """A file of items for a watchlist."""

    alias: str
    path: str
    search_key: str | None = None
    name: str | None = None
    provider: str | None = None
    description: str | None = None
    append: bool = False


def _absolute(texts: list[str]) -> list[Path]:
    paths = [Path(text) for text in texts]
    for path in paths:
        if not path.is_absolute():
            raise InvalidInput(f"'{path}' is not an absolute path.")
    return paths


@router.post("/load", dependencies=[Depends(owner)])
async def load(services: Services, body: Annotated[LoadPaths, Body()], request: Request) -> dict[str, Any]:
    """Loads files by their paths; the answer is the report of `vedette load`. If the caller goes, the file at hand is undone."""
    moments = [ticks.parse_datetime(text) if text else None for text in (body.stamp, body.shift_to)]
    stamp, shift = (ticks.to_datetime(moment) if moment is not None else None for moment in moments)
    options = LoadOptions(body.table, stamp, shift, body.again)
    gone = threading.Event()
    watcher = asyncio.create_task(_notice_when_gone(request, gone))
    try:
        report = await anyio.to_thread.run_sync(
            lambda: services.files.load(_absolute(body.paths), options, cancelled=gone.is_set)
        )
    finally:
        watcher.cancel()
    if report.cancelled and services.logs.closing():
        report.notes.append(
            "The server ends. Of what is cancelled nothing is there: load it again when the server has begun anew."
        )
    return report.to_dict()


async def _notice_when_gone(request: Request, gone: threading.Event) -> None:
    while not await request.is_disconnected():
        await asyncio.sleep(0.2)
    gone.set()


@router.post("/rules")
def rules(
    services: Services, body: Annotated[RulePaths, Body()], caller: Annotated[Principal, Depends(owner)]
) -> dict[str, Any]:
    """Imports rules by the paths of their files."""
    read, problems = read_rules(_absolute(body.paths))
    return services.rule_changes.import_(read, problems, caller, replacing=body.replace)


@router.get("/rules", dependencies=[Depends(owner)])
def list_rules(services: Services) -> list[dict[str, Any]]:
    """Every rule, as commands see it."""
    return services.rules_listed()


@router.post("/rules/run", dependencies=[Depends(owner)])
def run(services: Services, body: Annotated[LocalRun, Body()]) -> dict[str, Any]:
    """Runs a rule; the answer has its alerts as programs see them."""
    at, period = ticks.parse_datetime(body.at), ticks.parse_timespan(body.period) if body.period else None
    if at is None or (body.period and period is None):
        raise InvalidInput("The time or the period of the run is not one.")
    return services.run_rule(body.rule, ticks.to_datetime(at), ticks.to_timedelta(period) if period else None)


@router.post("/functions")
def functions(
    services: Services, body: Annotated[RulePaths, Body()], caller: Annotated[Principal, Depends(owner)]
) -> dict[str, Any]:
    """Imports functions by the paths of their files."""
    found, problems = read_functions(_absolute(body.paths))
    return imported(services.functions, services.logs, found, problems, caller).to_dict()


@router.post("/watchlists")
def watchlists(
    services: Services, body: Annotated[WatchlistPath, Body()], caller: Annotated[Principal, Depends(owner)]
) -> dict[str, Any]:
    """Imports a watchlist by the path of its file."""
    settings = WatchlistSettings(body.search_key, body.name, body.provider, body.description)
    change = import_file(
        services.watchlists, body.alias, _absolute([body.path])[0], settings, caller, append=body.append
    )
    return change_body(change).model_dump(mode="json", by_alias=True)


@router.post("/rules/replay", dependencies=[Depends(owner)])
def replay(services: Services, body: Annotated[LocalReplay, Body()]) -> dict[str, Any]:
    """Replays a rule; nothing is kept."""
    return services.replay(body.rule, *_time(body.start, body.end))


@router.post("/rules/backtest", dependencies=[Depends(owner)])
def backtest(services: Services, body: Annotated[LocalBacktest, Body()]) -> dict[str, Any]:
    """Backtests rules; nothing is kept."""
    read, problems = read_rules(_absolute(body.paths))
    done = services.backtest(read, body.rule, *_time(body.start, body.end))
    return {**done, "problems": [one.to_dict() for one in problems]}


def _time(start: str, end: str) -> tuple[datetime, datetime]:
    first, last = ticks.parse_datetime(start), ticks.parse_datetime(end)
    if first is None or last is None:
        raise InvalidInput("The start or the end is not a time.")
    return ticks.to_datetime(first), ticks.to_datetime(last)


class BackupPath(Wire):
    """Where a backup is to be made."""

    path: str


@router.post("/backup")
async def backup(
    services: Services,
    body: Annotated[BackupPath, Body()],
    caller: Annotated[Principal, Depends(owner)],
    request: Request,
) -> dict[str, Any]:
    """Makes a backup of the whole data directory in a folder on this machine. If the caller goes, it ends, and is removed."""
    (target,) = _absolute([body.path])
    gone = threading.Event()
    watcher = asyncio.create_task(_notice_when_gone(request, gone))
    made = partial(services.application.backup, target, caller, lambda: gone.is_set() or services.logs.closing())
    work = asyncio.get_running_loop().run_in_executor(None, copy_context().run, made)
    try:
        return (await asyncio.shield(work)).to_dict()
    except (
        asyncio.CancelledError,
        KeyboardInterrupt,
    ):  # a command without a server, at Ctrl-C: what the thread uses is closed next
        gone.set()
        await asyncio.wait([work])
        work.exception()  # that it was stopped is no news
        raise
    finally:
        watcher.cancel()


@router.post("/sign-in")
def sign_in(
    request: Request, services: Services, caller: Annotated[Principal, Depends(owner)], response: Response
) -> dict[str, str]:
    """A new one-time sign-in of the data directory's owner, at the address that the command asked."""
    response.headers["Cache-Control"] = "no-store"
    return {"link": services.application.sign_in_link(str(request.base_url).rstrip("/"))}
