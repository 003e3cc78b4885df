"""Microsoft.SecurityInsights/watchlists and their items."""

from __future__ import annotations

import csv
import io
from typing import Any, Final

from vedette.range.arm import insights
from vedette.range.arm.errors import bad_request
from vedette.range.arm.operations import ArmRequest, ArmResponse, operation
from vedette.range.arm.paging import page
from vedette.range.arm.versions import SECURITY_INSIGHTS
from vedette.range.documents import Collection, Document
from vedette.range.state import timestamp

TYPE: Final = "Microsoft.SecurityInsights/watchlists"
ITEMS: Final = "Microsoft.SecurityInsights/watchlists/watchlistItems"
FAMILY: Final = "watchlists"
MAX_CONTENT: Final = int(3.8 * 1024 * 1024)
"""Bytes of `rawContent` that one request may have (service limits)."""
_DELIMITERS: Final = {"text/csv": ",", "text/tsv": "\t"}


@operation("GET", TYPE, collection=True, action="read", versions=SECURITY_INSIGHTS)
def list_watchlists(request: ArmRequest) -> ArmResponse:
    """A page of watchlists."""
    return insights.listing(request, FAMILY)


@operation("GET", TYPE, collection=False, action="read", versions=SECURITY_INSIGHTS)
def get_watchlist(request: ArmRequest) -> ArmResponse:
    """One watchlist, without its items."""
    return ArmResponse(200, insights.one(request, FAMILY, "Watchlist"))


@operation("PUT", TYPE, collection=False, action="write", versions=SECURITY_INSIGHTS)
def put_watchlist(request: ArmRequest) -> ArmResponse:
    """Create or replace; `rawContent` brings the items. What was uploaded is not told again."""
    properties = dict(request.properties())
    insights.required(properties, "watchlist", "displayName", "provider", "itemsSearchKey")
    alias = request.names[0]
    raw = properties.pop("rawContent", None)
    kind = properties.get("contentType")
    rows = _rows(raw, str(kind).lower(), properties) if raw is not None else []
    existing = request.insights(FAMILY).get(alias)
    before = existing["properties"] if existing else {}
    now = timestamp(request.tenant.clock.now())
    person = {**request.person}
    properties = {
        "source": "Local file",
        "sourceType": "Local",
        "labels": [],
        **properties,
        "watchlistAlias": alias,
        "watchlistId": before.get("watchlistId") or request.tenant.ids(),
        "watchlistType": "watchlist",
        "isDeleted": False,
        "tenantId": request.directory.id,
        "created": before.get("created", now),
        "createdBy": before.get("createdBy", person),
        "updated": now,
        "updatedBy": person,
        "uploadStatus": "Complete",
        "provisioningState": "Succeeded",
    }
    answer = insights.write(
        request,
        request.insights(FAMILY),
        f"watchlists/{alias}",
        properties,
        type_name="Microsoft.SecurityInsights/Watchlists",
    )
    if raw is not None:
        collection = request.insights(_items_of(alias))
        for name, _ in collection.items():
            collection.delete(name)
        for row in rows:
            name = request.tenant.ids()
            collection.put(name, _item(request, alias, name, row, {}, None))
    return answer


@operation("DELETE", TYPE, collection=False, action="delete", versions=SECURITY_INSIGHTS)
def delete_watchlist(request: ArmRequest) -> ArmResponse:
    """Delete, with its items."""
    answer = insights.remove(request, request.insights(FAMILY))
    collection = request.insights(_items_of(request.names[0]))
    for name, _ in collection.items():
        collection.delete(name)
    return answer


@operation("GET", ITEMS, collection=True, action="read", versions=SECURITY_INSIGHTS)
def list_items(request: ArmRequest) -> ArmResponse:
    """A page of items."""
    return page(request, list(_items(request)))


@operation("GET", ITEMS, collection=False, action="read", versions=SECURITY_INSIGHTS)
def get_item(request: ArmRequest) -> ArmResponse:
    """One item."""
    _items(request)
    return ArmResponse(200, insights.one(request, _items_of(request.names[0]), "Watchlist item"))


@operation("PUT", ITEMS, collection=False, action="write", versions=SECURITY_INSIGHTS)
def put_item(request: ArmRequest) -> ArmResponse:
    """Create or replace."""
    collection, given = _items(request), request.properties()
    row = given.get("itemsKeyValue")
    if not isinstance(row, dict) or not row:
        raise bad_request("Invalid watchlist item payload: 'itemsKeyValue' is required.")
    alias, name = request.names
    item = _item(request, alias, name, row, given.get("entityMapping") or {}, collection.get(name))
    return insights.write(
        request, collection, f"watchlists/{alias}/watchlistItems/{name}", item["properties"], type_name=item["type"]
    )


@operation("DELETE", ITEMS, collection=False, action="delete", versions=SECURITY_INSIGHTS)
def delete_item(request: ArmRequest) -> ArmResponse:
    """Delete."""
    return insights.remove(request, _items(request))


def _items_of(alias: str) -> str:
    return f"watchlistItems/{alias.lower()}"


def _items(request: ArmRequest) -> Collection:
    insights.one(request, FAMILY, "Watchlist", request.names[0])
    return request.insights(_items_of(request.names[0]))


def _item(
    request: ArmRequest, alias: str, name: str, row: dict[str, Any], mapping: dict[str, Any], before: Document | None
) -> Document:
    now = timestamp(request.tenant.clock.now())
    known = before["properties"] if before else {}
    return {
        "id": f"{request.base}/watchlists/{alias}/watchlistItems/{name}",
        "name": name,
        "type": "Microsoft.SecurityInsights/Watchlists/WatchlistItems",
        "etag": request.tenant.next_etag(),
        "properties": {
            "watchlistItemType": "watchlist-item",
            "watchlistItemId": name,
            "tenantId": request.directory.id,
            "isDeleted": False,
            "created": known.get("created", now),
            "updated": now,
            "createdBy": known.get("createdBy", request.person),
            "updatedBy": request.person,
            "itemsKeyValue": row,
            "entityMapping": mapping,
        },
    }


def _rows(raw: Any, kind: str, properties: dict[str, Any]) -> list[dict[str, str]]:
    if kind not in _DELIMITERS:
        raise bad_request(f"Invalid watchlist payload: 'contentType' is text/csv or text/tsv, not '{kind}'.")
    if not isinstance(raw, str) or len(raw.encode()) > MAX_CONTENT:
        raise bad_request(f"Invalid watchlist payload: 'rawContent' is text of at most {MAX_CONTENT} bytes.")
    skipped = properties.get("numberOfLinesToSkip") or 0
    if type(skipped) is not int or skipped < 0:
        raise bad_request("Invalid watchlist payload: 'numberOfLinesToSkip' is a number.")
    # Lines are skipped before anything is read as CSV; a quoted field may have line breaks of its own.
    text = "".join(io.StringIO(raw, newline="").readlines()[skipped:])
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=_DELIMITERS[kind])
    if properties["itemsSearchKey"] not in (reader.fieldnames or []):
        raise bad_request(
            f"Invalid watchlist payload: the column '{properties['itemsSearchKey']}' of 'itemsSearchKey' is not in the content."
        )
    try:
        return [{name: value or "" for name, value in row.items() if name is not None} for row in reader]
    except csv.Error as error:
        raise bad_request(f"Invalid watchlist payload: 'rawContent' cannot be read: {error}.") from None
