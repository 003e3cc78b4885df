"""The front door of the instance: OAuth tokens, authentication, and the Table API."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import secrets
from datetime import timedelta
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from vedette.range.documents import Collection, Document
from vedette.range.odata import moment_of
from vedette.range.servicenow import attachments, query, records
from vedette.range.services import Service
from vedette.range.state import FakeTenant, timestamp

TOKEN_LIFETIME: Final = 1799
REFRESH_LIFETIME: Final = 8_640_000
MAX_BODY: Final = 4 * 1024 * 1024
MAX_BATCH: Final = 150
DEFAULT_LIMIT: Final = 10_000
_FAULTS: Final = {
    400: ("Bad Request", "The request is not valid."),
    401: ("User Not Authenticated", "Required to provide Auth information"),
    403: ("Operation Failed", "ACL Exception Insert Failed due to security constraints"),
    404: ("No Record found", "Record doesn't exist or ACL restricts the record retrieval"),
    429: ("Rate limit exceeded", "Rejected by the rate limit rule"),
}


class _Refused(Exception):
    def __init__(self, status: int, message: str, detail: str | None, headers: dict[str, str] | None = None) -> None:
        self.status = status
        self.message = message
        self.detail = detail
        self.headers = headers or {}
        super().__init__(message)


class ServiceNow(Service):
    """Answers requests to `/api/now/…` and `/oauth_token.do`."""

    name = "servicenow"

    def __init__(self, tenant: FakeTenant) -> None:
        self._tenant = tenant

    def owns(self, path: str) -> bool:
        """Whether the path is one of the instance's."""
        return path.startswith("/api/now/") or path == "/oauth_token.do"

    def refusal(self, status: int, code: str | None, message: str | None) -> Response:
        """The answer of a fault."""
        usual, detail = _FAULTS.get(status, ("Failed", "The request failed."))
        return _error(status, code or usual, message or detail)

    async def handle(self, request: Request) -> Response:
        """The answer to a request."""
        body = await request.body()
        if len(body) > MAX_BODY:
            return _error(413, "Request too large", f"at most {MAX_BODY} bytes")
        with self._tenant.lock:
            try:
                if request.scope["path"] == "/oauth_token.do":
                    return self._token(request, body)
                answer = self._batch(request, body) if _is_batch(request) else self._table(request, body)
            except _Refused as error:
                return _error(error.status, error.message, error.detail, error.headers)
            if request.method != "GET":
                self._tenant.save()
        return answer

    # -- who asks

    def _token(self, request: Request, body: bytes) -> Response:
        form = {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
        client = self._of("clients").get(form.get("client_id", ""))
        given = form.get("client_secret", "")
        if request.method != "POST" or client is None or not _same(client["client_secret"], given):
            return JSONResponse({"error": "invalid_client", "error_description": "access_denied"}, status_code=401)
        grant = form.get("grant_type")
        if grant == "password":
            user = self._of("users").get(form.get("username", ""))
            if user is None or not _same(user["password"], form.get("password", "")):
                return _oauth_refusal()
            name = user["name"]
        elif grant == "refresh_token":
            known = self._of("tokens").get(form.get("refresh_token", ""))
            if known is None or known["kind"] != "refresh" or self._over(known):
                return _oauth_refusal()
            name = known["user"]
        elif grant == "client_credentials":
            name = client["user"]
        else:
            return JSONResponse(
                {"error": "unsupported_grant_type", "error_description": f"{grant} is not supported"}, status_code=400
            )
        answer = {"scope": "useraccount", "token_type": "Bearer", "expires_in": TOKEN_LIFETIME}
        answer["access_token"] = self._issue("access", name, TOKEN_LIFETIME)
        if grant != "client_credentials":
            answer["refresh_token"] = self._issue("refresh", name, REFRESH_LIFETIME)
        self._tenant.save()
        return JSONResponse(answer)

    def _issue(self, kind: str, user: str, seconds: int) -> str:
        token = secrets.token_hex(32)
        end = timestamp(self._tenant.clock.at(self.name) + timedelta(seconds=seconds))
        self._of("tokens").put(token, {"kind": kind, "user": user, "end": end})
        return token

    def _over(self, token: Document) -> bool:
        end = moment_of(token["end"])
        return end is None or end <= self._tenant.clock.at(self.name)

    def _user(self, authorization: str | None) -> Document:
        scheme, _, given = (authorization or "").partition(" ")
        user: Document | None = None
        if scheme.lower() == "basic":
            try:
                name, _, password = base64.b64decode(given, validate=True).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                name = password = ""
            found = self._of("users").get(name)
            user = found if found is not None and _same(found["password"], password) else None
        elif scheme.lower() == "bearer":
            token = self._of("tokens").get(given.strip())
            if token is not None and token["kind"] == "access" and not self._over(token):
                user = self._of("users").get(token["user"])
        if user is None:
            message, detail = _FAULTS[401]
            raise _Refused(401, message, detail, {"WWW-Authenticate": 'BASIC realm="Service-now"'})
        return user

    # -- the Table API

    def _table(self, request: Request, body: bytes) -> Response:
        user = self._user(request.headers.get("authorization"))
        parts = [part for part in request.scope["path"].split("/") if part][2:]
        if parts and parts[0] in ("v1", "v2"):
            parts = parts[1:]
        if parts[:1] == ["attachment"]:
            return self._attachment(request, parts[1:], body, user)
        if len(parts) not in (2, 3) or parts[0] != "table":
            raise _Refused(400, "Requested URI does not represent any resource", request.scope["path"])
        table, sys_id = parts[1], parts[2] if len(parts) == 3 else None
        if table == attachments.TABLE and request.method != "GET":
            raise _Refused(403, *_FAULTS[403])
        collection = self._of("table", table)
        if table not in records.TABLES and not len(collection):
            raise _Refused(400, f"Invalid table {table}", None)
        method = request.method
        allowed = {"GET", "POST"} if sys_id is None else {"GET", "PUT", "PATCH", "DELETE"}
        if method not in allowed:
            raise _Refused(405, "Method not allowed", f"{method} not supported", {"Allow": ", ".join(sorted(allowed))})
        may = table not in records.TASKS or bool({"itil", "admin"} & set(user["roles"]))
        if method == "GET" and sys_id is None:
            return self._list(request, table, [attachments.told(record) for record in collection if may])
        if method == "POST":
            if not may:
                raise _Refused(403, *_FAULTS[403])
            return self._write(request, table, None, _document(request, body), user)
        record = collection.get(sys_id or "")
        if record is None or not may:
            raise _Refused(404, *_FAULTS[404])
        if method == "GET":
            return JSONResponse({"result": self._show(request, table, attachments.told(record))})
        if method == "DELETE":
            if "admin" not in user["roles"] and table in records.TASKS:
                raise _Refused(403, "Operation Failed", "ACL Exception Delete Failed due to security constraints")
            collection.delete(record["sys_id"])
            return Response(status_code=204)
        return self._write(request, table, record, _document(request, body), user)

    def _attachment(self, request: Request, parts: list[str], body: bytes, user: Document) -> Response:
        """The Attachment API: list, upload, tell, download, delete."""
        if not {"itil", "admin"} & set(user["roles"]):
            raise _Refused(403, *_FAULTS[403])
        held, query_, path = attachments.files(self._tenant), request.query_params, tuple(parts[1:])
        if not parts and request.method == "GET":
            return self._list(request, attachments.TABLE, [attachments.told(one) for one in held])
        if parts == ["file"] and request.method == "POST":
            try:
                made = attachments.add(
                    self._tenant, query_.get("table_name", ""), query_.get("table_sys_id", ""), query_.get("file_name", ""), body,
                    request.headers.get("content-type", "application/octet-stream"), user["name"], str(request.base_url).rstrip("/"),
                )  # fmt: skip
            except attachments.AttachmentRefused as error:
                raise _Refused(error.status, error.message, error.detail) from None
            location = f"{str(request.base_url).rstrip('/')}/api/now/attachment/{made['sys_id']}"
            return JSONResponse({"result": made}, status_code=201, headers={"Location": location})
        file = held.get(parts[0]) if parts else None
        if file is None or path not in ((), ("file",)):
            raise _Refused(404, *_FAULTS[404])
        if request.method == "GET" and path:
            return Response(attachments.content_of(file), media_type=file["content_type"])
        if request.method == "GET":
            return JSONResponse({"result": attachments.told(file)})
        if request.method != "DELETE" or path:
            raise _Refused(405, "Method not allowed", f"{request.method} not supported")
        held.delete(file["sys_id"])
        return Response(status_code=204)

    def _batch(self, request: Request, body: bytes) -> Response:
        """The Batch API: several requests in one, each answered on its own."""
        self._user(request.headers.get("authorization"))
        given = _document(request, body)
        parts = given.get("rest_requests")
        if not isinstance(parts, list) or len(parts) > MAX_BATCH or not all(isinstance(one, dict) for one in parts):
            raise _Refused(400, "Invalid batch request", f"rest_requests is a list of at most {MAX_BATCH} requests")
        serviced = []
        for one in parts:
            split = urlsplit(str(one.get("url") or ""))
            scope = {
                **request.scope, "method": str(one.get("method") or "GET").upper(), "path": split.path,
                "query_string": split.query.encode(), "headers": _part_headers(request, one.get("headers")),
            }  # fmt: skip
            try:
                content = base64.b64decode(str(one.get("body") or ""))
                if _is_batch(Request(scope)) or not self.owns(split.path):
                    raise _Refused(400, "Requested URI does not represent any resource", split.path)
                answer = self._table(Request(scope), content)
            except _Refused as error:
                answer = _error(error.status, error.message, error.detail, error.headers)
            except binascii.Error:
                answer = _error(400, "Exception while reading request", "The body is not Base64.")
            serviced.append(
                {
                    "id": str(one.get("id")), "status_code": answer.status_code, "status_text": "", "execution_time": 1,
                    "body": base64.b64encode(bytes(answer.body)).decode(),
                    "headers": [{"name": name, "value": value} for name, value in answer.headers.items()],
                }
            )  # fmt: skip
        answered = {
            "batch_request_id": str(given.get("batch_request_id")),
            "serviced_requests": serviced,
            "unserviced_requests": [],
        }
        return JSONResponse(answered)

    def _list(self, request: Request, table: str, found: list[Document]) -> Response:
        parameters = request.query_params
        simple = {name: value for name, value in parameters.items() if not name.startswith("sysparm_")}
        text = "^".join(
            [
                *([parameters["sysparm_query"]] if parameters.get("sysparm_query") else []),
                *(f"{name}={value}" for name, value in simple.items()),
            ]
        )
        try:
            fits, order = query.read(
                text, lambda name: records.has_field(table, name),
                lambda record, name: records.value_of(self._tenant, table, record, name), self._tenant.clock.at(self.name),
            )  # fmt: skip
        except query.QueryRefused as error:
            raise _Refused(400, "Invalid query", str(error)) from None
        rows = [record for record in found if fits(record)]
        for name, descending in reversed(order):
            rows.sort(key=lambda record, name=name: query.sort_key(record, name), reverse=descending)  # type: ignore[misc]
        limit, offset = _number(request, "sysparm_limit", DEFAULT_LIMIT), _number(request, "sysparm_offset", 0)
        headers = {}
        if parameters.get("sysparm_no_count", "").lower() != "true":
            headers["X-Total-Count"] = str(len(rows))
        if parameters.get("sysparm_suppress_pagination_header", "").lower() != "true":
            headers["Link"] = _links(request, len(rows), limit, offset)
        shown = [self._show(request, table, record) for record in rows[offset : offset + limit]]
        return JSONResponse({"result": shown}, headers=headers)

    def _write(
        self, request: Request, table: str, record: Document | None, given: dict[str, Any], user: Document
    ) -> Response:
        if request.query_params.get("sysparm_input_display_value", "").lower() == "true":
            given = records.from_display(self._tenant, table, given)
        try:
            if record is None:
                made = records.create(self._tenant, table, given, user["name"])
            else:
                made = records.change(self._tenant, table, record, given, user["name"])
        except records.RecordRefused as error:
            raise _Refused(403, "Operation Failed", str(error)) from None
        body = {"result": self._show(request, table, made)}
        if record is not None:
            return JSONResponse(body)
        location = f"{str(request.base_url).rstrip('/')}/api/now/table/{table}/{made['sys_id']}"
        return JSONResponse(body, status_code=201, headers={"Location": location})

    def _show(self, request: Request, table: str, record: Document) -> dict[str, Any]:
        parameters = request.query_params
        names = [name.strip() for name in parameters.get("sysparm_fields", "").split(",") if name.strip()]
        mode = parameters.get("sysparm_display_value", "false").lower()
        links = parameters.get("sysparm_exclude_reference_link", "false").lower() != "true"
        origin = str(request.base_url).rstrip("/")
        shown: dict[str, Any] = {}
        for name in names or sorted(record):
            if name not in record and not ("." in name and records.has_field(table, name)):
                continue
            value = records.value_of(self._tenant, table, record, name)
            link = None
            if links and value and name in records.REFERENCES:
                link = f"{origin}/api/now/table/{records.REFERENCES[name]}/{value}"
            readable = records.display(self._tenant, table, record, name) if mode in ("true", "all") else value
            if mode == "all":
                shown[name] = {"display_value": readable, "value": value, **({"link": link} if link else {})}
            elif link:
                shown[name] = (
                    {"link": link, "display_value": readable} if mode == "true" else {"link": link, "value": value}
                )
            else:
                shown[name] = readable
        return shown

    def _of(self, *path: str) -> Collection:
        return self._tenant.documents.of("servicenow", *path)


def _is_batch(request: Request) -> bool:
    return request.method == "POST" and request.scope["path"].rstrip("/").lower() in (
        "/api/now/v1/batch",
        "/api/now/batch",
    )


def _part_headers(request: Request, given: Any) -> list[tuple[bytes, bytes]]:
    """The headers of one request of a batch; who asks is who sent the batch."""
    own = [(str(one.get("name")), str(one.get("value"))) for one in given or [] if isinstance(one, dict)]
    kept = [(name, value) for name, value in request.scope["headers"] if name in (b"authorization", b"host")]
    return kept + [
        (name.lower().encode(), value.encode()) for name, value in own if name.lower() not in ("authorization", "host")
    ]


def _error(status: int, message: str, detail: str | None, headers: dict[str, str] | None = None) -> Response:
    body = {"error": {"message": message, "detail": detail}, "status": "failure"}
    return JSONResponse(body, status_code=status, headers=headers)


def _oauth_refusal() -> Response:
    return JSONResponse({"error": "access_denied", "error_description": "access_denied"}, status_code=401)


def _same(known: str, given: str) -> bool:
    return hmac.compare_digest(known.encode(), given.encode())


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name)
    # As on the instance, a number that is none is as if it was not there.
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else default


def _document(request: Request, body: bytes) -> dict[str, Any]:
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind not in ("application/json", "", "text/json"):
        raise _Refused(415, "Unsupported Media Type", f"The media type '{kind}' is not supported.")
    try:
        document = json.loads(body or b"{}")
    except ValueError as error:
        raise _Refused(400, "Exception while reading request", f"The payload is not valid JSON. {error}") from None
    if not isinstance(document, dict):
        raise _Refused(400, "Exception while reading request", "The payload is not a JSON object.")
    return document


def _links(request: Request, total: int, limit: int, offset: int) -> str:
    base = str(request.url).split("?")[0]
    last = max(0, (total - 1) // limit * limit) if limit else 0
    starts = {"first": 0, "prev": max(0, offset - limit), "next": offset + limit, "last": last}
    if offset == 0:
        del starts["prev"]
    if offset + limit >= total:
        del starts["next"]
    rest = [(name, value) for name, value in request.query_params.multi_items() if name != "sysparm_offset"]
    return ",".join(
        f'<{base}?{urlencode([*rest, ("sysparm_offset", str(start))])}>;rel="{rel}"' for rel, start in starts.items()
    )
