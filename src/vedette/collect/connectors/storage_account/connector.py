"""Reads the exports of diagnostic settings in a storage account, each record once, while they are written.

Azure appends records to the blob of the hour (`…/y=2026/m=03/d=04/h=10/m=00/PT1H.json`); a place is kept for each blob. Blobs that are
written whole each time are read whole, and what was there before is recognised.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from io import BytesIO
from typing import Any, Final

from vedette.clients.azure_cloud import CLOUDS, AzureCloud
from vedette.clients.azure_errors import AzureFailure, FailureKind
from vedette.clients.blob_storage import Access, AccountKey, Blob, BlobStorage, SharedAccessSignature
from vedette.collect.connectors import app_registration
from vedette.collect.connectors.contract import ConnectorManifest, Page, PollFailure, Trouble
from vedette.collect.connectors.polling import TROUBLE, reaching, signing_in
from vedette.collect.connectors.storage_account.cursor import Cursor, Place
from vedette.collect.connectors.storage_account.lines import Read, canonical, digest, document, is_whole
from vedette.collect.connectors.storage_account.manifest import ENDPOINT, KEY, PREFIX, REGISTRATION, ROLE, SAS, manifest
from vedette.core.checks import CheckReport, CheckStep, passed, run_steps
from vedette.core.clock import Clock
from vedette.core.redaction import Secret

LISTED: Final = 1_000
"""Blobs of a page of the listing."""
CHUNK: Final = 4 * 1024 * 1024
LONGEST_LINE: Final = 32 * 1024 * 1024
LARGEST: Final = 256 * 1024 * 1024
"""Bytes of a blob that is written whole each time."""
RECORDS: Final = 5_000
"""Records of a step, about."""
_QUIET: Final = timedelta(hours=1)
"""After so long without a change, the end of a blob is not waited for any more."""


class StorageAccount(app_registration.AppRegistrationKind):
    """The connector `storage-account`."""

    def __init__(self, clock: Clock, clouds: Mapping[str, AzureCloud] = CLOUDS) -> None:
        super().__init__(clock, clouds, manifest)

    def open(self, values: Mapping[str, str], secrets: Mapping[str, Secret]) -> StorageAccountConnection:
        """A connection with checked values; does no network call."""
        cloud = self._clouds[values["cloud"]]
        access: Access
        if values["sign_in"] == SAS:
            access = SharedAccessSignature(secrets["sas_token"])
        elif values["sign_in"] == KEY:
            access = AccountKey(secrets["account_key"])
        else:
            access = app_registration.credentials(values, secrets)
        hosts = [cloud.blob_storage.format(account=values["account"])]
        if values["sign_in"] == REGISTRATION:
            hosts.append(cloud.authority)
        named = dict.fromkeys(name.strip() for name in values.get("containers", "").split(",") if name.strip())
        return StorageAccountConnection(
            BlobStorage(values["account"], access, self._clock, cloud), values["account"], list(named),
            timedelta(days=int(values["first_look_back"])), hosts, values["sign_in"] == REGISTRATION, self._manifest, self._clock,
        )  # fmt: skip


class StorageAccountConnection:
    """One storage account."""

    def __init__(
        self, client: BlobStorage, account: str, containers: list[str], look_back: timedelta, hosts: list[str], signs_in: bool,
        described: ConnectorManifest, clock: Clock,
    ) -> None:  # fmt: skip
        self._client, self._account, self._containers, self._look_back = client, account, containers, look_back
        self._hosts, self._signs_in, self._manifest, self._clock = hosts, signs_in, described, clock

    def close(self) -> None:
        """Close connections."""
        self._client.close()

    def poll(self, endpoint: str, cursor: Mapping[str, Any]) -> Page:
        """Some blobs of a page of the listing, or a part of a blob. What the cursor holds, `cursor.py` says."""
        try:
            return self._step(Cursor(cursor))
        except AzureFailure as failure:
            raise self._told(failure) from failure

    def check(self) -> CheckReport:
        """Reach the hosts, sign in, list containers and blobs, and read a byte of one."""
        plan = reaching(self._hosts)
        if self._signs_in:
            plan.append(signing_in(self._sign_in))
        plan.append((self._manifest.endpoint(ENDPOINT).title, self._check_blobs))
        return run_steps(self._clock, plan)

    def _sign_in(self) -> None:
        try:
            self._client.authenticate()
        except AzureFailure as failure:
            raise self._told(failure) from failure

    def _check_blobs(self) -> CheckStep:
        try:
            containers = self._containers or self._client.containers(PREFIX)
            if not containers:
                return CheckStep(
                    "", None, f"The account can be read; it has no container {PREFIX}… yet.",
                    "Add a diagnostic setting with this storage account as its destination; the first blobs come within minutes.",
                )  # fmt: skip
            for name in containers:
                page = self._client.blobs(name, None, 1)
                for blob in page.blobs:
                    self._client.read(name, blob.name, 0, 1)
        except AzureFailure as failure:
            raise self._told(failure) from failure
        return passed(
            f"{len(containers)} container{'s' * (len(containers) != 1)} can be read: {', '.join(containers[:5])}."
        )

    # -- a step

    def _step(self, cursor: Cursor) -> Page:
        if cursor.containers is None:
            cursor.begin(self._containers or self._client.containers(PREFIX))
            if not cursor.containers:
                cursor.containers = None
                return Page([], cursor.to_dict(), warning=f"the account has no container {PREFIX}…")
        container = cursor.containers[0]
        warning = None
        try:
            page = self._client.blobs(container, cursor.marker, LISTED)
        except AzureFailure as failure:
            if failure.remote_code == "ContainerNotFound":
                return Page([], *self._on(cursor, None), warning=f"the container {container} is not there")
            if cursor.marker is not None and failure.kind is FailureKind.REFUSED:
                cursor.marker = None  # it has expired: the places are kept, so the listing may begin again
                return Page([], cursor.to_dict(), True)
            raise
        cursor.listed(page.at, self._look_back)
        read, late = Read(self._clock.now()), 0
        for blob in (one for one in page.blobs if one.name.lower().endswith(".json")):
            wanted = cursor.wanted(container, blob)
            late += wanted is None
            if not wanted:
                continue
            if read.records >= RECORDS or not self._blob(cursor, container, blob, read):
                return Page(read.events, cursor.to_dict(), True, read.records, read.unknown)
        if late:
            warning = f"{late} blob{'s' * (late != 1)} of {container} changed after a week, which is not read"
        state, more = self._on(cursor, page.marker)
        return Page(read.events, state, more, read.records, read.unknown, warning)

    def _on(self, cursor: Cursor, marker: str | None) -> tuple[dict[str, Any], bool]:
        more = cursor.advance(marker)
        return cursor.to_dict(), more

    def _blob(self, cursor: Cursor, container: str, blob: Blob, read: Read) -> bool:
        """Reads on in a blob; whether it is done with, as far as it was listed."""
        place = cursor.place(container, blob)
        identity = f"storage-account:{digest(self._account.encode(), container.encode(), b'/', blob.name.encode())}"
        try:
            reading = self._appended if blob.appended else self._rewritten
            done = reading(container, blob, place, read, identity, cursor)
        except AzureFailure as failure:
            # deleted, or written anew since it was listed: the next listing tells
            if (
                failure.kind not in (FailureKind.NOT_FOUND, FailureKind.CONFLICT)
                or failure.remote_code == "ContainerNotFound"
            ):
                raise
            done, place.etag = True, ""
        cursor.put(container, blob, place)
        return done

    def _appended(
        self, container: str, blob: Blob, place: Place, read: Read, identity: str, cursor: Cursor
    ) -> bool:  # fmt: skip
        """Whole lines from the place on. What has no line break yet stays for the next time, unless it is a record."""
        length = CHUNK
        place.etag = ""
        while place.read < blob.size:
            if read.records >= RECORDS:
                return False
            data = self._client.read(container, blob.name, place.read, min(length, blob.size - place.read))
            at_end = place.read + len(data) >= blob.size
            end = data.rfind(b"\n") + 1
            self._lines(data[:end], place, read, identity, blob.name)
            rest = data[end:]
            if rest and at_end:
                if not is_whole(rest) and cursor.began is not None and cursor.began - blob.modified < _QUIET:
                    return True  # its etag stays unknown, so that it is looked at again
                self._lines(rest, place, read, identity, blob.name)
            elif not end and not data:
                break  # it is shorter than it was listed: made anew
            elif not end:
                if length >= LONGEST_LINE:
                    read.put_unreadable(
                        data, f"{identity}@{place.read}", f"the line is longer than {LONGEST_LINE} bytes"
                    )
                    place.read += len(data)
                length = min(length * 4, LONGEST_LINE)
        place.etag = blob.etag
        return True

    def _lines(self, data: bytes, place: Place, read: Read, identity: str, name: str) -> None:
        for line in BytesIO(data):
            if line.strip():
                read.put_line(line, f"{identity}@{place.read}:{digest(line.strip())}", name)
            place.read += len(line)

    def _rewritten(
        self, container: str, blob: Blob, place: Place, read: Read, identity: str, cursor: Cursor
    ) -> bool:  # fmt: skip
        """A blob that is written whole: the records after those that were there before, if these are still the same."""
        if blob.size > LARGEST:
            read.put_unreadable(b"", f"{identity}:{blob.etag}", f"the blob {blob.name} is larger than {LARGEST} bytes")
            place.etag = blob.etag
            return True
        found = list(document(self._content(container, blob)))
        whole = [canonical(one) for one in found]
        first = place.read if digest(*whole[: place.read]) == place.digest and place.read <= len(whole) else 0
        seen = Counter(whole[:first])
        last = min(len(found), first + max(RECORDS - read.records, 1))
        for one, raw in zip(found[first:last], whole[first:last], strict=True):
            seen[raw] += 1
            marked = f"{identity}:{digest(raw)}:{seen[raw]}"
            if isinstance(one, bytes):
                read.put_line(one, marked, blob.name)
            else:
                read.put(one, marked, blob.name)
        place.read, place.digest = last, digest(*whole[:last])
        place.etag = blob.etag if last == len(found) else ""
        return last == len(found)

    def _content(self, container: str, blob: Blob) -> bytes:
        parts: list[bytes] = []
        at = 0
        while at < blob.size:
            parts.append(self._client.read(container, blob.name, at, LONGEST_LINE, blob.etag))
            if not parts[-1]:
                break
            at += len(parts[-1])
        return b"".join(parts)

    def _told(self, failure: AzureFailure) -> PollFailure:
        trouble = TROUBLE.get(failure.kind, Trouble.UNAVAILABLE)
        title = self._manifest.endpoint(ENDPOINT).title
        message, hint = f"{title}: {failure.message}", failure.hint
        if trouble is Trouble.FORBIDDEN:
            message = f"{title}: the storage account does not permit to read its blobs ({failure.remote_code or 403}); {ROLE} is needed."
            if failure.remote_code == "KeyBasedAuthenticationNotPermitted":
                message = (
                    f"{title}: the storage account permits no keys and no SAS tokens made of them ({ROLE} is needed)."
                )
                hint = "Sign in with an app registration, or allow access by key in the account's configuration."
        elif trouble is Trouble.THROTTLED:
            message, hint = (
                f"{title}: Azure Storage asks to wait (429).",
                "Raise the polling interval if it happens often.",
            )
        return PollFailure(
            message, trouble, code=failure.code, hint=hint, target=failure.target, retry_after=failure.retry_after
        )
