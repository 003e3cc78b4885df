"""Requests of destinations that speak HTTP: one place for their time limits, sizes, certificates and failures."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from vedette import __version__
from vedette.clients.azure_errors import seconds_to_wait
from vedette.clients.outbound_http import reached
from vedette.core.clock import Clock
from vedette.core.deferred import deferred
from vedette.core.errors import VedetteError
from vedette.core.forms import TroubleshootingRow
from vedette.core.outbound import Outbound
from vedette.core.redaction import redact
from vedette.core.tls import client_context
from vedette.deliver.contract import DeliveryFailure, Remedy

if TYPE_CHECKING:
    import httpx
else:
    httpx = deferred("httpx")

TIMEOUT: Final = 30.0
CONNECT_TIMEOUT: Final = 10.0
MAX_ANSWER: Final = 1 << 20
"""Bytes of an answer that are read; what a destination says is short."""

TOTAL: Final = 60.0
"""Seconds for a request and its whole answer: a time-out of the connection alone begins anew with every byte."""

URL_PATTERN: Final = r"https://[^\s/@]+(/[^\s]*)?|http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(/[^\s]*)?"
URL_RULE: Final = "be an address that begins with https:// (http:// only for this machine), without a user name in it"

TROUBLESHOOTING: Final = (
    TroubleshootingRow(
        "Endpoint not reachable",
        "The name does not resolve, a firewall is in between, or the certificate is not trusted.",
        "Check the address from the machine that runs Vedette; give the private authority in ca_file.",
    ),
    TroubleshootingRow(
        "Credentials refused (401, 403)",
        "The address, the token or the password is not valid any more, or lacks a right.",
        "Make a new one at the other side and enter it here.",
    ),
    TroubleshootingRow(
        "Nothing at this address (404, 410)",
        "The address was mistyped, or what was there has been removed.",
        "Copy the address again from the other side.",
    ),
    TroubleshootingRow(
        "Too many requests (429)",
        "The other side limits the number of messages.",
        "Nothing: the delivery is repeated after the time that it asks for.",
    ),
)
"""What may go wrong with each of them, as the table of the docs has it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer, cut after `MAX_ANSWER` bytes."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")


