"""Azure Blob Storage: containers, blobs and their bytes, through Azure's SDK (azure-storage-blob).

No request is repeated by itself. A blob is only read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, TypeVar

from vedette.clients.azure_cloud import PUBLIC, AzureCloud
from vedette.clients.azure_errors import AzureFailure, FailureKind, from_exception, seconds_to_wait
from vedette.clients.azure_http import ClientSecretCredentials
from vedette.core.azure_sdk import sdk
from vedette.core.clock import Clock
from vedette.core.redaction import Secret

if TYPE_CHECKING:
    from azure.storage.blob import BlobServiceClient

T = TypeVar("T")
SCOPE: Final = "https://storage.azure.com/.default"
_AUTHENTICATION: Final = ("AuthenticationFailed", "InvalidAuthenticationInfo", "NoAuthenticationInformation")
"""Codes of Azure Storage that say that it does not know who asks, whatever the status."""


@dataclass(frozen=True, slots=True)
class SharedAccessSignature:
    """A token that was made for a part of an account, with what it permits and until when (`sv=…&sig=…`)."""

    token: Secret


@dataclass(frozen=True, slots=True)
class AccountKey:
    """One of the two keys of an account, in Base64."""

    key: Secret


Access = ClientSecretCredentials | SharedAccessSignature | AccountKey


@dataclass(frozen=True, slots=True)
class Blob:
    """What a listing says of a blob. `appended`: it is an append blob, whose bytes never change."""

    name: str
    size: int
    modified: datetime
    created: datetime | None
    etag: str
    appended: bool


@dataclass(frozen=True, slots=True)
class BlobPage:
    """A page of a listing: the blobs, where the next page begins, and the time of the answer by the service's clock."""

    blobs: list[Blob]
    marker: str | None
    at: datetime


