"""The front door of Microsoft Graph: version, token, path, permission, body, in this order."""

from __future__ import annotations

import re
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from vedette.range.front import bearer, read_json, usual
from vedette.range.graph import (
    alerts,
    applications,
    audit_logs,
    authentication_methods,
    batch,
    conditional_access,
    groups,
    incidents,
    legacy_alerts,
    organization,
    risk,
    role_management,
    service_principals,
    ti_indicators,
    users,
)
from vedette.range.graph.errors import GraphError, bad_request, unauthenticated
from vedette.range.graph.operations import GraphRequest, GraphResponse, covered, find, methods_of
from vedette.range.services import Service
from vedette.range.state import FakeTenant
from vedette.range.tokens import Caller, TokenExpired, TokenInvalid, TokenIssuer, TokenTooEarly, WrongAudience

FAMILIES: Final = (
    alerts,
    applications,
    audit_logs,
    authentication_methods,
    conditional_access,
    groups,
    incidents,
    legacy_alerts,
    organization,
    risk,
    role_management,
    service_principals,
    ti_indicators,
    users,
)
"""Importing a module registers what it serves; a new family is one file and its name here."""

AUDIENCES: Final = ("https://graph.microsoft.com", "00000003-0000-0000-c000-000000000000")
_VERSIONS: Final = ("v1.0", "beta")
_KEY: Final = re.compile(r"^([A-Za-z_.]+)\((.+)\)$")

_CODES: Final = {
    400: ("BadRequest", "The request is not valid."),
    401: ("InvalidAuthenticationToken", "Lifetime validation failed, the token is expired."),
    403: ("Forbidden", "Insufficient privileges to complete the operation."),
    404: ("Request_ResourceNotFound", "The resource does not exist."),
    409: ("Conflict", "The resource was changed meanwhile."),
    429: ("TooManyRequests", "Too many requests. Please retry after the interval in the Retry-After header."),
    500: ("InternalServerError", "An internal server error occurred."),
    502: ("BadGateway", "The gateway did not receive a response."),
    503: ("ServiceUnavailable", "The service is temporarily unavailable."),
    504: ("GatewayTimeout", "The gateway did not receive a response in time."),
}


