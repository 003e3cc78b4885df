"""Requests to Azure with the token of an App Registration: the pipeline and the credential of Azure's SDK (azure-core, azure-identity).

No request is repeated by itself, but for one that is refused with 401: once, with a new token.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlsplit

from vedette.clients.azure_cloud import AzureCloud
from vedette.clients.azure_errors import AzureFailure, FailureKind, from_exception, from_response
from vedette.core.azure_sdk import sdk
from vedette.core.clock import Clock
from vedette.core.redaction import Secret

if TYPE_CHECKING:
    from azure.core import PipelineClient
    from azure.core.rest import HttpResponse

_USER_AGENT: Final = "vedette"
_MAX_ANSWER: Final = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ClientSecretCredentials:
    """An App Registration and one of its secrets."""

    tenant_id: str
    client_id: str
    client_secret: Secret


class AzureHttp:
    """One of Azure's services: `base_url`, and the scope of the tokens for it. Every method raises `AzureFailure`.

    `timeout` is the longest silence in seconds, while connecting and while waiting for an answer.
    """

    def __init__(
        self, credentials: ClientSecretCredentials, cloud: AzureCloud, base_url: str, scope: str, clock: Clock,
        timeout: float = 30.0,
    ) -> None:  # fmt: skip
        self.base_url = base_url
        self._credentials = credentials
        self._cloud = cloud
        self._scope = scope
        self._timeout = timeout
        self._clock = clock
        self._opening = Lock()
        self._pipeline: PipelineClient[Any, Any] | None = None
        self._credential: Any = None

    def __enter__(self) -> AzureHttp:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        with self._opening:
            for part in (self._pipeline, self._credential):
                if part is not None:
                    part.close()
            self._pipeline = self._credential = None

    def _forget(self) -> None:
        """The next request signs in anew. What others are asking with the old pipeline right now goes on: it closes when they are done."""
        with self._opening:
            self._pipeline = self._credential = None

    def authenticate(self) -> None:
        """Get a token, and nothing else: tells wrong credentials from everything that may be wrong later."""
        sdk()
        from azure.core.exceptions import AzureError

        self._open()
        credential = self._credential
        try:
            credential.get_token(self._scope)
        except AzureError as error:
            self._forget()
            raise from_exception(error, self._clock.now()) from error

    def send(
        self, method: str, url: str, body: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> HttpResponse:
        """The answer of a request that succeeded."""
        answer, text = self._exchange(method, url, body, headers)
        if answer.status_code == 401:
            # The token ran out on the way, or Azure's clock is ahead of ours. Nothing was done, so it may be said again.
            self._forget()
            answer, text = self._exchange(method, url, body, headers)
        if answer.status_code >= 400:
            raise from_response(answer.status_code, answer.headers, text, self._clock.now())
        if answer.status_code >= 300:  # a redirect would take the token somewhere else
            raise AzureFailure(
                FailureKind.REFUSED, f"unexpected HTTP status {answer.status_code}", remote_status=answer.status_code
            )
        return answer

    def _exchange(
        self, method: str, url: str, body: Mapping[str, Any] | None, headers: Mapping[str, str] | None
    ) -> tuple[HttpResponse, str]:
        """One request; the answer, and its text if it is an error."""
        sdk()
        from azure.core.exceptions import AzureError, ClientAuthenticationError
        from azure.core.rest import HttpRequest

        request = HttpRequest(method, url, headers={"Accept": "application/json", **(headers or {})}, json=body)
        pipeline = self._open()
        try:
            answer: HttpResponse = pipeline.send_request(request)
            return answer, answer.text() if answer.status_code >= 400 else ""
        except AzureError as error:
            if isinstance(error, ClientAuthenticationError):
                self._forget()  # MSAL would answer the next questions for a token from its memory of this failure
            raise from_exception(error, self._clock.now()) from error

    def same_origin(self, link: str) -> str:
        """A link of the server's, which must not lead the token to another host."""
        ours, theirs = urlsplit(self.base_url), urlsplit(link)
        if (ours.scheme, ours.netloc.lower()) != (theirs.scheme, theirs.netloc.lower()):
            raise AzureFailure(FailureKind.REFUSED, f"the next page is on another host, {theirs.netloc}")
        return link

    def _open(self) -> PipelineClient[Any, Any]:
        """The pipeline, made at its first use: importing Azure's SDK takes longer than starting everything else."""
        with self._opening:
            if self._pipeline is None:
                self._credential, self._pipeline = self._make()
            return self._pipeline

    def _make(self) -> tuple[Any, PipelineClient[Any, Any]]:
        sdk()
        from azure.core import PipelineClient
        from azure.core.pipeline.policies import (
            BearerTokenCredentialPolicy,
            HeadersPolicy,
            ProxyPolicy,
            RequestIdPolicy,
            UserAgentPolicy,
        )
        from azure.identity import ClientSecretCredential

        transport: dict[str, Any] = {"connection_timeout": self._timeout, "read_timeout": self._timeout}
        if self._cloud.ca_file is not None:
            transport["connection_verify"] = str(self._cloud.ca_file)
        credential = ClientSecretCredential(
            self._credentials.tenant_id,
            self._credentials.client_id,
            self._credentials.client_secret.reveal(),
            authority=self._cloud.authority,
            disable_instance_discovery=not self._cloud.instance_discovery,
            retry_total=0,
            **transport,
        )
        pipeline: PipelineClient[Any, Any] = PipelineClient(
            self.base_url,
            policies=[
                RequestIdPolicy(),
                HeadersPolicy(),
                UserAgentPolicy(base_user_agent=_USER_AGENT),
                ProxyPolicy(),
                BearerTokenCredentialPolicy(credential, self._scope),
            ],
            **transport,
        )
        return credential, pipeline


def query_text(query: Mapping[str, str]) -> str:
    """Parameters as the end of an address; `$` and the names stay as they are."""
    text = "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items())
    return f"?{text}" if text else ""


def json_of(answer: HttpResponse) -> dict[str, Any]:
    """The JSON object of an answer."""
    content = answer.read()
    if len(content) > _MAX_ANSWER:
        raise AzureFailure(FailureKind.UNAVAILABLE, f"the answer is longer than {_MAX_ANSWER} bytes")
    try:
        document = json.loads(content)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise AzureFailure(FailureKind.UNAVAILABLE, "the answer is not the JSON that was expected")
    return document
