"""JSON batching: up to 20 requests in one, at `/$batch`.

Source: "Combine multiple HTTP requests using JSON batching" of Microsoft Graph's documentation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.requests import Request

from vedette.range.graph.errors import bad_request
from vedette.range.graph.operations import GraphResponse

MOST: Final = 20
_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")


def owns(request: Request) -> bool:
    """Whether a request is a batch."""
    parts = request.scope["path"].strip("/").lower().split("/")
    return request.method == "POST" and len(parts) == 2 and parts[1] == "$batch"


def answer(request: Request, body: Any, single: Callable[[Request, Any], GraphResponse]) -> GraphResponse:
    """The answers to the requests of a batch, in their order; one that depends on a request that failed is not made."""
    given = body.get("requests") if isinstance(body, dict) else None
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise bad_request("Invalid batch payload format.")
    if len(given) > MOST:
        raise bad_request(f"Number of batch request steps exceeds the maximum value of {MOST}.")
    ids = [str(one.get("id") or "") for one in given]
    if not all(ids) or len({one.lower() for one in ids}) < len(ids):
        raise bad_request("Each request of a batch needs an 'id' of its own.")
    version = request.scope["path"].strip("/").split("/")[0]
    done: dict[str, int] = {}
    responses = []
    for identity, one in zip(ids, given, strict=True):
        method, url = str(one.get("method") or "").upper(), one.get("url")
        if method not in _METHODS or not isinstance(url, str) or not url:
            raise bad_request(f"The request '{identity}' of the batch needs a 'method' and a 'url'.")
        needed = one.get("dependsOn") or []
        if not isinstance(needed, list) or any(str(name) not in done for name in needed):
            raise bad_request(f"The request '{identity}' of the batch depends on one that is not before it.")
        if any(done[str(name)] >= 400 for name in needed):
            refused = {
                "error": {"code": "FailedDependency", "message": "A request that this one depends on has failed."}
            }
            answered = GraphResponse(424, refused)
        else:
            answered = single(_part(request, version, method, url, one.get("headers")), one.get("body"))
        done[identity] = answered.status
        headers = dict(answered.headers)
        response: dict[str, Any] = {"id": identity, "status": answered.status, "headers": headers}
        if answered.body is not None:
            headers["Content-Type"] = "application/json"
            response["body"] = answered.body
        responses.append(response)
    return GraphResponse(200, {"responses": responses})


def _part(request: Request, version: str, method: str, url: str, headers: Any) -> Request:
    """One request of a batch, with the token of the whole."""
    split = urlsplit(url)
    kept = [(name, value) for name, value in request.scope["headers"] if name in (b"authorization", b"host")]
    own = headers.items() if isinstance(headers, dict) else ()
    kept += [
        (str(name).lower().encode(), str(value).encode()) for name, value in own if str(name).lower() != "authorization"
    ]
    scope = {
        **request.scope, "method": method, "path": f"/{version}/{split.path.lstrip('/')}",
        "query_string": split.query.encode(), "headers": kept,
    }  # fmt: skip
    return Request(scope)
