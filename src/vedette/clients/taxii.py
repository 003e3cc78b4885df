"""A client of TAXII 2.1 and 2.0: what a server offers, and the objects of a collection page by page
(docs.oasis-open.org/cti/taxii/v2.1/taxii-v2.1.html).

Credentials go to the host that was entered and to no other.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin, urlsplit

from vedette.clients.azure_errors import seconds_to_wait
from vedette.clients.outbound_http import reached, whole
from vedette.core.clock import Clock
from vedette.core.deferred import deferred
from vedette.core.errors import Forbidden, VedetteError
from vedette.core.outbound import Outbound
from vedette.core.redaction import Secret

if TYPE_CHECKING:
    import httpx
else:
    httpx = deferred("httpx")

LONGEST: Final = 64 * 1024 * 1024
"""Bytes of an answer."""
PAGE: Final = 1_000
"""Objects that are asked for at once; a server may give fewer."""
V21, V20 = "2.1", "2.0"
_TAXII: Final = {V21: "application/taxii+json;version=2.1", V20: "application/vnd.oasis.taxii+json; version=2.0"}
_STIX: Final = {V21: _TAXII[V21], V20: "application/vnd.oasis.stix+json; version=2.0"}


class TaxiiFailure(VedetteError):
    """A request that a server did not answer as asked. `answered` is its status, None where it did not answer."""

    def __init__(
        self, message: str, answered: int | None = None, *, hint: str | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message, code="VDT7300", hint=hint, status=502)
        self.answered = answered
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class TaxiiCollection:
    """A collection, and the address of its API root."""

    root: str
    id: str
    title: str
    alias: str
    can_read: bool

    @property
    def url(self) -> str:
        """The collection's own address."""
        return f"{self.root}collections/{self.id}/"


@dataclass(frozen=True, slots=True)
class TaxiiPage:
    """Objects. `more` says that there are more, and `next` where, if the server says that; `last` is when the last of them was added."""

    objects: list[Any]
    more: bool
    next: str | None
    last: str | None