class GraphGateway(Service):
    """Answers requests to `/v1.0/…` and `/beta/…`."""

    name = "graph"

    def __init__(self, tenant: FakeTenant, issuer: TokenIssuer) -> None:
        self._tenant = tenant
        self._issuer = issuer

    def owns(self, path: str) -> bool:
        """Whether the path is one of Graph's."""
        return path.lower().startswith(("/v1.0/", "/beta/"))

    def refusal(self, status: int, code: str | None, message: str | None) -> Response:
        """The answer of a fault."""
        error = GraphError(status, *usual(_CODES, status, code, message))
        return JSONResponse(error.body(self._tenant, self._tenant.ids()), status_code=status)

    async def handle(self, request: Request) -> Response:
        """The answer to a request."""
        request_id, client_id = self._tenant.ids(), request.headers.get("client-request-id")
        headers = {"request-id": request_id, "client-request-id": client_id or request_id, "Cache-Control": "no-cache"}
        try:
            body = await read_json(request, GraphError, _malformed)
            with self._tenant.lock:
                if batch.owns(request):
                    self._caller(request.headers.get("authorization"))
                    answer = batch.answer(request, body, self._single)
                else:
                    answer = self._operate(request, body)
                if request.method != "GET":
                    self._tenant.save()
        except GraphError as error:
            content = error.body(self._tenant, request_id, client_id)
            return JSONResponse(content, status_code=error.status, headers={**headers, **error.headers})
        headers.update(answer.headers)
        if answer.body is None:
            return Response(status_code=answer.status, headers=headers)
        if isinstance(answer.body, int):  # what `/$count` gives
            return Response(str(answer.body), answer.status, headers, "text/plain")
        return JSONResponse(
            answer.body,
            status_code=answer.status,
            headers=headers,
            media_type="application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8",
        )

    def _single(self, request: Request, body: Any) -> GraphResponse:
        """The answer to one request of a batch, also where it is a refusal."""
        try:
            return self._operate(request, body)
        except GraphError as error:
            request_id = self._tenant.ids()
            return GraphResponse(error.status, error.body(self._tenant, request_id, request_id), error.headers)

    def _operate(self, request: Request, body: Any) -> GraphResponse:
        _, version, path = request.scope["path"].split("/", 2)
        caller = self._caller(request.headers.get("authorization"))
        directory = self._tenant.directory(caller.tenant_id)
        assert directory is not None, "tokens are made for directories that exist"
        segments = _segments(path)
        counting = request.method == "GET" and len(segments) > 1 and segments[-1].lower() == "$count"
        if counting:
            segments.pop()
        if segments and segments[0].lower() == "me":
            raise bad_request("/me request is only valid with delegated authentication flow.")
        found = find(request.method, segments)
        if found is None:
            if methods := methods_of(segments):
                raise GraphError(
                    405,
                    "Request_BadRequest",
                    f"Specified HTTP method '{request.method}' is not allowed for the request target.",
                    {"Allow": ", ".join(methods)},
                )
            raise bad_request(f"Resource not found for the segment '{segments[-1] if segments else ''}'.")
        operation, names = found
        granted = frozenset(caller.roles) - self._tenant.faults.withheld(caller.roles)
        if not covered(operation.permissions, granted):
            raise operation.area.refusal(operation.permissions, tuple(sorted(granted)))
        self._count(operation.area.name, caller)
        answer = operation.handler(
            GraphRequest(
                tenant=self._tenant,
                directory=directory,
                caller=caller,
                names=names,
                query={name.lower().lstrip("$"): value for name, value in request.query_params.items()},
                prefer=request.headers.get("prefer", "").lower(),
                consistency=request.headers.get("consistencylevel", "").lower(),
                body=body,
                origin=str(request.base_url).rstrip("/"),
                version=version.lower() if version.lower() in _VERSIONS else version,
                path="/" + path,
                counting=counting,
            )
        )
        if counting and not isinstance(answer.body, int):
            raise bad_request("Resource not found for the segment '$count'.")
        return answer

    def _count(self, area: str, caller: Caller) -> None:
        limit = self._tenant.graph_limits.get(area)
        if limit is None:
            return
        seconds, used = int(self._tenant.clock.at("graph").timestamp()), self._tenant.graph_used
        key = (area, caller.client_id, seconds // 60)
        used[key] = used.get(key, 0) + 1
        if used[key] > limit:
            code, message = _CODES[429]
            raise GraphError(429, code, message, {"Retry-After": str(60 - seconds % 60)})

    def _caller(self, authorization: str | None) -> Caller:
        token = bearer(
            authorization, lambda: unauthenticated("Access token is empty."),
            lambda: unauthenticated("CompactToken parsing failed with error code: 80049217"),
        )  # fmt: skip
        try:
            return self._issuer.check(token, AUDIENCES, self._tenant.clock.at("graph"))
        except TokenExpired:
            raise unauthenticated("Lifetime validation failed, the token is expired.") from None
        except TokenTooEarly:
            raise unauthenticated("Lifetime validation failed, the token is not yet valid.") from None
        except TokenInvalid:
            raise unauthenticated("IDX14100: JWT is not well formed, there are no dots (.).") from None
        except WrongAudience:
            raise unauthenticated("Access token validation failure. Invalid audience.") from None


def _segments(path: str) -> list[str]:
    """The segments of a path; a key in parentheses is a segment, and so `users('x')` is `users/x`."""
    segments: list[str] = []
    for segment in filter(None, path.split("/")):
        match = _KEY.match(segment)
        if match is None:
            segments.append(segment.removeprefix("microsoft.graph.security.").removeprefix("microsoft.graph."))
            continue
        key = match[2]
        segments += [match[1], key[1:-1] if key.startswith("'") else key]
    return segments


def _malformed() -> GraphError:
    return bad_request(
        "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format."
    )
