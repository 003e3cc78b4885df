"""OData's query options over collections of Graph: $filter, $orderby, $top, $skip, $select, $expand, $count, pages.

A page's `@odata.nextLink` carries the position of the last row, so rows that come or go meanwhile neither repeat nor hide
others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from vedette.range import paging
from vedette.range.documents import Collection, Document
from vedette.range.graph import search
from vedette.range.graph.errors import bad_request
from vedette.range.graph.operations import GraphRequest, GraphResponse
from vedette.range.odata import ODataError, paths_of, read_filter, read_order, sort_key, value_at

_OPTIONS: Final = frozenset({"filter", "orderby", "top", "skip", "skiptoken", "select", "expand", "count"})
_EXPANDED: Final = re.compile(r"([\w.]+)\s*(?:\((.*)\))?", re.DOTALL)
Expander = Callable[[GraphRequest, Document], Any]


@dataclass(frozen=True, slots=True)
class EntityType:
    """What Graph knows of a type: its properties, and which options its collection takes."""

    name: str
    properties: frozenset[str]
    filterable: frozenset[str] | None = None
    """None: all properties."""
    order: str = "id"
    """`$orderby` where none is given."""
    default_top: int = 100
    max_top: int = 999
    max_skip: int | None = None
    options: frozenset[str] = _OPTIONS
    expand: Mapping[str, Expander] = field(default_factory=dict)
    shown: frozenset[str] | None = None
    """What is told where `$select` asks for nothing; None: everything."""
    searched: frozenset[str] = frozenset()
    """Properties that `$search` looks into; none: the collection takes no `$search`."""
    hidden: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Evolvable enums: property → members that are told only to who asks for them."""


def read_collection(
    request: GraphRequest,
    kind: EntityType,
    source: Collection | Iterable[Document],
    *,
    segment: str,
    keep: Callable[[Document], bool] | None = None,
    id_of: Callable[[Document], str] = lambda document: str(document.get("id")),
) -> GraphResponse:
    """One page of a collection as the request's options ask. `keep` leaves documents out before anything is counted."""
    query = request.query
    for name in query:
        if name == "search" and kind.searched:
            continue
        if name not in kind.options:
            raise bad_request(f"The query parameter '${name}' is not supported for '{segment}'.")
    order = _order(query.get("orderby"), kind)
    rows = _view(request, kind, source, order, keep, id_of)
    if "search" in query:
        found = search.read(query["search"], kind, request.consistency)
        rows = [row for row in rows if found(row)]
    if request.counting:
        if kind.searched and request.consistency != "eventual":
            raise bad_request("$count is not currently supported.", code="Request_UnsupportedQuery")
        return GraphResponse(200, len(rows))
    size = min(_number(query, "top", _preferred(request, kind)), kind.max_top)
    if "top" in query and int(query["top"]) > kind.max_top:
        raise bad_request(f"Invalid value '{query['top']}' for $top: at most {kind.max_top} are given at once.")
    start = _number(query, "skip", 0)
    if kind.max_skip is not None and start > kind.max_skip:
        raise bad_request(f"The value of $skip must not be greater than {kind.max_skip}.")
    if token := query.get("skiptoken"):
        start = _after(rows, _read_token(token), order, id_of)
    page = rows[start : start + size]
    body: dict[str, Any] = {"@odata.context": request.context + segment}
    if query.get("count", "").lower() == "true":
        body["@odata.count"] = len(rows)
    if page and start + size < len(rows):
        body["@odata.nextLink"] = _next_link(request, page[-1], order, start + size, id_of)
    body["value"] = [render(request, kind, row) for row in page]
    return GraphResponse(200, body)


def read_entity(request: GraphRequest, kind: EntityType, document: Document, *, segment: str) -> GraphResponse:
    """One entity, with `$select` and `$expand`."""
    for name in request.query:
        if name not in ("select", "expand"):
            raise bad_request(f"The query parameter '${name}' is not supported for a single entity.")
    body = {"@odata.context": f"{request.context}{segment}/$entity", **render(request, kind, document)}
    return GraphResponse(200, body)


def render(request: GraphRequest, kind: EntityType, document: Document) -> Document:
    """The document as it is told: expanded, projected, without enum members that the client does not know."""
    shown = dict(document)
    for name, inner in _expanded(request.query.get("expand")):
        if name not in kind.expand:
            raise bad_request(
                f"Parsing OData Select and Expand failed: Could not find a property named '{name}' on type '{kind.name}'."
            )
        shown[name] = _chosen(kind.expand[name](request, document), inner)
    if kind.hidden and "include-unknown-enum-members" not in request.prefer:
        for name, members in kind.hidden.items():
            if shown.get(name) in members:
                shown[name] = "unknownFutureValue"
    chosen = _names(request.query.get("select"))
    if not chosen or chosen == ["*"]:
        if kind.shown is None:
            return shown
        return {
            name: value
            for name, value in shown.items()
            if name in kind.shown or name.startswith("@") or name in kind.expand
        }
    known = {name.lower(): name for name in kind.properties}
    wanted = set()
    for name in chosen:
        if name.lower() not in known:
            raise bad_request(
                f"Parsing OData Select and Expand failed: Could not find a property named '{name}' on type '{kind.name}'."
            )
        wanted.add(known[name.lower()])
    return {
        name: value for name, value in shown.items() if name in wanted or name.startswith("@") or name in kind.expand
    }


