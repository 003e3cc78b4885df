"""Collections inside of collections, read as one: what lies below each object of a list, and below those.

Nothing lists Azure's compliance assessments of a subscription: a standard lists its controls, and a control its assessments. A page of
this is what some requests found of the innermost collections; the link to the next page is the list of addresses still to be asked.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote

from vedette.clients.azure_errors import AzureFailure, FailureKind
from vedette.clients.graph import GraphPage

REQUESTS: Final = 20
"""Requests of one page at most: a place is remembered after so many."""
OBJECTS: Final = 500
"""Objects after which a page ends."""


class Nested:
    """The objects of the innermost collections below `path`; `below` are the names of the collections, from the outside in.

    Every method raises `AzureFailure`.
    """

    def __init__(
        self, first_page: Callable[[str, Mapping[str, str]], GraphPage], next_page: Callable[[str], GraphPage],
        path: str, query: Mapping[str, str], below: tuple[str, ...],
    ) -> None:  # fmt: skip
        self._first_page, self._next_page = first_page, next_page
        self._path, self._query, self._below = path, query, below

    def first(self) -> GraphPage:
        """The first page."""
        return self._page([(0, self._path, None)])

    def following(self, link: str) -> GraphPage:
        """The page behind one whose `next_link` this was."""
        return self._page([(int(level), str(path), further) for level, path, further in json.loads(link)])

    def _page(self, ahead: list[tuple[int, str, str | None]]) -> GraphPage:
        """Asks the last of the addresses that are ahead first: a collection is read to its end before the next one is."""
        found: list[dict[str, Any]] = []
        warnings: list[str] = []
        for _ in range(REQUESTS):
            if not ahead or len(found) >= OBJECTS:
                break
            level, path, link = ahead.pop()
            try:
                page = self._first_page(path, self._query) if link is None else self._next_page(link)
            except AzureFailure as failure:
                if level and link is None and failure.remote_status == 404:
                    continue  # what it is below of was deleted since it was listed
                raise
            if page.warning:
                warnings.append(page.warning)
            if page.next_link is not None:
                if page.next_link == link:
                    raise AzureFailure(FailureKind.UNAVAILABLE, "the link to the next page leads to the same page")
                ahead.append((level, path, page.next_link))
            if level == len(self._below):
                found += page.value
            else:
                inside = [f"{path}/{quote(str(one.get('name')), safe='')}/{self._below[level]}" for one in page.value]
                ahead += ((level + 1, one, None) for one in reversed(inside))
        return GraphPage(found, json.dumps(ahead) if ahead else None, "; ".join(warnings) or None)