class BlobStorage:
    """One storage account. Every method raises `AzureFailure`."""

    def __init__(
        self, account: str, access: Access, clock: Clock, cloud: AzureCloud = PUBLIC, timeout: float = 30.0
    ) -> None:
        self.address = cloud.blob_storage.format(account=account)
        self._account, self._access, self._clock, self._cloud, self._timeout = account, access, clock, cloud, timeout
        self._opening = Lock()
        self._service: BlobServiceClient | None = None
        self._credential: Any = None

    def close(self) -> None:
        """Close the connections."""
        with self._opening:
            for part in (self._service, self._credential):
                if part is not None and hasattr(part, "close"):
                    part.close()
            self._service = self._credential = None

    def authenticate(self) -> None:
        """Get a token, where an app registration signs in; nothing otherwise."""
        self._open()
        if isinstance(self._access, ClientSecretCredentials):
            self._asked(lambda: self._credential.get_token(SCOPE))

    def containers(self, prefix: str) -> list[str]:
        """The names of the containers that start so."""
        return self._asked(lambda: [str(one.name) for one in self._open().list_containers(name_starts_with=prefix)])

    def blobs(self, container: str, marker: str | None, count: int) -> BlobPage:
        """A page of at most `count` blobs of a container; `marker` is the one of the page before."""
        at: list[datetime] = []

        def told(response: Any) -> None:
            at.append(_date(response.http_response.headers, self._clock))

        def ask() -> BlobPage:
            pages = (
                self._open().get_container_client(container).list_blobs(results_per_page=count, raw_response_hook=told)
            )
            paged: Any = pages.by_page(continuation_token=marker)  # azure-core types it as a plain iterator
            found = [_blob(one) for one in next(paged, ())]
            return BlobPage(found, paged.continuation_token or None, at[-1] if at else self._clock.now())

        return self._asked(ask)

    def read(self, container: str, name: str, start: int, length: int, etag: str | None = None) -> bytes:
        """Bytes of a blob from a position on; none where it ends there. With an `etag`, `CONFLICT` if the blob has changed since."""
        sdk()
        from azure.core import MatchConditions

        only: dict[str, Any] = {} if etag is None else {"etag": etag, "match_condition": MatchConditions.IfNotModified}

        def ask() -> bytes:
            blob = self._open().get_blob_client(container, name)
            return bytes(blob.download_blob(offset=start, length=length, **only).readall())

        try:
            return self._asked(ask)
        except AzureFailure as failure:
            if failure.remote_status == 416:
                return b""
            raise

    def _asked(self, ask: Callable[[], T]) -> T:
        try:
            return self._once(ask)
        except AzureFailure as failure:
            if failure.remote_status != 401:
                raise
            # the token ran out on the way, or Azure's clock is ahead of ours: nothing was done, so it may be said again
            return self._once(ask)

    def _once(self, ask: Callable[[], T]) -> T:
        sdk("azure.storage.blob")
        from azure.core.exceptions import AzureError

        try:
            return ask()
        except AzureError as error:
            raise self._failure(error) from error
        except ValueError as error:  # a key that is not Base64, an answer that is not XML
            raise AzureFailure(FailureKind.UNAVAILABLE, f"the answer cannot be read: {type(error).__name__}") from error

    def _failure(self, error: Any) -> AzureFailure:
        answer = getattr(error, "response", None)
        status = getattr(answer, "status_code", None)
        told = getattr(error, "error_code", None)
        code = None if told is None else str(getattr(told, "value", told))
        if answer is None or status is None or "AADSTS" in str(error):
            return from_exception(error, self._clock.now())
        headers: Mapping[str, str] = answer.headers
        kind, wait = _kind(status, code), seconds_to_wait(headers.get("Retry-After"), self._clock.now())
        if kind is FailureKind.AUTHENTICATION:
            self.close()  # the next request signs in anew
        said = re.split(r"\s*(?:\r?\n|RequestId:)", str(getattr(error, "message", None) or ""), maxsplit=1)[0]
        return AzureFailure(
            kind, said or f"HTTP status {status}", hint=_HINTS.get(kind), retry_after=wait, remote_status=status,
            remote_code=code,
        )  # fmt: skip

    def _open(self) -> BlobServiceClient:
        """The client, made at its first use: importing Azure's SDK takes a while."""
        with self._opening:
            if self._service is None:
                from azure.storage.blob import BlobServiceClient

                transport: dict[str, Any] = {"connection_timeout": self._timeout, "read_timeout": self._timeout}
                if self._cloud.ca_file is not None:
                    transport["connection_verify"] = str(self._cloud.ca_file)
                self._credential = self._make_credential(transport)
                self._service = BlobServiceClient(
                    self.address, credential=self._credential, retry_total=0, retry_to_secondary=False,
                    max_single_get_size=64 * 1024 * 1024, **transport,
                )  # fmt: skip
            return self._service

    def _make_credential(self, transport: dict[str, Any]) -> Any:
        if isinstance(self._access, SharedAccessSignature):
            from azure.core.credentials import AzureSasCredential

            return AzureSasCredential(self._access.token.reveal().lstrip("?"))
        if isinstance(self._access, AccountKey):
            from azure.core.credentials import AzureNamedKeyCredential

            return AzureNamedKeyCredential(self._account, self._access.key.reveal())
        from azure.identity import ClientSecretCredential

        return ClientSecretCredential(
            self._access.tenant_id, self._access.client_id, self._access.client_secret.reveal(),
            authority=self._cloud.authority, disable_instance_discovery=not self._cloud.instance_discovery,
            retry_total=0, **transport,
        )  # fmt: skip


_HINTS: Final = {
    FailureKind.AUTHENTICATION: "Verify the client secret, the SAS token or the account key, and that it has not expired.",
    FailureKind.FORBIDDEN: "Assign the role Storage Blob Data Reader on the storage account, and check its firewall.",
    FailureKind.NOT_FOUND: "Verify the names of the storage account and of the containers.",
}


def _kind(status: int, code: str | None) -> FailureKind:
    if status == 401 or code in _AUTHENTICATION:
        return FailureKind.AUTHENTICATION
    by_status = {
        403: FailureKind.FORBIDDEN, 404: FailureKind.NOT_FOUND, 409: FailureKind.CONFLICT, 412: FailureKind.CONFLICT,
        429: FailureKind.THROTTLED,
    }  # fmt: skip
    if status < 400 or status == 408 or status >= 500:
        return FailureKind.UNAVAILABLE
    return by_status.get(status, FailureKind.REFUSED)


def _blob(one: Any) -> Blob:
    return Blob(
        str(one.name), int(one.size), one.last_modified.astimezone(UTC),
        None if one.creation_time is None else one.creation_time.astimezone(UTC), '"{}"'.format(str(one.etag).strip('"')),
        one.blob_type == "AppendBlob",
    )  # fmt: skip


def _date(headers: Mapping[str, str], clock: Clock) -> datetime:
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(headers.get("Date") or "").astimezone(UTC)
    except ValueError:
        return clock.now()
