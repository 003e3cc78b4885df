"""Refusals of Microsoft Graph: `{"error": {"code", "message", "innerError"}}`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from vedette.range.state import FakeTenant

GRAPH_ID: Final = "00000003-0000-0000-c000-000000000000"


class GraphError(Exception):
    """An answer other than success."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}
        super().__init__(f"{code}: {message}")

    def body(self, tenant: FakeTenant, request_id: str, client_request_id: str | None = None) -> dict[str, Any]:
        """The answer's JSON."""
        return {
            "error": {
                "code": self.code,
                "message": self.message,
                "innerError": {
                    "date": f"{tenant.clock.at('graph'):%Y-%m-%dT%H:%M:%S}",
                    "request-id": request_id,
                    "client-request-id": client_request_id or request_id,
                },
            }
        }


def bad_request(message: str, code: str = "BadRequest") -> GraphError:
    """400: the request is not valid."""
    return GraphError(400, code, message)


def not_found(name: str) -> GraphError:
    """404 as the directory words it."""
    return GraphError(
        404,
        "Request_ResourceNotFound",
        f"Resource '{name}' does not exist or one of its queried reference-property objects are not present.",
    )


def unauthenticated(message: str) -> GraphError:
    """401 with the challenge that tells a client where tokens come from."""
    challenge = (
        'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", '
        f'client_id="{GRAPH_ID}"'
    )
    return GraphError(401, "InvalidAuthenticationToken", message, {"WWW-Authenticate": challenge})


@dataclass(frozen=True, slots=True)
class Area:
    """A part of Graph with words of its own for a permission that is missing."""

    name: str
    code: str
    message: str
    """`{required}` and `{granted}` stand for the permissions that would do, and those that the token has."""

    def refusal(self, required: tuple[str, ...], granted: tuple[str, ...]) -> GraphError:
        """403: no permission of the application covers the operation."""
        names = dict.fromkeys(name for alternative in required for name in alternative.split("+"))
        return GraphError(403, self.code, self.message.format(required=",".join(names), granted=",".join(granted)))


SECURITY: Final = Area(
    "security",
    "Forbidden",
    "Missing application roles. API required roles: {required}, application roles: {granted}.",
)
DIRECTORY: Final = Area(
    "directory", "Authorization_RequestDenied", "Insufficient privileges to complete the operation."
)
PROTECTION: Final = Area(
    "identityProtection",
    "Forbidden",
    "You cannot perform the requested operation, required scopes are missing in the token.",
)
ACCESS: Final = Area(
    "conditionalAccess",
    "AccessDenied",
    "You cannot perform the requested operation, required scopes are missing in the token.",
)
REPORTS: Final = Area(
    "auditLogs",
    "Authentication_MSGraphPermissionMissing",
    "The principal does not have required Microsoft Graph permission(s): {required} to call this API.",
)
AUTHENTICATION: Final = Area("authentication", "accessDenied", "Request Authorization failed")