class TaxiiClient:
    """One server, by the address of its discovery or of an API root."""

    def __init__(
        self, address: str, user: str, password: Secret | None, clock: Clock, outbound: Outbound, *, version: str = V21,
        timeout: float = 60.0,
    ) -> None:  # fmt: skip
        self._address = address if address.endswith("/") else f"{address}/"
        self._user, self._password, self._clock, self._outbound, self._version = (
            user,
            password,
            clock,
            outbound,
            version,
        )
        self._http = httpx.Client(timeout=timeout, follow_redirects=False)

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def collections(self) -> list[TaxiiCollection]:
        """The collections of the API root, or of every API root that the discovery names. Raises `TaxiiFailure`."""
        document, _, _ = self._get(self._address)
        roots = document.get("api_roots")
        if not isinstance(roots, list):
            return self._collections(self._address)
        found: list[TaxiiCollection] = []
        failure: TaxiiFailure | None = None
        for root in roots:
            try:
                found += self._collections(self._near(str(root)))
            except TaxiiFailure as error:
                failure = error  # a server may name roots that are not for everybody
        if not found and failure is not None:
            raise failure
        return found

    def objects(self, collection: TaxiiCollection, after: str | None, next_: str | None) -> TaxiiPage:
        """A page of what was added after a moment, or from `next` on. Raises `TaxiiFailure`."""
        query = {} if after is None else {"added_after": after}
        headers: dict[str, str] = {}
        if self._version == V21:
            query |= {"limit": str(PAGE), **({} if next_ is None else {"next": next_})}
        else:
            start = int(next_ or 0)
            headers["Range"] = f"items {start}-{start + PAGE - 1}"
        document, told, status = self._get(f"{collection.url}objects/", query, headers, accept=_STIX[self._version])
        objects = document.get("objects")
        objects = objects if isinstance(objects, list) else []
        last = told.get("X-TAXII-Date-Added-Last")
        if self._version == V20:
            following = _following(told.get("Content-Range", "")) if status == 206 else None
            return TaxiiPage(objects, following is not None, following, last)
        more, named = document.get("more") is True, document.get("next")
        return TaxiiPage(objects, more, str(named) if more and named else None, last)

    def _collections(self, root: str) -> list[TaxiiCollection]:
        document, _, _ = self._get(f"{root}collections/")
        listed = document.get("collections")
        return [
            TaxiiCollection(
                root,
                str(one["id"]),
                str(one.get("title") or ""),
                str(one.get("alias") or ""),
                one.get("can_read") is not False,
            )
            for one in (listed if isinstance(listed, list) else ())
            if isinstance(one, Mapping) and isinstance(one.get("id"), str) and "/" not in one["id"]
        ]

    def _near(self, root: str) -> str:
        """The address of an API root, which has to be on the same host."""
        url = urljoin(self._address, root if root.endswith("/") else f"{root}/")
        if urlsplit(url)[:2] != urlsplit(self._address)[:2]:
            raise TaxiiFailure(
                f"The server's API root is on another host, {urlsplit(url).hostname}.",
                hint=f"Enter {url} as the address, if the credentials are for that host.",
            )
        return url

    def _get(
        self, url: str, query: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None, *, accept: str = ""
    ) -> tuple[dict[str, Any], Mapping[str, str], int]:  # fmt: skip
        host = urlsplit(url).hostname
        auth = (
            None
            if self._password is None and not self._user
            else (self._user, self._password.reveal() if self._password else "")
        )
        try:
            with reached(
                self._http, self._outbound, "GET", url, headers={"Accept": accept or _TAXII[self._version], **(headers or {})},
                auth=auth, params=dict(query or {}) or None,
            ) as answer:  # fmt: skip
                content = whole(answer, LONGEST)
        except Forbidden as error:
            raise TaxiiFailure(error.message, 403, hint=error.hint) from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise TaxiiFailure(f"{host} cannot be read ({type(error).__name__}).") from None
        if content is None:
            raise TaxiiFailure(f"{host}'s answer is longer than {LONGEST} bytes.")
        if not 200 <= answer.status_code < 300:
            raise self._refused(host, answer, content)
        try:
            document = json.loads(content) if content.strip() else {}
        except (ValueError, RecursionError):
            raise TaxiiFailure(f"{host}'s answer is not JSON: perhaps it is no TAXII server.") from None
        if not isinstance(document, dict):
            raise TaxiiFailure(f"{host}'s answer is not that of a TAXII server.")
        return document, answer.headers, answer.status_code

    def _refused(self, host: str | None, answer: httpx.Response, content: bytes) -> TaxiiFailure:
        said = ""
        try:
            document = json.loads(content)
            said = str(document.get("title") or document.get("description") or "")[:200]
        except (ValueError, AttributeError, RecursionError):
            pass
        hint = None
        if answer.is_redirect:
            hint = f"It leads to {str(answer.headers.get('Location'))[:200]}; enter that, if it is the right address."
        elif answer.status_code == 406:
            hint = f"The server does not speak TAXII {self._version}."
        return TaxiiFailure(
            f"{host} answered with status {answer.status_code}{f' ({said})' if said else ''}.", answer.status_code, hint=hint,
            retry_after=seconds_to_wait(answer.headers.get("Retry-After"), self._clock.now()),
        )  # fmt: skip


def _following(content_range: str) -> str | None:
    """The number of the next object, by `items 0-99/500` of TAXII 2.0."""
    place, _, total = content_range.removeprefix("items").strip().partition("/")
    end = place.partition("-")[2]
    if not (end.isdigit() and total.isdigit()) or int(end) + 1 >= int(total):
        return None
    return str(int(end) + 1)


def taxii_time(moment: datetime) -> str:
    """A moment as `added_after` has it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
