"""The Log Analytics query API (api.loganalytics.io): `/v1/workspaces/{id}/query`, by resource, and in batches."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Sequence
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from vedette.range.logs import access, timespan
from vedette.range.services import Service
from vedette.range.state import FakeTenant, LogQueryError, LogTable
from vedette.range.tokens import Caller, TokenExpired, TokenInvalid, TokenIssuer, TokenTooEarly, WrongAudience

AUDIENCES: Final = (
    "https://api.loganalytics.io",
    "https://api.loganalytics.azure.com",
    "ca7f3f0b-7d91-482c-8e09-c5d840d0eac5",
)
DEFAULT_WAIT: Final = 180.0
MAX_WAIT: Final = 600.0
MAX_BODY: Final = 2 * 1024 * 1024
MAX_WORKSPACES: Final = 100
MAX_BATCH: Final = 100
_WORKSPACE: Final = re.compile(r"/v1/workspaces/([^/]+)/query", re.IGNORECASE)
_RESOURCE: Final = re.compile(r"/v1(/subscriptions/.+?)/query", re.IGNORECASE)
_CODES: Final = {
    400: ("BadArgumentError", "The request had some invalid properties"),
    401: ("AuthorizationRequiredError", "Valid authentication was not provided"),
    403: (
        "InsufficientAccessError",
        "The provided credentials have insufficient access to perform the requested operation",
    ),
    404: ("PathNotFoundError", "The requested path does not exist"),
    429: ("ThrottledError", "Rate limit is exceeded"),
    500: ("InternalServerError", "An unexpected error occurred"),
    502: ("BadGateway", "The gateway did not receive a response"),
    503: ("ServiceUnavailable", "The service is temporarily unavailable"),
    504: ("GatewayTimeout", "The gateway did not receive a response from the upstream server in time"),
}


class QueryRefused(Exception):
    """An answer other than success."""

    def __init__(self, status: int, code: str | None = None, message: str | None = None, inner: Any = None) -> None:
        usual_code, usual_message = _CODES.get(status, ("Failed", "The request failed"))
        self.status = status
        self.error: dict[str, Any] = {"message": message or usual_message, "code": code or usual_code}
        if inner is not None:
            self.error["innererror"] = inner
        super().__init__(self.error["message"])


class LogQuery(Service):
    """Answers requests to `/v1/…`."""

    name = "logs"

    def __init__(self, tenant: FakeTenant, issuer: TokenIssuer) -> None:
        self._tenant = tenant
        self._issuer = issuer

    def owns(self, path: str) -> bool:
        """Whether the path is one of the query API."""
        return path.lower().startswith("/v1/")

    def refusal(self, status: int, code: str | None, message: str | None) -> Response:
        """The answer of a fault."""
        return self._failure(QueryRefused(status, code, message))

    async def handle(self, request: Request) -> Response:
        """The answer to a request. The engine works in a thread of its own: other requests go on."""
        try:
            caller = self._caller(request.headers.get("authorization"))
            body = await self._body(request)
            if body is None:
                return Response(status_code=200)  # a POST that is not JSON is answered with nothing
            path = request.scope["path"]
            if path.lower() == "/v1/$batch":
                return await self._batch(caller, body)
            answer = await asyncio.to_thread(self._answer, caller, path, body, request.headers.get("prefer", ""))
        except QueryRefused as error:
            return self._failure(error)
        return JSONResponse(answer)

    async def _batch(self, caller: Caller, body: dict[str, Any]) -> Response:
        requests = body.get("requests")
        if not isinstance(requests, list) or len(requests) > MAX_BATCH:
            raise QueryRefused(400, message=f"A batch is a list of at most {MAX_BATCH} requests")
        responses = []
        for each in requests:
            given: dict[str, Any] = each if isinstance(each, dict) else {}
            path = f"/v1/workspaces/{given.get('workspace')}{given.get('path', '/query')}"
            if str(given.get("path", "")).startswith("/subscriptions/"):
                path = f"/v1{given['path']}"
            prefer = str((given.get("headers") or {}).get("Prefer", ""))
            try:
                answer: Any = await asyncio.to_thread(self._answer, caller, path, given.get("body") or {}, prefer)
                status = 200
            except QueryRefused as error:
                answer, status = {"error": error.error}, error.status
            responses.append({"id": given.get("id"), "status": status, "headers": {}, "body": answer})
        return JSONResponse({"responses": responses})

    def _answer(self, caller: Caller, path: str, body: dict[str, Any], prefer: str) -> dict[str, Any]:
        workspace_id = self._workspace(caller, path)
        further = body.get("workspaces") or []
        if not isinstance(further, list) or len(further) > MAX_WORKSPACES:
            raise QueryRefused(400, message=f"'workspaces' is a list of at most {MAX_WORKSPACES} names or ids")
        ids = dict.fromkeys([workspace_id, *(self._further(caller, str(one)) for one in further)])
        return answer_query(self._tenant, list(ids), body, prefer)

    def _further(self, caller: Caller, named: str) -> str:
        """Another workspace of a query, by its name, its workspace id or its id in Azure Resource Manager."""
        with self._tenant.lock:
            for subscription, group, workspace in self._tenant.workspaces():
                scope = access.workspace_scope(subscription, group, workspace)
                qualified = f"{subscription.display_name}/{group.name}/{workspace.name}"
                known = (workspace.name, workspace.customer_id, scope, qualified)
                if named.lower() in (one.lower() for one in known) and access.may_read(
                    self._tenant, subscription, scope, caller
                ):
                    return workspace.customer_id
        raise QueryRefused(
            400,
            inner={"code": "SEM0139", "message": f"The workspace '{named}' could not be found or may not be queried"},
        )

    def _workspace(self, caller: Caller, path: str) -> str:
        by_id, by_resource = _WORKSPACE.fullmatch(path), _RESOURCE.fullmatch(path)
        if by_id is None and by_resource is None:
            raise QueryRefused(404)
        with self._tenant.lock:
            for subscription, group, workspace in self._tenant.workspaces():
                scope = access.workspace_scope(subscription, group, workspace)
                wanted = by_id[1] if by_id else by_resource[1] if by_resource else ""
                if wanted.lower() not in (workspace.customer_id.lower(), scope.lower()):
                    continue
                if not access.may_read(self._tenant, subscription, scope, caller):
                    raise QueryRefused(403)
                return workspace.customer_id
        raise QueryRefused(404, "WorkspaceNotFoundError", "The workspace could not be found")

    def _caller(self, authorization: str | None) -> Caller:
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer":
            raise QueryRefused(401)
        try:
            return self._issuer.check(token.strip(), AUDIENCES, self._tenant.clock.at(self.name))
        except TokenExpired:
            raise QueryRefused(401, "AuthenticationFailed", "The access token has expired") from None
        except (TokenInvalid, TokenTooEarly):
            raise QueryRefused(403, "InvalidAuthenticationToken", "The access token is invalid") from None
        except WrongAudience as error:
            message = f"The access token has been obtained for the wrong audience '{error.audience}'"
            raise QueryRefused(403, "InvalidAuthenticationTokenAudience", message) from None

    async def _body(self, request: Request) -> dict[str, Any] | None:
        if request.method == "GET":
            return dict(request.query_params)
        if request.method != "POST":
            raise QueryRefused(404)
        content = await request.body()
        if len(content) > MAX_BODY:
            raise QueryRefused(413, "RequestTooLarge", "The request is too large")
        if "json" not in request.headers.get("content-type", ""):
            return None
        try:
            document = json.loads(content)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise QueryRefused(400, message="The request body is not a JSON object")
        return document

    def _failure(self, error: QueryRefused) -> Response:
        return JSONResponse({"error": {**error.error, "correlationId": self._tenant.ids()}}, status_code=error.status)


def answer_query(tenant: FakeTenant, workspace_ids: Sequence[str], body: dict[str, Any], prefer: str) -> dict[str, Any]:
    """The answer to a query on workspaces that the caller may read. Raises `QueryRefused`."""
    if tenant.log_engine is None:
        raise QueryRefused(501, "NotImplemented", "This fake tenant was started without a query engine")
    text = body.get("query")
    if not isinstance(text, str) or not text.strip():
        raise QueryRefused(400, inner={"code": "QueryValidationError", "message": "The query is missing"})
    now = tenant.clock.at("logs")
    try:
        span = timespan.read(body["timespan"], now) if body.get("timespan") else None
    except (ValueError, TypeError, AttributeError) as error:
        raise QueryRefused(400, inner={"code": "InvalidTimespan", "message": str(error)}) from None
    try:
        tables = tenant.log_engine.query(workspace_ids, text, now, span, _wait(prefer))
    except LogQueryError as error:
        raise QueryRefused(400, inner=_inner(error)) from None
    answer: dict[str, Any] = {"tables": [_table(table) for table in tables]}
    if "include-statistics=true" in prefer:
        answer["statistics"] = {
            "query": {"datasetStatistics": [{"table_row_count": len(table.rows), "table_size": 0} for table in tables]}
        }
    if "include-render=true" in prefer:
        answer["render"] = next((table.visualization for table in tables if table.visualization), {})
    if partial := next((table.partial for table in tables if table.partial), None):
        answer["error"] = {
            "code": "PartialError",
            "message": "There were some errors when processing your query.",
            "details": [
                {"code": "EngineError", "message": partial, "innererror": {"code": "-2133196797", "message": partial}}
            ],
        }
    return answer


def _inner(error: LogQueryError) -> dict[str, Any]:
    words = {
        "SyntaxError": "A recognition error occurred in the query.",
        "SemanticError": "A semantic error occurred.",
        "EngineError": "The query could not be finished.",
    }
    inner: dict[str, Any] = {"code": error.code, "message": str(error)}
    if error.line is not None:
        inner |= {"line": error.line, "pos": error.position}
    return {"code": error.kind, "message": words[error.kind], "innererror": inner}


def _table(table: LogTable) -> dict[str, Any]:
    dynamic = [index for index, (_, kind) in enumerate(table.columns) if kind == "dynamic"]
    rows = table.rows
    if dynamic:
        rows = [list(row) for row in rows]
        for row in rows:
            for index in dynamic:
                if row[index] is not None:  # unlike Kusto's answers, dynamic values are text here
                    row[index] = row[index] if isinstance(row[index], str) else json.dumps(row[index])
    return {
        "name": table.name,
        "columns": [{"name": name, "type": kind} for name, kind in table.columns],
        "rows": rows,
    }


def _wait(prefer: str) -> float:
    match = re.search(r"wait=(\d+)", prefer)
    return min(float(match[1]), MAX_WAIT) if match else DEFAULT_WAIT