class WebEndpoint:
    """A server that a destination speaks to. `service` is its name in messages."""

    def __init__(
        self, service: str, clock: Clock, outbound: Outbound, ca_file: str | None = None, *, total: float = TOTAL
    ) -> None:
        self.service = service
        self._clock = clock
        self._outbound = outbound
        self._ca_file = ca_file
        self._total = total
        self._client: httpx.Client | None = None
        self._socket: socket.socket | None = None

    def __enter__(self) -> WebEndpoint:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close connections."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def send(
        self, method: str, url: str, *, content: bytes | None = None, headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None, auth: tuple[str, str] | None = None,
    ) -> Answer:  # fmt: skip
        """One request and its answer, whatever its status. Redirections are not followed: they could lead anywhere.

        Raises DeliveryFailure where there is no answer, and Forbidden where the address may not be reached.
        """
        late = threading.Event()
        watch = threading.Timer(self._total, self._give_up, (late,))
        watch.daemon = True
        watch.start()
        try:
            with reached(
                self._open(), self._outbound, method, url, content=content, params=params, auth=auth,
                extensions={"trace": self._trace}, headers={"User-Agent": f"Vedette/{__version__}", **(headers or {})},
            ) as response:  # fmt: skip
                body = bytearray()
                for piece in response.iter_bytes():
                    body += piece
                    if len(body) > MAX_ANSWER:
                        del body[MAX_ANSWER:]
                        break
                return Answer(response.status_code, dict(response.headers), bytes(body))
        except (httpx.TransportError, httpx.DecodingError, OSError, ValueError) as error:
            if late.is_set():
                raise DeliveryFailure(
                    f"{urlsplit(url).netloc} did not answer in {self._total:g} seconds.", Remedy.WAITING, code="VDT6120"
                ) from error
            if isinstance(error, UnicodeError):
                raise DeliveryFailure(
                    f"What was entered for {self.service} cannot be sent: it has characters that HTTP does not allow.",
                    Remedy.CONFIGURATION, code="VDT6120",
                ) from error  # fmt: skip
            if not isinstance(error, (httpx.TransportError, httpx.DecodingError, OSError)):
                raise
            raise self._unreachable(url, error) from error
        except httpx.InvalidURL as error:
            raise DeliveryFailure(
                f"The address of {self.service} cannot be used: {error}.", Remedy.CONFIGURATION, code="VDT6120"
            ) from error
        finally:
            watch.cancel()

    def _trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Remember the socket of the connection (httpx tells of each step), so that it can be ended from outside."""
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            found = info["return_value"].get_extra_info("socket")
            self._socket = found if isinstance(found, socket.socket) else None

    def _give_up(self, late: threading.Event) -> None:
        late.set()
        if self._socket is not None:
            with contextlib.suppress(OSError):
                # not SSLSocket's own, which takes the session away from under who is reading
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def expect(self, answer: Answer, *statuses: int) -> Answer:
        """The answer, where its status is one of these (or any success); else the failure that it means."""
        if answer.status in statuses or (not statuses and 200 <= answer.status < 300):
            return answer
        raise self.failure(answer)

    def failure(self, answer: Answer) -> DeliveryFailure:
        """What an answer that is no success means, and what helps."""
        status, service = answer.status, self.service
        said = redact(" ".join(answer.text.split())[:300])
        cause = f"It said: {said}" if said else None
        if status in (401, 403):
            return DeliveryFailure(
                f"{service} refuses the credentials ({status}).", Remedy.CONFIGURATION, code="VDT6121", cause=cause,
                hint="Check the credentials and their rights, and enter new ones.",
            )  # fmt: skip
        if status in (404, 410):
            return DeliveryFailure(
                f"{service} has nothing at the configured address ({status}).", Remedy.CONFIGURATION, code="VDT6122",
                cause=cause, hint="Copy the address again from the other side.",
            )  # fmt: skip
        if status in (408, 425, 429) or status >= 500:
            return DeliveryFailure(
                f"{service} cannot take it now ({status}).", Remedy.WAITING,
                code="VDT6123" if status == 429 else "VDT6124", cause=cause,
                retry_after=seconds_to_wait(answer.headers.get("retry-after"), self._now()),
            )  # fmt: skip
        if 300 <= status < 400:
            return DeliveryFailure(
                f"{service} answers with a redirection ({status}), which is not followed.", Remedy.CONFIGURATION,
                code="VDT6122", hint="Enter the address that it redirects to, if it is the right one.",
            )  # fmt: skip
        return DeliveryFailure(
            f"{service} refuses the message ({status}).", Remedy.NOTHING, code="VDT6125", cause=cause
        )

    def _now(self) -> datetime:
        return self._clock.now()

    def _open(self) -> httpx.Client:
        if self._client is None:
            try:
                context = client_context(Path(self._ca_file) if self._ca_file else None)
            except VedetteError as error:
                raise DeliveryFailure(str(error), Remedy.CONFIGURATION, code="VDT6126", target="ca_file") from error
            self._client = httpx.Client(
                verify=context, timeout=httpx.Timeout(TIMEOUT, connect=CONNECT_TIMEOUT), follow_redirects=False
            )
        return self._client

    def _unreachable(self, url: str, error: Exception) -> DeliveryFailure:
        host = urlsplit(url).netloc
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return DeliveryFailure(
                f"The certificate of {host} is not trusted.", Remedy.CONFIGURATION, code="VDT6126", target="ca_file",
                cause=redact(str(error)), hint="Give the authority that signed it in ca_file.",
            )  # fmt: skip
        if isinstance(error, httpx.TimeoutException):
            return DeliveryFailure(f"{host} did not answer in time.", Remedy.WAITING, code="VDT6120")
        return DeliveryFailure(
            f"{host} cannot be reached.", Remedy.WAITING, code="VDT6120", cause=redact(str(error)) or None
        )
