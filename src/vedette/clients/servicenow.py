"""ServiceNow's Table API: signing in, reading answers, and the records of a table in the order in which they changed.

Source: the reference of the Table API and of OAuth inbound of ServiceNow (docs.servicenow.com).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar
from urllib.parse import urlencode, urlsplit

from vedette.clients.azure_errors import seconds_to_wait
from vedette.clients.outbound_http import reached, whole
from vedette.core.clock import Clock
from vedette.core.deferred import deferred
from vedette.core.errors import Forbidden, VedetteError
from vedette.core.forms import FieldType, FormField
from vedette.core.outbound import Outbound
from vedette.core.redaction import Secret, redact
from vedette.core.tls import client_context

if TYPE_CHECKING:
    import httpx
else:
    httpx = deferred("httpx")

LONGEST: Final = 64 * 1024 * 1024
"""Bytes of an answer with records."""
TIMEOUT: Final = 60.0
_LIFE: Final = 1799.0
_NEXT: Final = re.compile(r'<[^>]*>;\s*rel="?next"?')

INSTANCE: Final = FormField(
    "instance_url", "Instance URL", FieldType.TEXT, "The address of the instance.",
    example="https://example.service-now.com", max_length=512, address=True,
    pattern=r"https://[^\s/@?#]+/?|http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?/?",
    rule="be an address such as https://example.service-now.com, without a path",
)  # fmt: skip
ACCOUNT: Final = (
    FormField("username", "User name", FieldType.TEXT, "A user with the role itil.", example="vedette.integration"),
    FormField(
        "password", "Password", FieldType.TEXT, "The user's password.", secret=True, max_length=1024, rotate_days=90
    ),
    FormField(
        "client_id", "OAuth client ID", FieldType.TEXT,
        "With an OAuth endpoint of the application registry: its client id. Tokens are used then; without it, basic "
        "authentication.",
        required=False,
    ),
    FormField(
        "client_secret", "OAuth client secret", FieldType.TEXT, "The secret of the OAuth client.", secret=True,
        required=False, max_length=1024, rotate_days=90,
    ),
)  # fmt: skip
"""The fields of a form that say who signs in."""


class Reply(Protocol):
    """A whole answer."""

    @property
    def status(self) -> int:
        """Its status."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Its headers, under names in small letters."""
        ...

    @property
    def body(self) -> bytes:
        """Its body."""
        ...


R = TypeVar("R", bound=Reply)


