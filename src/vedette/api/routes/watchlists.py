"""Watchlists: what they are, their items, and changes of both."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response

from vedette.api.security import Services, requires
from vedette.api.wire import Page, Wire, wire_model
from vedette.core.errors import InvalidInput
from vedette.core.roles import Permission, Principal
from vedette.store.watchlists.files import MAX_UPLOAD, read_items
from vedette.store.watchlists.lists import Watchlist, WatchlistChange, WatchlistItem, WatchlistSettings
from vedette.store.watchlists.revisions import WatchlistRevision

router = APIRouter(tags=["watchlists"], prefix="/workspaces/{ws}/watchlists")
Reads = Depends(requires(Permission.CONTENT_READ))
Writes = Annotated[Principal, Depends(requires(Permission.CONTENT_WRITE))]


WatchlistBody = wire_model("WatchlistBody", "A watchlist without its items.", Watchlist)
ItemBody = wire_model("ItemBody", "An item of a watchlist.", WatchlistItem)


RevisionBody = wire_model(
    "WatchlistRevisionBody", "A watchlist at a revision; `items` is how many it had.", WatchlistRevision
)


class WatchlistPut(Wire):
    """A watchlist to make or to change; what is not given stays as it was.

    Items come as objects, or as the text of a CSV, TSV or JSON file (`contentBase64` for one that is not UTF-8 text in JSON).
    """

    search_key: str | None = None
    name: str | None = None
    provider: str | None = None
    description: str | None = None
    source: str | None = None
    items: list[dict[str, Any]] | None = None
    file_name: str = "items.csv"
    content: str | None = None
    content_base64: str | None = None
    append: bool = False


class ItemPut(Wire):
    """An item: a value for each column."""

    content: dict[str, Any]


ChangeBody = wire_model(
    "ChangeBody", "What a change did.", WatchlistChange, omit=frozenset({"watchlist"}), watchlist=WatchlistBody
)


def watchlist_body(one: Watchlist) -> Wire:
    """A watchlist as the API shows it."""
    return WatchlistBody.model_validate(one)


def change_body(change: WatchlistChange) -> Wire:
    """A change as the API shows it."""
    return ChangeBody.model_validate(change)


def item_body(item: WatchlistItem) -> Wire:
    """An item as the API shows it."""
    return ItemBody.model_validate(item)


@router.get("", dependencies=[Reads], response_model=Page[WatchlistBody])  # type: ignore[valid-type]
def list_(services: Services) -> Page[Wire]:
    """Every watchlist, by alias."""
    found = [watchlist_body(one) for one in services.watchlists.list()]
    return Page(value=found, count=len(found))


@router.get("/{alias}", dependencies=[Reads], response_model=WatchlistBody)
def get(services: Services, alias: str) -> Wire:
    """A watchlist."""
    return watchlist_body(services.watchlists.get(alias))


@router.put("/{alias}", response_model=ChangeBody)
def put(services: Services, alias: str, body: WatchlistPut, caller: Writes, response: Response) -> Wire:
    """Makes a watchlist or changes one; given items take the place of those that are there, or with `append` join them."""
    given = [one is not None for one in (body.items, body.content, body.content_base64)]
    if sum(given) > 1:
        raise InvalidInput("Give items, content or contentBase64, and not several of them.")
    items = body.items
    if body.content is not None:
        items = list(read_items(_within(body.content.encode("utf-8", "replace")), body.file_name))
    if body.content_base64 is not None:
        try:
            content = base64.b64decode(body.content_base64, validate=True)
        except binascii.Error:
            raise InvalidInput("contentBase64 is not base64.", target="contentBase64") from None
        items = list(read_items(_within(content), body.file_name))
    settings = WatchlistSettings(body.search_key, body.name, body.provider, body.description, body.source)
    change = services.watchlists.put(alias, settings, items, caller, append=body.append)
    response.status_code = 201 if change.created else 200
    return change_body(change)


def _within(content: bytes) -> bytes:
    if len(content) > MAX_UPLOAD:
        raise InvalidInput(f"The file has {len(content):,} bytes, and {MAX_UPLOAD:,} are allowed in a request.")
    return content


@router.delete("/{alias}", status_code=204)
def delete(services: Services, alias: str, caller: Writes) -> None:
    """Removes a watchlist with its items."""
    services.watchlists.delete(alias, caller)


@router.get("/{alias}/items", dependencies=[Reads], response_model=Page[ItemBody])  # type: ignore[valid-type]
def items(
    services: Services, alias: str, top: Annotated[int, Query(ge=1, le=10_000)] = 1000,
    skip: Annotated[int, Query(ge=0)] = 0,
) -> Page[Wire]:  # fmt: skip
    """Some items of a watchlist; `count` is how many there are in all."""
    found = [item_body(one) for one in services.watchlists.items(alias, top, skip)]
    return Page(value=found, count=services.watchlists.get(alias).items)


@router.post("/{alias}/items", status_code=201, response_model=ItemBody)
def add_item(services: Services, alias: str, body: ItemPut, caller: Writes) -> Wire:
    """Adds an item."""
    return item_body(services.watchlists.put_item(alias, body.content, caller))


@router.put("/{alias}/items/{item_id}", response_model=ItemBody)
def put_item(services: Services, alias: str, item_id: str, body: ItemPut, caller: Writes) -> Wire:
    """Changes an item."""
    return item_body(services.watchlists.put_item(alias, body.content, caller, item_id))


@router.delete("/{alias}/items/{item_id}", status_code=204)
def delete_item(services: Services, alias: str, item_id: str, caller: Writes) -> None:
    """Removes an item."""
    services.watchlists.delete_item(alias, item_id, caller)


@router.get("/{alias}/revisions", dependencies=[Reads], response_model=Page[RevisionBody])  # type: ignore[valid-type]
def revisions(services: Services, alias: str) -> Page[Wire]:
    """What a watchlist was, newest first."""
    found = [RevisionBody.model_validate(one) for one in services.watchlists.revisions(alias)]
    return Page(value=found, count=len(found))


@router.get("/{alias}/revisions/{revision}", dependencies=[Reads], response_model=RevisionBody)
def revision(services: Services, alias: str, revision: int) -> Wire:
    """A watchlist at a revision."""
    return RevisionBody.model_validate(services.watchlists.revision(alias, revision, 0)[0])


@router.get("/{alias}/revisions/{revision}/items", dependencies=[Reads], response_model=Page[ItemBody])  # type: ignore[valid-type]
def revision_items(
    services: Services, alias: str, revision: int, top: Annotated[int, Query(ge=1, le=10_000)] = 1000,
    skip: Annotated[int, Query(ge=0)] = 0,
) -> Page[Wire]:  # fmt: skip
    """Some items that a watchlist had at a revision; `count` is how many there were in all."""
    was, found = services.watchlists.revision(alias, revision, top, skip)
    return Page(value=[ItemBody.model_validate(one) for one in found], count=was.items)


@router.post("/{alias}/revisions/{revision}/restore", response_model=ChangeBody)
def restore(services: Services, alias: str, revision: int, caller: Writes) -> Wire:
    """Makes a watchlist what it was at a revision; that is its next revision."""
    return change_body(services.watchlists.restore(alias, revision, caller))
