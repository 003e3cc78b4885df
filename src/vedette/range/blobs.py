"""Azure Blob Storage: the blobs of storage accounts at `/{account}/{container}/{blob}`.

Containers and blobs can be listed and read, and append blobs can be made and appended to. Requests need a token of Entra: the accounts
permit no keys, and so no SAS tokens made of them. Source: the REST reference of Blob Storage (List Containers, List Blobs, Get Blob, Put
Blob, Append Block).
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Final
from urllib.parse import unquote
from xml.sax.saxutils import escape

from starlette.requests import Request
from starlette.responses import Response

from vedette.core.errors import InvalidInput
from vedette.range.documents import Collection
from vedette.range.front import usual
from vedette.range.roles import assigned
from vedette.range.services import Service
from vedette.range.state import FakeTenant, timestamp
from vedette.range.tokens import TokenExpired, TokenInvalid, TokenIssuer, TokenTooEarly, WrongAudience

AUDIENCES: Final = ("https://storage.azure.com", "e406a681-f3d4-42a8-90b6-c2b029497af1")
VERSION: Final = "2021-12-02"
_READ: Final = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"
_LIST: Final = "Microsoft.Storage/storageAccounts/blobServices/containers/read"
_WRITE: Final = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write"
_ADD: Final = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/add/action"
_MOST: Final = 5_000
_RANGE: Final = re.compile(r"bytes=(\d+)-(\d*)")
_USUAL: Final = {
    400: ("InvalidQueryParameterValue", "Value for one of the query parameters specified in the request URI is invalid."),
    401: ("InvalidAuthenticationInfo", "Server failed to authenticate the request."),
    403: ("AuthorizationPermissionMismatch", "This request is not authorized to perform this operation using this permission."),
    404: ("BlobNotFound", "The specified blob does not exist."),
    409: ("BlobAlreadyExists", "The specified blob already exists."),
    412: ("ConditionNotMet", "The condition specified using HTTP conditional header(s) is not met."),
    416: ("InvalidRange", "The range specified is invalid for the current size of the resource."),
    500: ("InternalError", "Server encountered an internal error. Please try again after some time."),
    503: ("ServerBusy", "The server is currently unable to receive requests. Please retry your request."),
}  # fmt: skip


class _Refused(Exception):
    def __init__(self, status: int, code: str | None = None, message: str | None = None) -> None:
        self.status = status
        self.code, self.message = usual(_USUAL, status, code, message)
        super().__init__(self.message)


class BlobService(Service):
    """Answers requests to storage accounts."""

    name = "blobs"

    def __init__(self, tenant: FakeTenant, issuer: TokenIssuer) -> None:
        self._tenant, self._issuer = tenant, issuer

    def owns(self, path: str) -> bool:
        """Whether the path begins with the name of a storage account."""
        return path.partition("/")[2].partition("/")[0] in self._tenant.documents.of("storage")

    def refusal(self, status: int, code: str | None, message: str | None) -> Response:
        """The answer of a fault: XML with its code also in a header, as Azure Storage says it."""
        failed = _Refused(status, code, message)
        text = (
            f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{escape(failed.code)}</Code>'
            f"<Message>{escape(failed.message)}</Message></Error>"
        )
        headers = {"x-ms-error-code": failed.code, "x-ms-version": VERSION}
        if status == 401:
            headers["www-authenticate"] = "Bearer resource_id=https://storage.azure.com"
        return Response(text, status, headers, "application/xml")

    async def handle(self, request: Request) -> Response:
        """The answer to a request."""
        content = await request.body()
        with self._tenant.lock:
            try:
                answer = self._answer(request, content)
            except _Refused as refused:
                return self.refusal(refused.status, refused.code, refused.message)
            if request.method == "PUT":
                self._tenant.save()
        answer.headers["x-ms-version"] = VERSION
        return answer

    def _answer(self, request: Request, content: bytes) -> Response:
        path, query = request.scope["path"], request.query_params
        parts = path.split("/", 3)[1:]
        account, container, name = (*parts, "", "")[:3]
        name = unquote(name)
        if request.method == "PUT":
            self._permit(request, account, _ADD if query.get("comp") == "appendblock" else _WRITE)
            return self._put(request, account, container, name, content)
        if request.method not in ("GET", "HEAD"):
            raise _Refused(405, "UnsupportedHttpVerb", "The resource doesn't support the specified Http Verb.")
        listing = query.get("comp") == "list"
        self._permit(request, account, _LIST if listing and not container else _READ)
        if listing:
            return self._containers(account, query) if not container else self._blobs(account, container, query)
        return self._get(request, self._found(account, container, name))

    def _permit(self, request: Request, account: str, action: str) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "sharedkey" or "sig" in request.query_params:
            raise _Refused(
                403,
                "KeyBasedAuthenticationNotPermitted",
                "Key based authentication is not permitted on this storage account.",
            )
        try:
            caller = self._issuer.check(token.strip(), AUDIENCES, self._tenant.clock.at(self.name))
        except (TokenExpired, TokenInvalid, TokenTooEarly, WrongAudience):
            raise _Refused(401) from None
        described = self._tenant.documents.of("storage").get(account)
        assert described is not None
        subscription = self._tenant.subscription(described["subscription"])
        scope = described["id"]
        if (
            subscription is None
            or self._tenant.faults.withheld((action,))
            or caller.tenant_id.lower() != subscription.tenant_id.lower()
            or not any(
                role.permits(action) if action == _LIST else role.permits_data(action)
                for role in assigned(subscription.role_assignments, caller.object_id, scope)
            )
        ):
            raise _Refused(403)

    # -- reading

    def _containers(self, account: str, query: Mapping[str, str]) -> Response:
        names = sorted(key[2] for key in (one.key for one in self._tenant.documents.below("blobs", account)))
        chosen = [name for name in names if name.startswith(query.get("prefix", ""))]
        page, following = _page(chosen, query)
        inner = "".join(
            f"<Container><Name>{escape(name)}</Name><Properties><Last-Modified>{_http(self._tenant.clock.now())}"
            '</Last-Modified><Etag>"0x8D0"</Etag></Properties></Container>'
            for name in page
        )
        return _listing(f'ServiceEndpoint="{account}"', "Containers", inner, following)

    def _blobs(self, account: str, container: str, query: Mapping[str, str]) -> Response:
        held = self._container(account, container)
        names = {one["name"]: one for one in held if one["name"].startswith(query.get("prefix", ""))}
        page, following = _page(sorted(names), query)
        inner = "".join(_described(names[name]) for name in page)
        return _listing(f'ServiceEndpoint="{account}" ContainerName="{container}"', "Blobs", inner, following)

    def _get(self, request: Request, blob: dict[str, Any]) -> Response:
        if request.headers.get("if-match", blob["etag"]) not in ("*", blob["etag"]):
            raise _Refused(412)
        content = blob["text"].encode()
        headers = {
            "etag": blob["etag"], "last-modified": _http(_moment(blob["modified"])), "x-ms-blob-type": blob["type"],
            "x-ms-creation-time": _http(_moment(blob["created"])), "accept-ranges": "bytes",
        }  # fmt: skip
        wanted = _RANGE.fullmatch(request.headers.get("x-ms-range") or request.headers.get("range") or "")
        if wanted is None:
            return Response(content, 200, headers, "application/octet-stream")
        start, end = int(wanted[1]), int(wanted[2] or len(content) - 1)
        if start >= len(content):
            raise _Refused(416)
        part = content[start : end + 1]
        headers["content-range"] = f"bytes {start}-{start + len(part) - 1}/{len(content)}"
        return Response(part, 206, headers, "application/octet-stream")

    # -- writing

    def _put(self, request: Request, account: str, container: str, name: str, content: bytes) -> Response:
        now = self._tenant.clock.now()
        if not name:
            self._tenant.documents.of("blobs", account, container)
            return Response(status_code=201)
        held = self._container(account, container)
        if request.query_params.get("comp") == "appendblock":
            blob = self._found(account, container, name)
            if blob["type"] != "AppendBlob":
                raise _Refused(409, "InvalidBlobType", "The blob type is invalid for this operation.")
            put_blob(held, name, blob["text"] + content.decode("utf-8", "replace"), now, created=blob["created"])
            return Response(status_code=201, headers={"x-ms-blob-append-offset": str(len(blob["text"].encode()))})
        kind = request.headers.get("x-ms-blob-type", "BlockBlob")
        if request.headers.get("if-none-match") == "*" and held.get(_key(name)) is not None:
            raise _Refused(409)
        put_blob(held, name, content.decode("utf-8", "replace"), now, kind=kind)
        return Response(status_code=201)

    def _container(self, account: str, container: str) -> Collection:
        if not any(one.key[2] == container.lower() for one in self._tenant.documents.below("blobs", account)):
            raise _Refused(404, "ContainerNotFound", "The specified container does not exist.")
        return self._tenant.documents.of("blobs", account, container)

    def _found(self, account: str, container: str, name: str) -> dict[str, Any]:
        found = self._container(account, container).get(_key(name))
        if found is None:
            raise _Refused(404)
        return found


def put_blob(
    held: Collection, name: str, text: str, now: datetime, *, kind: str = "AppendBlob", created: str | None = None
) -> None:  # fmt: skip
    """Writes a blob into a container; `created` is kept where it was there before."""
    at = timestamp(now)
    etag = hashlib.sha256(f"{name}\0{at}\0{text}".encode()).hexdigest()[:15].upper()
    held.put(
        _key(name),
        {"name": name, "text": text, "type": kind, "created": created or at, "modified": at, "etag": f'"0x{etag}"'},
    )


def plant(tenant: FakeTenant, subscription: str, account: Mapping[str, Any]) -> None:
    """A storage account of a seed: its `name`, `resource_group`, and the texts of append blobs by container and name."""
    name = str(account["name"])
    if any(entry.id == name or entry.domain == name for entry in tenant.directories):
        raise InvalidInput(f"The storage account '{name}' has the name of a directory.")
    identity = (
        f"/subscriptions/{subscription}/resourceGroups/{account['resource_group']}/providers/Microsoft.Storage"
        f"/storageAccounts/{name}"
    )
    tenant.documents.of("storage").put(name, {"name": name, "id": identity, "subscription": subscription})
    for container, blobs in account["containers"].items():
        held = tenant.documents.of("blobs", name, container)
        for blob, text in blobs.items():
            put_blob(held, blob, text, tenant.clock.now())


def _key(name: str) -> str:
    """Names of blobs are told apart by case; those of documents are not."""
    return hashlib.sha256(name.encode()).hexdigest()


def _page(names: list[str], query: Mapping[str, str]) -> tuple[list[str], str | None]:
    """The names from the marker on, and the next marker."""
    marker = query.get("marker") or ""
    try:
        after = base64.urlsafe_b64decode(marker).decode() if marker else ""
        count = min(int(query.get("maxresults") or _MOST), _MOST)
    except ValueError:
        raise _Refused(400) from None
    rest = [name for name in names if name > after]
    page = rest[:count]
    return page, base64.urlsafe_b64encode(page[-1].encode()).decode() if len(rest) > count else None


def _listing(attributes: str, element: str, inner: str, following: str | None) -> Response:
    text = (
        f'<?xml version="1.0" encoding="utf-8"?><EnumerationResults {attributes}><{element}>{inner}</{element}>'
        f"<NextMarker>{following or ''}</NextMarker></EnumerationResults>"
    )
    return Response(text, 200, media_type="application/xml")


def _described(blob: Mapping[str, Any]) -> str:
    facts = {
        "Creation-Time": _http(_moment(blob["created"])), "Last-Modified": _http(_moment(blob["modified"])),
        "Etag": blob["etag"].strip('"'), "Content-Length": str(len(blob["text"].encode())),
        "Content-Type": "application/octet-stream", "BlobType": blob["type"],
    }  # fmt: skip
    properties = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in facts.items())
    return f"<Blob><Name>{escape(blob['name'])}</Name><Properties>{properties}</Properties></Blob>"


def _http(moment: datetime) -> str:
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