class TokenRefused(Exception):
    """The instance gave no token; `reply` is what it said."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"no token ({reply.status})")
        self.reply = reply


class HalfAnOAuthClient(Exception):
    """An OAuth client without its secret, or the other way round; `missing` is the field."""

    def __init__(self, missing: str) -> None:
        super().__init__("OAuth needs both client_id and client_secret.")
        self.missing = missing


class ServiceNowAccount(Generic[R]):
    """Who asks an instance: by basic authentication, or by tokens where an OAuth client is given. `send` makes one request.

    `request` raises `TokenRefused`, `HalfAnOAuthClient` and what `send` raises.
    """

    def __init__(
        self, base: str, values: Mapping[str, str], secrets: Mapping[str, Secret], clock: Clock, send: Callable[..., R]
    ) -> None:
        self._base, self._clock, self._send = base, clock, send
        self._user, self._password = values["username"], secrets["password"]
        self._client, self._secret = values.get("client_id"), secrets.get("client_secret")
        self._token: tuple[Secret, float] | None = None

    def request(
        self, method: str, path: str, *, content: bytes | None = None, params: Mapping[str, str] | None = None
    ) -> R:
        """One request and its answer, whatever its status; a token that is not taken any more is replaced once."""
        for again in (True, False):
            headers = {"Accept": "application/json", "Content-Type": "application/json"}
            basic = self._sign_in(headers)
            answer = self._send(
                method, f"{self._base}{path}", content=content, headers=headers, params=params, auth=basic
            )
            if answer.status != 401 or self._token is None or not again:
                break
            self._token = None  # it may have been revoked before its end: one new one is worth asking for
        return answer

    def _sign_in(self, headers: dict[str, str]) -> tuple[str, str] | None:
        """Puts a token into the headers, or returns name and password for basic authentication."""
        if not self._client and self._secret is None:
            return self._user, self._password.reveal()
        if not self._client or self._secret is None:
            raise HalfAnOAuthClient("client_secret" if self._client else "client_id")
        if self._token is None or self._token[1] <= self._clock.monotonic():
            form = {
                "grant_type": "password", "client_id": self._client, "client_secret": self._secret.reveal(),
                "username": self._user, "password": self._password.reveal(),
            }  # fmt: skip
            answer = self._send(
                "POST", f"{self._base}/oauth_token.do", content=urlencode(form).encode(),
                headers={"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
            )  # fmt: skip
            try:
                said = json_of(answer) if 200 <= answer.status < 300 else {}
            except ValueError:
                raise TokenRefused(answer) from None
            token, life = said.get("access_token"), said.get("expires_in", _LIFE)
            if not isinstance(token, str) or not token:
                raise TokenRefused(answer)
            lasts = float(life) if isinstance(life, int | float | str) and str(life).isdigit() else _LIFE
            self._token = (Secret(token), self._clock.monotonic() + max(lasts - 60, 30))
        headers["Authorization"] = f"Bearer {self._token[0].reveal()}"
        return None


def json_of(answer: Reply) -> dict[str, Any]:
    """The JSON object of an answer; ValueError where it is none, as the page of an instance that hibernates."""
    found = json.loads(answer.body)
    if not isinstance(found, dict):
        raise ValueError("no JSON object")
    return found


def result_of(answer: Reply, kind: type) -> Any:
    """What the Table API gives as `result`; ValueError where the answer is not of the Table API."""
    found = json_of(answer).get("result")
    if not isinstance(found, kind):
        raise ValueError("no result")
    return found


class ServiceNowFailure(VedetteError):
    """A request that was not answered as asked. `answered` is its status, None where nobody answered."""

    def __init__(
        self, message: str, answered: int | None = None, *, hint: str | None = None, target: str | None = None,
        retry_after: float | None = None, said: str = "",
    ) -> None:  # fmt: skip
        super().__init__(message, code="VDT7400", hint=hint, target=target, status=502)
        self.answered, self.retry_after, self.said = answered, retry_after, said


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Records:
    """Records of a table, each field with its `value` and `display_value`. `more`: there are others behind them."""

    listed: list[dict[str, Any]]
    more: bool


class ServiceNowClient:
    """Reads the tables of one instance. Every method raises `ServiceNowFailure`."""

    def __init__(
        self, values: Mapping[str, str], secrets: Mapping[str, Secret], clock: Clock, outbound: Outbound, timeout: float = TIMEOUT
    ) -> None:  # fmt: skip
        self._base = values["instance_url"].rstrip("/")
        self._host = urlsplit(self._base).hostname
        self._ca_file, self._clock, self._outbound, self._timeout = values.get("ca_file"), clock, outbound, timeout
        self._account: ServiceNowAccount[_Answer] = ServiceNowAccount(self._base, values, secrets, clock, self._send)
        self._http: httpx.Client | None = None

    def close(self) -> None:
        """Close the connections."""
        if self._http is not None:
            self._http.close()
            self._http = None

    def records(self, table: str, query: str, limit: int, *, offset: int = 0, fields: Sequence[str] = ()) -> Records:
        """The records that an encoded query finds, in its order; all fields, or those that are named."""
        params = {
            "sysparm_query": query, "sysparm_limit": str(limit), "sysparm_offset": str(offset),
            "sysparm_display_value": "all", "sysparm_exclude_reference_link": "true",
            **({"sysparm_fields": ",".join(fields)} if fields else {}),
        }  # fmt: skip
        try:
            answer = self._account.request("GET", f"/api/now/table/{table}", params=params)
        except TokenRefused as refused:
            # RFC 6749, 5.2: what is wrong with the credentials comes as 400, too
            status = 401 if refused.reply.status == 400 else refused.reply.status
            raise self._failure(_Answer(status, refused.reply.headers, refused.reply.body)) from None
        except HalfAnOAuthClient as error:
            raise ServiceNowFailure(str(error), 401, target=error.missing) from None
        if answer.status != 200:
            raise self._failure(answer)
        try:
            listed = result_of(answer, list)
        except ValueError:
            raise self._failure(answer) from None
        found = [one for one in listed if isinstance(one, dict)]
        return Records(found, _NEXT.search(answer.headers.get("link", "")) is not None)

    def _send(
        self, method: str, url: str, *, content: bytes | None = None, headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None, auth: tuple[str, str] | None = None,
    ) -> _Answer:  # fmt: skip
        try:
            with reached(
                self._opened(), self._outbound, method, url, content=content, headers=headers, params=params, auth=auth
            ) as answer:
                body = whole(answer, LONGEST)
        except Forbidden as error:
            raise ServiceNowFailure(error.message, 403, hint=error.hint, target="instance_url") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
            untrusted = "CERTIFICATE_VERIFY_FAILED" in str(error)
            raise ServiceNowFailure(
                f"The certificate of {self._host} is not trusted." if untrusted
                else f"{self._host} cannot be read ({type(error).__name__}).",
                hint="Give the authority that signed it in ca_file." if untrusted else None,
            ) from None  # fmt: skip
        if body is None:
            raise ServiceNowFailure(f"{self._host}'s answer is longer than {LONGEST} bytes.")
        return _Answer(answer.status_code, {name.lower(): text for name, text in answer.headers.items()}, body)

    def _opened(self) -> httpx.Client:
        if self._http is None:
            try:
                context = client_context(Path(self._ca_file) if self._ca_file else None)
            except VedetteError as error:
                raise ServiceNowFailure(str(error), target="ca_file") from None
            self._http = httpx.Client(verify=context, timeout=self._timeout, follow_redirects=False)
        return self._http

    def _failure(self, answer: Reply) -> ServiceNowFailure:
        said = ""
        try:
            told = json_of(answer).get("error")
            told = told if isinstance(told, Mapping) else {"message": told}
            said = redact(" ".join(f"{told.get('message') or ''} {told.get('detail') or ''}".split())[:300])
        except (ValueError, RecursionError):
            pass
        if 200 <= answer.status < 300:
            return ServiceNowFailure(
                f"{self._host} answered with something that is not of the Table API.",
                hint="Check the instance's address; an instance that hibernates answers with a page of its own.",
            )
        return ServiceNowFailure(
            f"{self._host} answered with status {answer.status}{f' ({said})' if said else ''}.", answer.status, said=said,
            retry_after=seconds_to_wait(answer.headers.get("retry-after"), self._clock.now()),
        )  # fmt: skip