def check_filter(text: str, kind: EntityType) -> Callable[[Mapping[str, Any]], bool]:
    """The predicate of a `$filter` whose properties the type has and filters by."""
    try:
        fits = read_filter(text)
        for path in paths_of(text):
            first = path.split("/")[0]
            if first.lower() not in {name.lower() for name in kind.properties}:
                raise bad_request(
                    f"Invalid filter clause: Could not find a property named '{first}' on type '{kind.name}'."
                )
            if kind.filterable is not None and not _listed(path, kind.filterable):
                raise bad_request(
                    f"Invalid filter clause: The property '{path}' cannot be used in the $filter query option."
                )
    except ODataError as error:
        raise bad_request(f"Invalid filter clause: {error}") from None
    return fits


def _listed(path: str, names: frozenset[str]) -> bool:
    lowered = {name.lower() for name in names}
    parts = path.lower().split("/")
    return any("/".join(parts[:count]) in lowered for count in range(1, len(parts) + 1))


def _view(
    request: GraphRequest,
    kind: EntityType,
    source: Collection | Iterable[Document],
    order: list[tuple[str, bool]],
    keep: Callable[[Document], bool] | None,
    id_of: Callable[[Document], str],
) -> list[Document]:
    """The rows that fit, in order; kept for the next page while the collection does not change."""
    text = request.query.get("filter")
    fits = check_filter(text, kind) if text else None
    remembered = request.tenant.views
    key = None
    if isinstance(source, Collection) and keep is None:
        key = (source.key, text or "", tuple(order))
        if (known := remembered.get(key)) and known[0] == source.version:
            return known[1]
    rows = [row for row in source if (keep is None or keep(row)) and (fits is None or fits(row))]
    rows.sort(key=id_of)
    for path, descending in reversed(order):
        rows.sort(key=lambda row, path=path: sort_key(value_at(row, path)), reverse=descending)  # type: ignore[misc]
    if key is not None and isinstance(source, Collection):
        if len(remembered) > 16:
            remembered.clear()
        remembered[key] = (source.version, rows)
    return rows


def _order(text: str | None, kind: EntityType) -> list[tuple[str, bool]]:
    try:
        order = read_order(text or kind.order)
    except ODataError as error:
        raise bad_request(str(error)) from None
    known = {name.lower() for name in kind.properties}
    for path, _ in order:
        if path.split("/")[0].lower() not in known:
            raise bad_request(f"Could not find a property named '{path}' on type '{kind.name}'.")
    return order


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise bad_request(
            f"Invalid value '{text}' for ${name} query option found. It has to be a non-negative integer."
        )
    return int(text)


def _preferred(request: GraphRequest, kind: EntityType) -> int:
    """Rows of a page where `$top` does not say: `Prefer: odata.maxpagesize=…`, or the type's."""
    match = re.search(r"odata\.maxpagesize=(\d{1,6})", request.prefer)
    return int(match[1]) if match else kind.default_top


def _names(text: str | None) -> list[str]:
    return [name.strip() for name in (text or "").split(",") if name.strip()]


def _expanded(text: str | None) -> list[tuple[str, list[str]]]:
    """The expanded properties, each with the names that its own `$select` has: `owners($select=id,displayName)`."""
    parts, depth, word = [], 0, ""
    for mark in (text or "") + ",":
        if mark == "," and depth == 0:
            parts.append(word.strip())
            word = ""
            continue
        depth += (mark == "(") - (mark == ")")
        word += mark
    found = []
    for part in filter(None, parts):
        match = _EXPANDED.fullmatch(part)
        if match is None:
            raise bad_request(f"Parsing OData Select and Expand failed: '{part}' was not expected.")
        options = dict(one.strip().partition("=")[::2] for one in (match[2] or "").split(";") if one.strip())
        for name in options:
            if name.lower() != "$select":
                raise bad_request(f"The query option '{name}' is not supported inside of $expand.")
        found.append((match[1], _names(next(iter(options.values()), None))))
    return found


def _chosen(value: Any, names: list[str]) -> Any:
    """What an expanded property's own `$select` leaves of it."""
    if not names or names == ["*"]:
        return value
    wanted = {name.lower() for name in names}

    def leave(one: Any) -> Any:
        if not isinstance(one, dict):
            return one
        return {name: each for name, each in one.items() if name.lower() in wanted or name.startswith("@")}

    return [leave(one) for one in value] if isinstance(value, list) else leave(value)


def _position(row: Document, order: list[tuple[str, bool]], id_of: Callable[[Document], str]) -> list[Any]:
    return [*(list(sort_key(value_at(row, path))) for path, _ in order), id_of(row)]


def _after(
    rows: list[Document], token: list[Any], order: list[tuple[str, bool]], id_of: Callable[[Document], str]
) -> int:
    hint, position = token[0], token[1:]
    if 0 < hint <= len(rows) and _position(rows[hint - 1], order, id_of) == position:
        return int(hint)
    directions = [*(descending for _, descending in order), False]
    if len(position) != len(directions):
        raise bad_request("The $skiptoken does not belong to this query.")
    return paging.index_after((_position(row, order, id_of) for row in rows), position, directions)


def _read_token(token: str) -> list[Any]:
    position = paging.position_of(token)
    if position is None or len(position) < 2 or not isinstance(position[0], int):
        raise bad_request("The $skiptoken is not valid.")
    return position


def _next_link(
    request: GraphRequest, last: Document, order: list[tuple[str, bool]], at: int, id_of: Callable[[Document], str]
) -> str:
    position = [at, *_position(last, order, id_of)]
    token = paging.token_of(position).rstrip("=")
    kept = [
        f"${name}={quote(value, safe='')}" for name, value in request.query.items() if name not in ("skip", "skiptoken")
    ]
    query = "&".join([*kept, f"$skiptoken={token}"])
    return f"{request.origin}/{request.version}{quote(request.path)}?{query}"
