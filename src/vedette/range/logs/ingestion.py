"""The Logs Ingestion API: `/dataCollectionRules/{immutable id}/streams/{stream}`."""

from __future__ import annotations

import json
import zlib
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from vedette.core.errors import VedetteError
from vedette.range.front import usual
from vedette.range.logs import access
from vedette.range.planting import plant_rows
from vedette.range.services import Service
from vedette.range.state import FakeTenant
from vedette.range.tokens import Caller, TokenExpired, TokenInvalid, TokenIssuer, TokenTooEarly, WrongAudience

AUDIENCES: Final = ("https://monitor.azure.com", "be74cb24-cd9a-4ca0-b8d8-cd2d9b5f3e5d")
VERSIONS: Final = ("2021-11-01-preview", "2023-01-01")
MAX_BODY: Final = 1024 * 1024
_CODES: Final = {
    401: ("Unauthorized", "The request is missing a bearer token or it is not valid for this audience."),
    403: ("OperationFailed", "The authentication token provided does not have access to ingest data."),
    404: ("NotFound", "The data collection rule was not found."),
    429: ("RateLimitExceeded", "Retry after the interval in Retry-After."),
    503: ("ServiceUnavailable", "The service is temporarily unavailable."),
}


class _Refused(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        self.status = status
        self.code = code
        self.message = message
        super().__init__(message)


class LogIngestion(Service):
    """Answers requests to `/dataCollectionRules/…`."""

    name = "ingestion"

    def __init__(self, tenant: FakeTenant, issuer: TokenIssuer) -> None:
        self._tenant = tenant
        self._issuer = issuer

    def owns(self, path: str) -> bool:
        """Whether the path is one of a data collection endpoint."""
        return path.lower().startswith("/datacollectionrules/")

    def refusal(self, status: int, code: str | None, message: str | None) -> Response:
        """The answer of a fault."""
        return _error(status, *usual(_CODES, status, code, message))

    async def handle(self, request: Request) -> Response:
        """204 when the rows are in their table."""
        try:
            caller = self._caller(request.headers.get("authorization"))
            content = await _content(request)
            with self._tenant.lock:
                self._take(request, caller, content)
                self._tenant.save()
        except _Refused as error:
            return _error(error.status, error.code, error.message)
        return Response(status_code=204)

    def _take(self, request: Request, caller: Caller, content: bytes) -> None:
        parts = [part for part in request.scope["path"].split("/") if part]
        if len(parts) != 4 or parts[2].lower() != "streams" or request.method != "POST":
            raise _Refused(404, "NotFound", "The path is not one of a stream.")
        rule_id, stream = parts[1], parts[3]
        if request.query_params.get("api-version") not in VERSIONS:
            raise _Refused(400, "InvalidApiVersion", f"The api-version is one of {', '.join(VERSIONS)}.")
        rule = self._tenant.documents.of("rules").get(rule_id)
        if rule is None:
            raise _Refused(404, "NotFound", f"Data collection rule with immutable Id '{rule_id}' not found.")
        subscription = self._tenant.subscription(rule["subscription"])
        if subscription is None or not access.may_write(self._tenant, subscription, rule["scope"], caller):
            raise _Refused(
                403,
                "OperationFailed",
                "The authentication token provided does not have access to ingest data for the data collection rule with "
                f"immutable Id '{rule_id}'.",
            )
        streams = {name.lower(): table for name, table in rule["streams"].items()}
        table = streams.get(stream.lower())
        if table is None:
            raise _Refused(
                404,
                "NotFound",
                f"Stream: {stream} was not found in the data collection rule with immutable Id '{rule_id}'.",
            )
        try:
            plant_rows(self._tenant, rule["workspace"], table, _rows(content))
        except VedetteError as error:
            raise _Refused(400, "InvalidPayload", str(error)) from None

    def _caller(self, authorization: str | None) -> Caller:
        scheme, _, token = (authorization or "").partition(" ")
        try:
            if scheme.lower() != "bearer":
                raise TokenInvalid
            return self._issuer.check(token.strip(), AUDIENCES, self._tenant.clock.at(self.name))
        except (TokenInvalid, TokenTooEarly, TokenExpired, WrongAudience):
            raise _Refused(401, *_CODES[401]) from None


async def _content(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise _too_large(len(body))
    encoding = request.headers.get("content-encoding", "").lower()
    if encoding not in ("", "identity", "gzip"):
        raise _Refused(415, "UnsupportedMediaType", f"The content encoding '{encoding}' is not supported.")
    if encoding != "gzip":
        return bytes(body)
    unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        plain = unpacker.decompress(bytes(body), MAX_BODY + 1)
    except zlib.error:
        raise _Refused(400, "InvalidPayload", "The request body is not gzip, which its header says.") from None
    if len(plain) > MAX_BODY:
        raise _too_large(len(plain))
    if not unpacker.eof:
        raise _Refused(400, "InvalidPayload", "The compressed request body ends too early.")
    return plain


def _rows(content: bytes) -> list[dict[str, Any]]:
    try:
        rows = json.loads(content)
    except ValueError:
        raise _Refused(400, "InvalidPayload", "The request body is not valid JSON.") from None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise _Refused(400, "InvalidPayload", "The request body is not a JSON array of objects.")
    return rows


def _too_large(size: int) -> _Refused:
    return _Refused(
        413,
        "ContentLengthLimitExceeded",
        f"Maximum allowed content length: {MAX_BODY} bytes (1 MB). Provided content length: {size} bytes.",
    )


def _error(status: int, code: str, message: str) -> Response:
    return JSONResponse({"error": {"code": code, "message": message}}, status_code=status)
