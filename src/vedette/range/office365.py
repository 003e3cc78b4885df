"""The Office 365 Management Activity API: `/api/v1.0/{tenant}/activity/feed/…`. Content lies in the collection `office365/<type>`."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from vedette.range.services import Service
from vedette.range.state import FakeTenant
from vedette.range.tokens import TokenExpired, TokenInvalid, TokenIssuer, TokenTooEarly, WrongAudience

AUDIENCES: Final = ("https://manage.office.com",)
PAGE: Final = 100
_PATH: Final = re.compile(
    r"/api/v1\.0/([^/]+)/activity/feed/(subscriptions/start|subscriptions/content|audit/(.+))", re.IGNORECASE
)


class ActivityFeed(Service):
    """Answers requests to the activity feed. A document of the collection has `contentCreated` and `records`."""

    name = "office365"

    def __init__(self, tenant: FakeTenant, issuer: TokenIssuer) -> None:
        self._tenant, self._issuer = tenant, issuer

    def owns(self, path: str) -> bool:
        """Whether the path is one of the feed's."""
        return _PATH.fullmatch(path) is not None

    def refusal(self, status: int, code: str | None, message: str | None) -> Response:
        """The answer of a fault."""
        return JSONResponse(
            {"error": {"code": code or f"AF{status}", "message": message or "The request failed."}}, status
        )

    async def handle(self, request: Request) -> Response:
        """The answer to a request."""
        found = _PATH.fullmatch(request.scope["path"])
        assert found is not None
        token = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
        try:
            self._issuer.check(token, AUDIENCES, self._tenant.clock.at(self.name))
        except (TokenExpired, TokenInvalid, TokenTooEarly, WrongAudience):
            return self.refusal(401, "AF10001", "The token is not valid for this audience, or has expired.")
        directory, action, identity = found[1], found[2].lower(), found[3]
        with self._tenant.lock:
            return self._answer(request, directory, action, identity)

    def _answer(self, request: Request, directory: str, action: str, identity: str | None) -> Response:
        documents = self._tenant.documents
        if identity is not None:
            kind = identity.partition("$")[0]
            one = documents.of("office365", directory, kind).get(identity)
            return (
                self.refusal(404, "AF20051", "The content has expired.")
                if one is None
                else JSONResponse(one["records"])
            )
        kind = request.query_params.get("contentType", "")
        started = documents.of("office365", directory, "subscriptions")
        if action == "subscriptions/start":
            if started.get(kind) is not None:
                return self.refusal(400, "AF20024", "The subscription is already enabled. No property change.")
            started.put(kind, {"contentType": kind, "status": "enabled"})
            return JSONResponse({"contentType": kind, "status": "enabled", "webhook": None})
        if started.get(kind) is None:
            return self.refusal(400, "AF20022", "No subscription found for the specified content type.")
        start, end = request.query_params.get("startTime", ""), request.query_params.get("endTime", "")
        at = int(request.query_params.get("nextPage", "0"))
        found = sorted(
            (one for one in documents.of("office365", directory, kind) if start <= one["contentCreated"][:19] < end),
            key=lambda one: (one["contentCreated"], one["contentId"]),
        )
        origin = f"https://{request.headers['host']}"
        listed: list[dict[str, Any]] = [
            {
                "contentType": kind, "contentId": one["contentId"], "contentCreated": one["contentCreated"],
                "contentUri": f"{origin}/api/v1.0/{directory}/activity/feed/audit/{quote(one['contentId'])}",
            }
            for one in found[at : at + PAGE]
        ]  # fmt: skip
        headers = {}
        if at + PAGE < len(found):
            query = f"contentType={kind}&startTime={quote(start)}&endTime={quote(end)}&nextPage={at + PAGE}"
            headers["NextPageUri"] = f"{origin}/api/v1.0/{directory}/activity/feed/subscriptions/content?{query}"
        return JSONResponse(listed, headers=headers)
