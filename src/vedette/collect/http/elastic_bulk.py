"""Elasticsearch's bulk API, as far as shippers need it (elastic.co/docs, "Bulk index or delete documents")."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from typing import TYPE_CHECKING, Final

from vedette.collect.http.bodies import Row
from vedette.collect.http.door import (
    Answer,
    Arrived,
    DoorRequest,
    Routes,
    for_senders,
    json_answer,
    rows_for,
    source,
)  # fmt: skip
from vedette.core.errors import InvalidInput, NotFound, TooManyRequests, Unavailable, VedetteError
from vedette.core.ids import new_id
from vedette.store import catalog
from vedette.store.batch import BadRecord
from vedette.store.reading.forms import TABLE_NAME
from vedette.store.reading.jsonlines import parse_object
from vedette.store.rowlines import TableLines

if TYPE_CHECKING:
    from vedette.collect.http.gate import Gate, Grant

VERSION: Final = "8.17.0"
_PRODUCT: Final = {"X-Elastic-Product": "Elasticsearch"}
_DATED: Final = re.compile(r"[-_.]\d{4}[.-]\d\d([.-]\d\d)?(-\d{6})?$", re.ASCII)
_ACTIONS: Final = ("index", "create", "update", "delete")
_TYPES: Final = {
    400: "illegal_argument_exception", 401: "security_exception", 403: "security_exception", 404: "resource_not_found_exception",
    413: "content_too_long_exception", 429: "es_rejected_execution_exception", 503: "unavailable_shards_exception",
}  # fmt: skip


_ITEM_TYPES: Final = {400: "mapper_parsing_exception", 409: "version_conflict_engine_exception"}
"""What a single document is told."""
_HEALTH: Final = {
    "status": "green", "timed_out": False, "number_of_nodes": 1, "number_of_data_nodes": 1, "active_primary_shards": 1,
    "active_shards": 1, "relocating_shards": 0, "initializing_shards": 0, "unassigned_shards": 0,
    "active_shards_percent_as_number": 100.0,
}  # fmt: skip
_SETUP: Final = re.compile(r"/_(?:(?:index_|component_)?template|ilm/policy|ingest/pipeline|data_stream)/[^/]+")
"""What shippers put before they send: how Elasticsearch is to lay out an index. Tables know that themselves."""


@dataclass(slots=True)
class _Item:
    action: str
    index: str
    id: str
    status: int = 201
    error: str = ""
    record: str = ""
    """What tells the document from all others, where it has an id."""


class ElasticBulk:
    """Documents of an index go into the table of that name; other indexes have `<name without date>_CL`.

    The same addresses are there under `/elasticsearch`, for shippers that ask `GET /` where browsers find the console.
    """

    name = "elastic-bulk"
    limit = limit_unpacked = 30 * 1024 * 1024
    routes: Routes = tuple(
        (methods, prefix + path)
        for prefix in ("/elasticsearch", "")
        for methods, path in (
            (("POST", "PUT"), "/_bulk"),
            (("POST", "PUT"), "/{index}/_bulk"),
            (("POST", "PUT"), "/{index}/{type}/_bulk"),
            (("GET",), "/_license"),
            (("GET",), "/_cluster/health"),
            (("GET", "HEAD"), "/"),
        )
    ) + tuple(
        (("GET", "HEAD", "PUT", "POST", "DELETE"), path) for path in ("/_{rest:path}", "/elasticsearch/{rest:path}")
    )

    def admit(self, request: DoorRequest, gate: Gate) -> Grant | Answer:
        """By an API token: as bearer, as the key of ApiKey (base64 of `id:token`), or as the password of Basic."""
        token = request.bearer("bearer") or request.basic_password("apikey", "basic")
        grant = gate.by_token(token, request.query.get("workspace"))
        if request.path.endswith("/_license"):
            licence = {"status": "active", "uid": grant.workspace.id, "type": "basic", "mode": "basic"}
            return json_answer(200, {"license": licence}, _PRODUCT)
        if request.path.endswith("/_cluster/health"):
            return json_answer(200, {"cluster_name": grant.workspace.name} | _HEALTH, _PRODUCT)
        if "rest" in request.parts:
            return _elsewhere(request)
        if not request.path.endswith("/_bulk"):
            about = {
                "name": "vedette", "cluster_name": grant.workspace.name, "cluster_uuid": grant.workspace.id,
                "version": {"number": VERSION, "build_flavor": "default", "lucene_version": "9.12.0",
                            "minimum_wire_compatibility_version": "7.17.0", "minimum_index_compatibility_version": "7.0.0"},
                "tagline": "You Know, for Search",
            }  # fmt: skip
            return json_answer(200, about, _PRODUCT)
        return grant

    def facts(self, request: DoorRequest, grant: Grant) -> list[str]:
        """The tables that have had rows."""
        return grant.logs.stored_tables()

    def read(self, request: DoorRequest, body: bytes, facts: list[str]) -> Arrived:
        """The documents of `index` and `create`, and all items; of each table the numbers of its items."""
        items: list[_Item] = []
        by_table: dict[str, tuple[list[Row], list[_Item]]] = {}
        bad: dict[str, list[BadRecord]] = {}
        tables: dict[str, str | None] = {}
        lines = [line for line in body.split(b"\n") if line.strip()]
        if not lines:
            raise InvalidInput("The bulk request has no actions.")
        position = 0
        while position < len(lines):
            item = _action(lines[position], position, request.parts.get("index", ""))
            items.append(item)
            position += 1
            if item.action == "delete":
                item.status, item.error = 400, "what was stored is not deleted through this door"
                continue
            if position >= len(lines):
                raise InvalidInput(f"The action on line {position} has no document.")
            document = lines[position]
            position += 1
            if item.action == "update":
                item.status, item.error = 400, "what was stored is not changed; use index or create"
                continue
            row = parse_object(document)
            if item.index not in tables:
                tables[item.index] = table_of(item.index, facts)
            table = tables[item.index]
            if table is None:
                item.status, item.error = 400, f"'{item.index[:100]}' is not a name of an index that is taken"
            elif isinstance(row, str):
                item.status, item.error = 400, f"failed to parse: {row}"
                text = document.decode(errors="backslashreplace")
                bad.setdefault(table, []).append(BadRecord(position, 0, row, text))
            else:
                rows, taken = by_table.setdefault(table, ([], []))
                if "@timestamp" in row and "TimeGenerated" not in row:
                    row["TimeGenerated"] = row["@timestamp"]
                item.record = f"{item.index}/{item.id}" if item.id else ""
                rows.append(row)
                taken.append(item)
        ready: list[TableLines] = []
        places: list[list[int]] = []
        number = {id(item): place for place, item in enumerate(items)}
        for table, (rows, taken) in by_table.items():
            ids = [item.record for item in taken]
            try:
                ready.append(rows_for(table, rows, ids if any(ids) else None))
                places.append([number[id(item)] for item in taken])
            except VedetteError as error:
                if len(by_table) == 1:
                    raise
                _all_fail(taken, error)
        told = {"items": list(map(astuple, items)), "places": places, "alone": len(by_table) == 1}
        return Arrived(ready, list(bad.items()), told)

    def take(self, request: DoorRequest, grant: Grant, arrived: Arrived) -> Answer:
        """Take the documents; each item has its own result."""
        items = [_Item(*one) for one in arrived.told["items"]]
        came = source(self, request, grant)
        given = [
            (rows, [items[place] for place in places])
            for rows, places in zip(arrived.rows, arrived.told["places"], strict=True)
        ]
        try:
            _accept(grant, arrived, given, came)
        except (TooManyRequests, Unavailable) as error:
            # what is no document is not kept either, and must come again
            if arrived.told["alone"] or arrived.bad:
                raise
            for _, taken in given:  # and not those that are never taken: each item tells its own result
                _all_fail([item for item in taken if item.status != 413], error)
        failed = any(item.status >= 400 for item in items)
        return json_answer(200, {"took": 0, "errors": failed, "items": [_told(item) for item in items]}, _PRODUCT)

    def failed(self, request: DoorRequest, error: VedetteError) -> Answer:
        """`error` with its type and reason."""
        kind = _TYPES.get(error.status, "exception")
        cause = {"type": kind, "reason": error.message}
        headers = dict(_PRODUCT)
        if error.status == 401:
            headers["WWW-Authenticate"] = 'Basic realm="vedette", charset="UTF-8"'
        return json_answer(error.status, {"error": {"root_cause": [cause]} | cause, "status": error.status}, headers)


def _all_fail(items: Sequence[_Item], error: VedetteError) -> None:
    for item in items:
        item.status, item.error = error.status, for_senders(error).message


def _accept(grant: Grant, arrived: Arrived, given: Sequence[tuple[TableLines, Sequence[_Item]]], came: str) -> None:
    """Has documents stored, all at once and each id once: `create` of one that is there is a conflict, and `index` of it changes
    nothing."""
    claimed: list[tuple[str, list[str]]] = []
    chosen: list[TableLines] = []
    try:
        for rows, items in given:
            try:
                grant.intake.check(rows)
            except VedetteError as error:
                if arrived.told["alone"]:
                    raise
                _all_fail(items, error)
                continue
            chosen.append(_chosen(grant, rows, items, claimed))
        grant.accept(replace(arrived, rows=chosen), came)
    except BaseException:
        for table, ids in claimed:
            grant.intake.unclaim(table, ids)
        raise
    for _, items in given:
        for item in items:
            if item.status == 409:
                item.error = f"[{item.id}]: version conflict, document already exists (current version [1])"


def _chosen(grant: Grant, rows: TableLines, items: Sequence[_Item], claimed: list[tuple[str, list[str]]]) -> TableLines:
    """The documents that are stored, or counted as repeated on their way; new ids are claimed, and noted as such."""
    ids = rows.record_ids
    if ids is None:
        return rows
    new = grant.intake.claim(rows.table, ids)
    claimed.append((rows.table, [one for one, fresh in zip(ids, new) if fresh]))
    kept = []
    for position, (item, fresh) in enumerate(zip(items, new)):
        if fresh or item.action == "index":
            kept.append(position)
        if not fresh:
            item.status = 200 if item.action == "index" else 409
    if len(kept) == len(ids):
        return rows
    return replace(rows, lines=rows.lines.chosen(kept), record_ids=[ids[position] for position in kept])


def _elsewhere(request: DoorRequest) -> Answer:
    """What else shippers ask of Elasticsearch. What they set up has no effect here; what they look for is not there."""
    path = request.path.removeprefix("/elasticsearch")
    if request.method == "PUT" and _SETUP.fullmatch(path):
        return json_answer(200, {"acknowledged": True}, _PRODUCT)
    raise NotFound(f"no handler found for uri [{path[:200]}] and method [{request.method}]")


def table_of(index: str, stored: Sequence[str]) -> str | None:
    """The table of an index: one that is there, whatever its case; else its name without a date, and `_CL`."""
    if TABLE_NAME.fullmatch(index) and catalog.may_be_table(index):
        return index
    folded = index.lower()
    known = catalog.spelled(index)
    for name in stored if known is None else [known]:
        if name.lower() == folded:
            return name
    base = re.sub(r"\W+", "_", _DATED.sub("", index), flags=re.ASCII).strip("_").removesuffix("_cl")
    name = f"{base}_CL"
    return name if base and TABLE_NAME.fullmatch(name) else None


def _action(line: bytes, position: int, index: str) -> _Item:
    action = parse_object(line)
    if isinstance(action, str) or len(action) != 1 or next(iter(action)) not in _ACTIONS:
        raise InvalidInput(
            f"Malformed action/metadata line [{position + 1}], expected one of {', '.join(_ACTIONS)}.",
            line=position + 1,
        )
    ((kind, about),) = action.items()
    if not isinstance(about, dict):
        raise InvalidInput(f"Malformed action/metadata line [{position + 1}].", line=position + 1)
    given = about.get("_index") or index
    if not isinstance(given, str) or not given:
        raise InvalidInput(f"The action on line {position + 1} names no index.", line=position + 1)
    return _Item(kind, given, "" if about.get("_id") is None else str(about["_id"]))


def _told(item: _Item) -> dict[str, object]:
    about: dict[str, object] = {"_index": item.index, "_id": item.id or new_id(), "status": item.status}
    if item.error:
        kind = _ITEM_TYPES.get(item.status) or _TYPES.get(item.status, "exception")
        about["error"] = {"type": kind, "reason": item.error}
    else:
        result = "created" if item.status == 201 else "noop"
        about |= {"_version": 1, "result": result, "_shards": {"total": 1, "successful": 1, "failed": 0}}
    return {item.action: about}
