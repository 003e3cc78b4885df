"""The paging of codeless definitions: what a request says of its page, and where the next one is.

Source: "Paging configuration" in Microsoft's reference of the RestApiPoller data connector.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from vedette.collect.connectors.codeless.json_path import json_path, select
from vedette.core.errors import InvalidInput

TYPES: Final = (
    "LinkHeader", "PersistentLinkHeader", "NextPageUrl", "NextPageToken", "PersistentToken", "Offset", "CountBasedPaging",
)  # fmt: skip
PLACES: Final = ("QueryString", "RequestBody")
_SIZE: Final = {"pagesize", "pagesizeparametername", "pagesizeparaname", "paginginfoplacement", "pagingqueryparamonly"}
_LINKS: Final = {"linkheadertokenjsonpath"}
_TOKENS: Final = {
    "nextpagetokenjsonpath", "nextpagetokenresponseheader", "nextpageparaname", "nextpagerequestheader", "hasnextflagjsonpath",
}  # fmt: skip
_COUNT: Final = {
    "pagenumberparaname", "zerobasedindexing", "hasnextflagjsonpath", "totalresultsjsonpath", "pagenumberjsonpath",
    "pagecountjsonpath",
}  # fmt: skip
SETTINGS: Final[Mapping[str, frozenset[str]]] = {
    "LinkHeader": frozenset(_SIZE | _LINKS), "PersistentLinkHeader": frozenset(_SIZE | _LINKS),
    "NextPageUrl": frozenset(
        _SIZE | {"nextpageurl", "nextpageurljsonpath", "nextpagetokenjsonpath", "hasnextflagjsonpath", "nextpageparaname"}),
    "NextPageToken": frozenset(_SIZE | _TOKENS), "PersistentToken": frozenset(_SIZE | _TOKENS),
    "Offset": frozenset(_SIZE | {"offsetparaname"}), "CountBasedPaging": frozenset(_SIZE | _COUNT),
}  # fmt: skip
"""The settings that each type takes, in small letters."""
_TRUE: Final = ("true", "1", "yes")


def check(paging: Mapping[str, Any], kind: str, method: str) -> None:
    """`InvalidInput` where a setting that the type needs is missing, or is none of those that are known."""
    tokens = ("nextpagetokenjsonpath", "nextpagetokenresponseheader")
    needed: dict[str, tuple[str, ...]] = {
        "Offset": ("offsetparaname",), "CountBasedPaging": ("pagenumberparaname",), "NextPageToken": tokens, "PersistentToken": tokens,
        "NextPageUrl": ("nextpageurl", "nextpageurljsonpath", "nextpagetokenjsonpath"),
    }  # fmt: skip
    if kind in needed and not any(paging.get(name) for name in needed[kind]):
        name = needed[kind][0]
        raise InvalidInput(f"paging.{name} is missing, which {kind} needs.", target=f"paging.{name}")
    if paging.get("totalresultsjsonpath") and not (
        paging.get("pagenumberjsonpath") and paging.get("pagecountjsonpath")
    ):
        raise InvalidInput(
            "paging.pageNumberJsonPath and paging.pageCountJsonPath are needed beside totalResultsJsonPath.",
            target="paging.pageNumberJsonPath",
        )
    place = str(paging.get("paginginfoplacement") or PLACES[0])
    if place not in PLACES or (place == PLACES[1] and method != "POST"):
        raise InvalidInput(
            f"paging.pagingInfoPlacement '{place[:60]}' is not supported; supported: QueryString, and RequestBody of a POST.",
            target="paging.pagingInfoPlacement",
        )


class Paging:
    """How a source is paged."""

    def __init__(self, kind: str | None, settings: Mapping[str, Any]) -> None:
        self.kind, self._settings = kind, settings
        self._first = 0 if _is_true(settings.get("zerobasedindexing")) else 1

    @property
    def persistent(self) -> bool:
        """Whether the place of a window's last page is where the next window begins."""
        return self.kind in ("PersistentToken", "PersistentLinkHeader")

    @property
    def in_body(self) -> bool:
        """Whether what a request says of its page is part of its body."""
        return self._settings.get("paginginfoplacement") == PLACES[1]

    def only(self, place: Mapping[str, Any]) -> bool:
        """Whether a request for this place has no parameters but those of its page."""
        return bool(place) and _is_true(self._settings.get("pagingqueryparamonly"))

    def parameters(self, place: Mapping[str, Any]) -> dict[str, str]:
        """What a request says of its page."""
        one, said = self._settings, {}
        if size := one.get("pagesize"):
            said[str(one.get("pagesizeparametername") or one.get("pagesizeparaname") or "pageSize")] = str(size)
        if "token" in place and not one.get("nextpagerequestheader"):
            said[str(one.get("nextpageparaname") or "nextPageToken")] = str(place["token"])
        if "offset" in place:
            said[str(one["offsetparaname"])] = str(place["offset"])
        if self.kind == "CountBasedPaging":
            said[str(one["pagenumberparaname"])] = str(place.get("page", self._first))
        return said

    def headers(self, place: Mapping[str, Any]) -> dict[str, str]:
        """Headers that say the page."""
        name = self._settings.get("nextpagerequestheader")
        return {str(name): str(place["token"])} if name and "token" in place else {}

    def following(
        self, document: Any, headers: Mapping[str, str], link: str | None, place: Mapping[str, Any], count: int
    ) -> dict[str, Any] | None:
        """Where the next page is; None where this was the last. `count` events were on it, `link` is its Link header's next."""
        one = self._settings
        flag = one.get("hasnextflagjsonpath")
        more = _is_true(_at(document, flag)) if flag else None
        if more is False:
            return None
        if self.kind in ("NextPageToken", "PersistentToken"):
            token = self.token(document, headers)
            return {"token": token} if token and token != place.get("token") and (count or more) else None
        if self.kind == "Offset":
            size = int(one.get("pagesize") or 0)
            return {"offset": int(place.get("offset") or 0) + count} if count and count >= size else None
        if self.kind == "CountBasedPaging":
            page = int(place.get("page", self._first))
            return {"page": page + 1} if self._goes_on(document, more, count) else None
        found = self.link(document, link)
        if not found or (self.kind == "PersistentLinkHeader" and not count):
            return None
        return {"url": found}

    def _goes_on(self, document: Any, more: bool | None, count: int) -> bool:
        one = self._settings
        if more is not None:
            return more
        if one.get("totalresultsjsonpath"):
            number, pages = (
                _number(_at(document, one["pagenumberjsonpath"])),
                _number(_at(document, one["pagecountjsonpath"])),
            )
            return number is not None and pages is not None and number - self._first + 1 < pages
        return bool(count) and count >= int(one.get("pagesize") or 0)

    def kept(
        self, document: Any, headers: Mapping[str, str], link: str | None, place: Mapping[str, Any]
    ) -> dict[str, str]:
        """What the next window begins with, of types that are persistent."""
        if self.kind == "PersistentToken":
            token = self.token(document, headers) or place.get("token")
            return {"token": str(token)} if token else {}
        if self.kind == "PersistentLinkHeader":
            url = self.link(document, link) or place.get("url")
            return {"url": str(url)} if url else {}
        return {}

    def token(self, document: Any, headers: Mapping[str, str]) -> str | None:
        """The token of the next page, out of the answer's body or its headers."""
        path, name = self._settings.get("nextpagetokenjsonpath"), self._settings.get("nextpagetokenresponseheader")
        token = _at(document, path) if path else headers.get(str(name))
        return None if token is None or token == "" else str(token)

    def link(self, document: Any, link: str | None) -> str | None:
        """The address of the next page as the answer has it; it may be a relative one."""
        one = self._settings
        if self.kind == "NextPageUrl":
            path = one.get("nextpageurl") or one.get("nextpageurljsonpath") or one.get("nextpagetokenjsonpath")
            link = _at(document, path)
        elif self.kind in ("LinkHeader", "PersistentLinkHeader"):
            link = _at(document, one["linkheadertokenjsonpath"]) if one.get("linkheadertokenjsonpath") else link
        else:
            link = None
        return str(link) if link else None


def _at(document: Any, path: Any) -> Any:
    return select(document, json_path(str(path)))


def _is_true(value: Any) -> bool:
    return str(value).casefold() in _TRUE


def _number(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None
