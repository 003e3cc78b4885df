"""Refusals of Azure Resource Manager: `{"error": {"code", "message"}}` with the headers that go with them."""

from __future__ import annotations

from datetime import datetime
from typing import Any


class ArmError(Exception):
    """An answer other than success."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}
        super().__init__(f"{code}: {message}")

    def body(self) -> dict[str, Any]:
        """The answer's JSON."""
        return {"error": {"code": self.code, "message": self.message}}


def bad_request(message: str, code: str = "BadRequest") -> ArmError:
    """400: the request is not valid."""
    return ArmError(400, code, message)


def not_authenticated(code: str, message: str, tenant_id: str, description: str) -> ArmError:
    """401 with the challenge that tells a client where tokens come from."""
    challenge = (
        f'Bearer authorization_uri="https://login.windows.net/{tenant_id}", error="invalid_token", '
        f'error_description="{description}"'
    )
    return ArmError(401, code, message, {"WWW-Authenticate": challenge})


def token_expired(expiry: datetime, now: datetime, tenant_id: str) -> ArmError:
    """401 for a token whose time is over."""
    message = (
        f"The access token expiry UTC time '{_us_time(expiry)}' is earlier than current UTC time '{_us_time(now)}'."
    )
    return not_authenticated("ExpiredAuthenticationToken", message, tenant_id, message)


def forbidden(client_id: str, object_id: str, action: str, scope: str) -> ArmError:
    """403: no role of the caller permits the action. Also the answer for a scope that does not exist."""
    return ArmError(
        403,
        "AuthorizationFailed",
        f"The client '{client_id}' with object id '{object_id}' does not have authorization to perform action "
        f"'{action}' over scope '{scope}' or the scope is invalid. If access was recently granted, please refresh your "
        "credentials.",
        {"x-ms-failure-cause": "gateway"},
    )


def no_subscription(subscription_id: str) -> ArmError:
    """404: the subscription is not known."""
    return ArmError(404, "SubscriptionNotFound", f"The subscription '{subscription_id}' could not be found.")


def no_resource_group(name: str) -> ArmError:
    """404: the resource group is not known."""
    return ArmError(
        404,
        "ResourceGroupNotFound",
        f"Resource group '{name}' could not be found.",
        {"x-ms-failure-cause": "gateway"},
    )


def no_resource(resource_type: str, name: str, resource_group: str) -> ArmError:
    """404: the resource (here: the workspace) is not in its resource group."""
    return ArmError(
        404,
        "ResourceNotFound",
        f"The Resource '{resource_type}/{name}' under resource group '{resource_group}' was not found. For more "
        "details please go to https://aka.ms/ARMResourceNotFoundFix",
        {"x-ms-failure-cause": "gateway"},
    )


def no_type(namespace: str, resource_type: str, version: str | None = None) -> ArmError:
    """404: nothing of that type is served."""
    suffix = f" for api version '{version}'" if version else ""
    return ArmError(
        404,
        "InvalidResourceType",
        f"The resource type '{resource_type}' could not be found in the namespace '{namespace}'{suffix}.",
        {"x-ms-failure-cause": "gateway"},
    )


def conflict(name: str) -> ArmError:
    """409: the etag is not that of the newest version, or there is none."""
    return ArmError(409, "Conflict", f"Newer version of resource '{name}' exists. Data was not saved")


def throttled(retry_after: int) -> ArmError:
    """429 with the seconds to wait."""
    return ArmError(
        429,
        "SubscriptionRequestsThrottled",
        f"Number of requests for subscription exceeded the limit. Please try again after '{retry_after}' seconds.",
        {"Retry-After": str(retry_after)},
    )


def _us_time(moment: datetime) -> str:
    hour = moment.hour % 12 or 12
    half = "AM" if moment.hour < 12 else "PM"
    return f"{moment.month}/{moment.day}/{moment.year} {hour}:{moment:%M:%S} {half}"
