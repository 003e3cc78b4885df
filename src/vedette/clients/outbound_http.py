"""HTTP to addresses that people enter: the connection goes to the addresses of the host that were looked at, under its own name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from urllib.request import getproxies, proxy_bypass

from vedette.core.deferred import deferred
from vedette.core.forms import FieldType, FormField
from vedette.core.outbound import Outbound

if TYPE_CHECKING:
    import httpx
else:
    httpx = deferred("httpx")

CA_FILE: Final = FormField(
    "ca_file",
    "Certificate authority",
    FieldType.TEXT,
    "Path of a PEM file on the server with the authority that signed the other side's certificate, where it is a private one.",
    required=False,
    example="/etc/ssl/private-ca.pem",
    max_length=1024,
)
"""The field of a form for it."""
_PORTS: Final = {"https": 443, "http": 80}


@contextmanager
def reached(
    client: httpx.Client, outbound: Outbound, method: str, url: str, *, headers: Mapping[str, str] | None = None,
    extensions: Mapping[str, Any] | None = None, auth: tuple[str, str] | None = None, **more: Any,
) -> Iterator[httpx.Response]:  # fmt: skip
    """One request and its answer, as `httpx.Client.stream` has it. Raises `Forbidden` where the address may not be reached.

    The certificate has to be that of the name, wherever the connection goes. `httpx.ConnectError` where nobody answers.
    """
    asked = httpx.URL(url)
    hosts = _hosts(asked, outbound)
    sent = {"Host": asked.netloc.decode("ascii"), **(headers or {})}
    named = {"sni_hostname": asked.host, **(extensions or {})}
    for place, host in enumerate(hosts, 1):
        request = client.build_request(method, asked.copy_with(host=host), headers=sent, extensions=named, **more)
        try:
            answer = client.send(request, stream=True, auth=auth)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            if place == len(hosts):
                raise
            continue
        try:
            yield answer
        finally:
            answer.close()
        return


def whole(answer: httpx.Response, most: int) -> bytes | None:
    """The body of an answer that is being read; None where it has more bytes than `most`."""
    content = bytearray()
    for part in answer.iter_bytes():
        content += part
        if len(content) > most:
            return None
    return bytes(content)


def _hosts(url: httpx.URL, outbound: Outbound) -> list[str]:
    """Where a request goes: the addresses of its host, looked at; the host itself where a proxy finds it."""
    outbound.check_name(url.host)
    if url.scheme in getproxies() and not proxy_bypass(url.host):
        return [url.host]
    try:
        return [one.address for one in outbound.places(url.host, url.port or _PORTS.get(url.scheme, 443))]
    except OSError as error:
        raise httpx.ConnectError(str(error)) from error
