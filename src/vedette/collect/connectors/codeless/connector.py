"""Polls a REST source as its codeless definition says: one window of time after the other, page after page."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
import zlib
from collections import Counter
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urljoin, urlsplit

from vedette.clients.azure_errors import seconds_to_wait
from vedette.clients.outbound_http import reached, whole
from vedette.collect.connectors.codeless.definition import Definition
from vedette.collect.connectors.codeless.json_path import select
from vedette.collect.connectors.codeless.paging import Paging
from vedette.collect.connectors.contract import ConnectorManifest, Endpoint, Event, Page, PollFailure, Trouble
from vedette.collect.formats.timestamps import iso
from vedette.collect.reserved import kept_apart
from vedette.core.checks import CheckReport, CheckStep, passed, run_steps
from vedette.core.clock import Clock
from vedette.core.deferred import deferred
from vedette.core.errors import Forbidden
from vedette.core.forms import FieldType, FormField, InvalidFields, TroubleshootingRow
from vedette.core.outbound import Outbound
from vedette.core.redaction import Secret

if TYPE_CHECKING:
    import httpx
else:
    httpx = deferred("httpx")

ENDPOINT: Final = "events"
LONGEST: Final = 32 * 1024 * 1024
_PARTS: Final = {"yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}
_TROUBLE: Final = {
    401: Trouble.UNAUTHORIZED,
    403: Trouble.FORBIDDEN,
    404: Trouble.GONE,
    410: Trouble.GONE,
    429: Trouble.THROTTLED,
}
_CREDENTIALS: Final = {
    "None": (), "Basic": (("user_name", "User name", False), ("password", "Password", True)), "APIKey": (("api_key", "API key", True),),
    "OAuth2": (("client_id", "Client ID", False), ("client_secret", "Client Secret", True)),
}  # fmt: skip


class Codeless:
    """A connector that a definition makes."""

    def __init__(
        self, definition: Definition, clock: Clock, transport: httpx.BaseTransport | None = None,
        outbound: Outbound | None = None,
    ) -> None:  # fmt: skip
        # where the definition alone names the hosts, who imported it has allowed them
        self._outbound = (outbound or Outbound()).also_inside(not definition.host_parameters)
        self._definition, self._clock, self._transport = definition, clock, transport
        self._manifest = _manifest(definition)

    @property
    def manifest(self) -> ConnectorManifest:
        """What the connector is and which fields it needs."""
        return self._manifest

    def open(self, values: Mapping[str, str], secrets: Mapping[str, Secret]) -> CodelessConnection:
        """A connection with checked values; does no network call."""
        return CodelessConnection(self._definition, values, secrets, self._clock, self._transport, self._outbound)


def _manifest(one: Definition) -> ConnectorManifest:
    return ConnectorManifest(
        id=one.id, title=one.title, category="Codeless", about=one.about,
        fields=(
            *(
                FormField(name, label, FieldType.TEXT, f"{label} for the source.", secret=secret, max_length=2048)
                for name, label, secret in _CREDENTIALS[one.auth_type]
            ),
            *(
                FormField(name, name, FieldType.TEXT, f"The parameter {name} of the definition.", pattern=r"[\w.~-]+",
                          rule="have letters, digits and . _ ~ - only", address=name in one.host_parameters)
                for name in one.parameters
            ),
        ),
        permissions=(), endpoints=(
            Endpoint(ENDPOINT, "Events", timedelta(minutes=max(one.window_minutes, 1)), (one.table,), "to read the source", one.about),
        ),
        hosts=(urlsplit(one.url).hostname or "",), source_fields=tuple(one.parameters), vendor_docs="",
        troubleshooting=(
            TroubleshootingRow("unauthorized (401)", "The credentials are wrong or have expired.", "Enter new ones."),
            TroubleshootingRow("forbidden (403)", "The credentials may not read the source.", "Give them the right to."),
        ),
        guide="connectors/index.md#codeless-connectors",
    )  # fmt: skip


class _Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    next_link: str | None
    content: bytes


class CodelessConnection:
    """One source."""

    def __init__(
        self, definition: Definition, values: Mapping[str, str], secrets: Mapping[str, Secret], clock: Clock,
        transport: httpx.BaseTransport | None, outbound: Outbound,
    ) -> None:  # fmt: skip
        self._outbound, self._transport = outbound, transport
        self._one, self._values, self._secrets, self._clock = definition, values, secrets, clock
        self._http = httpx.Client(timeout=definition.timeout, follow_redirects=False, transport=transport)
        self._guard = threading.Lock()
        self._paging = Paging(definition.paging_type, definition.paging)
        self._token: tuple[str, float] | None = None
        self._next_request = 0.0
        self._url = self._filled(definition.url)
        if urlsplit(self._url).hostname is None:
            raise InvalidFields(dict.fromkeys(definition.parameters, "makes no address"))

    def close(self) -> None:
        """Close connections."""
        self._http.close()

    def poll(self, endpoint: str, cursor: Mapping[str, Any]) -> Page:
        """One page. The cursor: `mark`, the end of the last window; within one also `start`, `end` and where its next page is."""
        one = self._one
        now = self._clock.now()
        start = _moment(cursor.get("start") or cursor.get("mark")) or now - timedelta(minutes=one.window_minutes)
        end = _moment(cursor.get("end")) or now
        place = dict(cursor.get("place") or {})
        persisted = {name: cursor[name] for name in ("token", "url") if cursor.get(name)}
        if not place and self._paging.persistent:
            place = dict(persisted)
        document, answer = self._ask(start, end, place)
        found = [event for path in one.events for event in _listed(select(document, path))]
        told = (document, answer.headers, answer.next_link, place)
        events = list(self._events(found, now))
        following = self._paging.following(*told, len(found))
        if following is not None and "url" in following:
            following["url"] = self._near(following["url"])
        if following is not None and following != place:
            state = {"start": _text(start), "end": _text(end), "place": following}
            kept = {"mark": cursor["mark"]} if "mark" in cursor else {}
            return Page(events, {**kept, **persisted, **state}, True, len(found))
        kept = self._paging.kept(*told)
        if "url" in kept:
            kept["url"] = self._near(kept["url"])
        return Page(events, {"mark": _text(end), **kept}, False, len(found))

    def check(self) -> CheckReport:
        """Ask for the newest minute."""

        def ask() -> CheckStep:
            now = self._clock.now()
            self._ask(now - timedelta(minutes=1), now, {})
            return passed("The source answers.")

        return run_steps(self._clock, [(f"Read {urlsplit(self._url).hostname}", ask)])

    # -- one request

    def _ask(self, start: datetime, end: datetime, place: Mapping[str, Any]) -> tuple[Any, _Answer]:
        one = self._one
        url, paging = str(place.get("url") or self._url), self._paging.parameters(place)
        said: dict[str, Any] = {}
        if not self._paging.only(place):
            said |= {name: self._filled(value, start, end) for name, value in one.query.items()}
            said |= self._templated(one.template, start, end) if one.template else {}
            for name, moment in ((one.start_name, start), (one.end_name, end)):
                if name:
                    said[name] = spelled(moment, one.time_format)
            if one.interval:
                name, before, between = one.interval
                said[name] = f"{before}{spelled(start, one.time_format)}{between}{spelled(end, one.time_format)}"
        if "url" in place:  # it says the page itself, and what was asked for
            paging, said = {}, said if one.method == "POST" else {}
        if one.method == "GET" or self._paging.in_body:
            said |= paging
            paging = {}
        headers = {name: self._filled(value, start, end) for name, value in one.headers.items()}
        headers |= {**self._paging.headers(place), **self._authorization()}
        body: dict[str, Any] = {"params": paging or None}
        if one.method == "GET":
            body = {"params": {name: _plain(value) for name, value in said.items()} or None}
        elif one.json_body:
            body["json"] = said
        else:
            body["data"] = {name: _plain(value) for name, value in said.items()}
        self._pace()
        answer = self._send(one.method, url, headers=headers, **body)
        if answer.status == 401 and one.auth_type == "OAuth2":
            with self._guard:
                self._token = None
        self._expect(answer)
        try:
            document = json.loads(_unpacked(answer.content) if one.compressed else answer.content)
        except ValueError:
            raise PollFailure("The source's answer is not JSON.", Trouble.UNAVAILABLE) from None
        if one.success is not None and str(select(document, one.success[0])).casefold() != one.success[1].casefold():
            raise PollFailure("The source says that the request did not succeed.", Trouble.UNAVAILABLE)
        return document, answer

    def _send(self, method: str, url: str, **more: Any) -> _Answer:
        try:
            with self._reached(method, url, **more) as answer:
                content = whole(answer, LONGEST)
        except Forbidden as error:
            raise PollFailure(error.message, Trouble.FORBIDDEN, hint=error.hint) from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            # not the error's own words: they may hold the address with what is in its query
            raise PollFailure(
                f"{urlsplit(url).hostname} cannot be read ({type(error).__name__}).", Trouble.UNAVAILABLE
            ) from None
        if content is None:
            raise PollFailure(f"The source's answer is longer than {LONGEST} bytes.", Trouble.UNAVAILABLE)
        return _Answer(answer.status_code, answer.headers, answer.links.get("next", {}).get("url"), content)

    def _reached(self, method: str, url: str, **more: Any) -> AbstractContextManager[httpx.Response]:
        if self._transport is not None:  # it is the network, and names are not looked up
            return self._http.stream(method, url, **more)
        return reached(self._http, self._outbound, method, url, **more)

    def _expect(self, answer: _Answer) -> None:
        if 200 <= answer.status < 300:
            return
        trouble = _TROUBLE.get(answer.status, Trouble.UNAVAILABLE)
        host = urlsplit(self._url).hostname
        wait = seconds_to_wait(answer.headers.get("Retry-After"), self._clock.now())
        raise PollFailure(f"{host} answered with status {answer.status}.", trouble, retry_after=wait)

    def _pace(self) -> None:
        with self._guard:
            now = self._clock.monotonic()
            due = max(now, self._next_request)
            self._next_request = due + 1.0 / self._one.rate
        if due > now:
            self._clock.sleep(due - now)

    def _authorization(self) -> dict[str, str]:
        kind, auth = self._one.auth_type, self._one.auth
        if kind == "Basic":
            pair = f"{self._values['user_name']}:{self._secrets['password'].reveal()}"
            return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
        if kind == "APIKey" and auth.get("isapikeyinpostpayload"):
            return {}
        if kind == "APIKey":
            identifier = str(auth.get("apikeyidentifier", "token"))
            return {
                str(
                    auth.get("apikeyname") or "Authorization"
                ): f"{identifier} {self._secrets['api_key'].reveal()}".strip()
            }
        return {"Authorization": f"Bearer {self._bearer()}"} if kind == "OAuth2" else {}

    def _bearer(self) -> str:
        auth = self._one.auth
        with self._guard:
            if self._token is not None and self._token[1] > self._clock.monotonic():
                return self._token[0]
        form = {
            "grant_type": "client_credentials", "client_id": self._values["client_id"],
            "client_secret": self._secrets["client_secret"].reveal(),
        }  # fmt: skip
        if auth.get("scope"):
            form["scope"] = str(auth["scope"])
        answer = self._send(
            "POST", self._filled(str(auth["tokenendpoint"])), data=form, params=auth.get("tokenendpointqueryparameters") or None,
            headers=auth.get("tokenendpointheaders") or None,
        )  # fmt: skip
        try:
            told = json.loads(answer.content)
            token, lives = str(told["access_token"]), float(told.get("expires_in") or 300)
        except (ValueError, KeyError, TypeError):
            raise PollFailure("The token endpoint does not accept the credentials.", Trouble.UNAUTHORIZED) from None
        with self._guard:
            self._token = (token, self._clock.monotonic() + max(lives - 60, 0))
        return token

    def _near(self, link: str) -> str:
        """The address of the next page, which has to be on the same host: the credentials go there."""
        url = urljoin(self._url, link)
        if urlsplit(url)[:2] != urlsplit(self._url)[:2]:
            raise PollFailure(f"The next page is on another host, {urlsplit(url).hostname}.", Trouble.UNAVAILABLE)
        return url

    # -- rows and texts

    def _events(self, found: list[Any], now: datetime) -> list[Event]:
        seen: Counter[str] = Counter()
        events = []
        for one in found:
            row = dict(one) if isinstance(one, Mapping) else {"Value": one}
            digest = hashlib.blake2b(
                json.dumps(row, sort_keys=True, ensure_ascii=False).encode(), digest_size=16
            ).hexdigest()
            seen[digest] += 1
            row.setdefault("TimeGenerated", iso(now))
            (kept,) = kept_apart([row])
            events.append(Event(self._one.table, kept, f"{self._one.id}:{digest}:{seen[digest]}"))
        return events

    def _filled(self, text: str, start: datetime | None = None, end: datetime | None = None) -> str:
        for name in self._one.parameters:
            text = re.sub(r"\{\{\s*" + name + r"\s*\}\}", lambda _, name=name: self._values[name], text)  # type: ignore[misc]
        for name, moment in (("{_QueryWindowStartTime}", start), ("{_QueryWindowEndTime}", end)):
            if moment is not None:
                text = text.replace(name, spelled(moment, self._one.time_format))
        return text

    def _templated(self, value: Any, start: datetime, end: datetime) -> Any:
        """A template with its variables filled in."""
        if isinstance(value, Mapping):
            return {self._keyed(str(name)): self._templated(inner, start, end) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._templated(inner, start, end) for inner in value]
        return self._keyed(self._filled(value, start, end)) if isinstance(value, str) else value

    def _keyed(self, text: str) -> str:
        """A text with the name of the API key, and the key, in their places."""
        if "{_APIKey" not in text or self._one.auth_type != "APIKey":
            return text
        text = text.replace("{_APIKeyName}", str(self._one.auth.get("apikeyname") or ""))
        return text.replace("{_APIKey}", self._secrets["api_key"].reveal())


def spelled(moment: datetime, form: str) -> str:
    """A moment in a definition's `queryTimeFormat`."""
    at = moment.astimezone(UTC)
    if form == "UnixTimestamp":
        return str(int(at.timestamp()))
    if form == "UnixTimestampInMills":
        return str(int(at.timestamp() * 1000))
    return re.sub(
        r"yyyy|MM|dd|HH|mm|ss|fff|'[^']*'",
        lambda found: f"{at.microsecond // 1000:03}" if found[0] == "fff" else found[0].strip("'") if found[0][0] == "'"
        else at.strftime(_PARTS[found[0]]),
        form,
    )  # fmt: skip


def _plain(value: Any) -> str:
    """A value as a parameter has it."""
    return value if isinstance(value, str) else json.dumps(value)


def _unpacked(content: bytes) -> bytes:
    """The JSON of a gzip file; of an answer that is none, what it is."""
    if content[:2] != b"\x1f\x8b":
        return content
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        found = unpacker.decompress(content, LONGEST)
    except zlib.error as error:
        raise ValueError(str(error)) from None
    if unpacker.unconsumed_tail:
        raise PollFailure(f"The source's answer is longer than {LONGEST} bytes.", Trouble.UNAVAILABLE)
    return found


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _moment(text: Any) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
