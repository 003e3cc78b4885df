"""What can go wrong with Azure, told as a cause and a solution: the mapping from the SDK's errors to ours."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from vedette.core.errors import VedetteError

if TYPE_CHECKING:
    from azure.core.exceptions import AzureError


class FailureKind(StrEnum):
    """What kind of failure it is; decides whether waiting helps."""

    AUTHENTICATION = "authentication"
    TENANT_NOT_FOUND = "tenant-not-found"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not-found"
    CONFLICT = "conflict"
    THROTTLED = "throttled"
    REFUSED = "refused"
    """The request itself is not acceptable; it will never be."""
    UNAVAILABLE = "unavailable"
    """The network, a time-out or the other side's own failure."""


@dataclass(frozen=True, slots=True)
class Advice:
    """One row of a troubleshooting table."""

    error: str
    cause: str
    solution: str


ADVICE: Final = {
    FailureKind.AUTHENTICATION: Advice(
        "Authentication failed",
        "The credentials are not valid.",
        "Verify that tenant_id, client_id and client_secret are correct.",
    ),
    FailureKind.FORBIDDEN: Advice(
        "Forbidden / 403",
        "The App Registration does not have the permissions it needs.",
        "Assign the Microsoft Sentinel Responder role to the App Registration on the workspace.",
    ),
    FailureKind.NOT_FOUND: Advice(
        "Resource not found",
        "The configuration names something that does not exist.",
        "Verify subscription_id, resource_group_name and workspace_name.",
    ),
    FailureKind.TENANT_NOT_FOUND: Advice(
        "Tenant not found",
        "The tenant id is wrong.",
        "Check that tenant_id is the Directory (tenant) ID of your Microsoft Entra (Azure AD) tenant.",
    ),
    FailureKind.CONFLICT: Advice(
        "Conflict",
        "The resource was changed by somebody else in the meantime.",
        "Read it again and repeat the change.",
    ),
    FailureKind.THROTTLED: Advice(
        "Too many requests",
        "Azure limits the number of requests for this subscription.",
        "Nothing: the request is repeated after the time that Azure asks for.",
    ),
    FailureKind.REFUSED: Advice(
        "Request refused",
        "Azure does not accept the request.",
        "Read Azure's message; report it if the configuration is right.",
    ),
    FailureKind.UNAVAILABLE: Advice(
        "Azure cannot be reached",
        "The network, a proxy or Azure itself does not work right now.",
        "Check the connection to Azure; the request is repeated.",
    ),
}

_CODES: Final = {
    FailureKind.AUTHENTICATION: ("VDT6101", 502),
    FailureKind.TENANT_NOT_FOUND: ("VDT6102", 502),
    FailureKind.FORBIDDEN: ("VDT6103", 502),
    FailureKind.NOT_FOUND: ("VDT6104", 502),
    FailureKind.CONFLICT: ("VDT6105", 409),
    FailureKind.THROTTLED: ("VDT6106", 503),
    FailureKind.REFUSED: ("VDT6107", 502),
    FailureKind.UNAVAILABLE: ("VDT6108", 503),
}

_CREDENTIAL_FIELDS: Final = ("tenant_id", "client_id", "client_secret")
_SCOPE_FIELDS: Final = ("subscription_id", "resource_group_name", "workspace_name")

# What the code of Entra says more exactly than "authentication failed".
_ENTRA_HINTS: Final = {
    "AADSTS700016": (
        "Verify client_id and tenant_id: the tenant has no application with this id.",
        ("client_id", "tenant_id"),
    ),
    "AADSTS7000112": ("Enable the App Registration again in Microsoft Entra ID.", ("client_id",)),
    "AADSTS7000215": ("Verify that client_secret is the secret's value, not its id.", ("client_secret",)),
    "AADSTS7000222": (
        "The client secret has expired: create a new one and enter its value as client_secret.",
        ("client_secret",),
    ),
    "AADSTS53003": ("A Conditional Access policy blocks the App Registration.", ("client_id",)),
}
_ENTRA_TRANSIENT: Final = ("AADSTS90033", "AADSTS90055", "AADSTS90024")
_NOT_FOUND_FIELDS: Final = {
    "SubscriptionNotFound": "subscription_id",
    "InvalidSubscriptionId": "subscription_id",
    "ResourceGroupNotFound": "resource_group_name",
    "ResourceNotFound": "workspace_name",
}
_MAX_RETRY_AFTER: Final = 24 * 3600.0


class AzureFailure(VedetteError):
    """A request to Azure that did not succeed.

    `kind` says why, `cause` and `hint` (the solution) are the rows of the troubleshooting table, `fields` names the
    configuration fields in question, `retry_after` is how many seconds Azure asks to wait, `remote_status` and
    `remote_code` are what it answered.
    """

    def __init__(
        self,
        kind: FailureKind,
        detail: str = "",
        *,
        hint: str | None = None,
        fields: tuple[str, ...] = (),
        retry_after: float | None = None,
        remote_status: int | None = None,
        remote_code: str | None = None,
    ) -> None:
        advice = ADVICE[kind]
        code, status = _CODES[kind]
        detail = " ".join(detail.split())
        message = f"{advice.error}: {detail}" if detail else f"{advice.error}."
        super().__init__(
            message, code=code, status=status, hint=hint or advice.solution, target=", ".join(fields) or None
        )
        self.kind = kind
        self.cause = advice.cause
        self.fields = fields
        self.retry_after = retry_after
        self.remote_status = remote_status
        self.remote_code = remote_code

    def to_dict(self) -> dict[str, object]:
        return {**super().to_dict(), "cause": self.cause}


def from_response(status: int, headers: Mapping[str, str], body: str, now: datetime) -> AzureFailure:
    """The failure that an answer of Azure Resource Manager describes. `headers` is a mapping without case."""
    code, message = _error_of(body)
    retry_after = seconds_to_wait(headers.get("Retry-After"), now)
    common: dict[str, Any] = {"retry_after": retry_after, "remote_status": status, "remote_code": code}
    if status == 401:
        return _unauthorized(code, message, common)
    if status == 403:
        hint = (
            f"{ADVICE[FailureKind.FORBIDDEN].solution} Azure gives the same answer for a resource group or workspace "
            "that does not exist, so check resource_group_name and workspace_name too."
        )
        return AzureFailure(FailureKind.FORBIDDEN, message, hint=hint, fields=_SCOPE_FIELDS, **common)
    if status == 404:
        field = _NOT_FOUND_FIELDS.get(code or "")
        if field is None:
            return AzureFailure(FailureKind.NOT_FOUND, message, **common)
        return AzureFailure(FailureKind.NOT_FOUND, message, hint=f"Verify {field}.", fields=(field,), **common)
    if status in (409, 412):
        return AzureFailure(FailureKind.CONFLICT, message, **common)
    if status == 429:
        return AzureFailure(FailureKind.THROTTLED, message, **common)
    if status >= 500 or status == 408:
        return AzureFailure(FailureKind.UNAVAILABLE, message or f"HTTP status {status}", **common)
    return AzureFailure(FailureKind.REFUSED, message or f"HTTP status {status}", **common)


def from_exception(error: AzureError, now: datetime) -> AzureFailure:
    """The failure behind an exception of the SDK: of the token service, the network or an answer."""
    from azure.core.exceptions import ClientAuthenticationError, HttpResponseError

    text = str(error.message or error)
    if isinstance(error, ClientAuthenticationError) and (error.response is None or "AADSTS" in text):
        return _token_failure(error, text)
    if isinstance(error, HttpResponseError) and error.response is not None:
        answer: Any = error.response
        return from_response(answer.status_code, answer.headers, answer.text(), now)
    return AzureFailure(FailureKind.UNAVAILABLE, _plain(text))


def _token_failure(error: BaseException, text: str) -> AzureFailure:
    said = text.removeprefix("Authentication failed: ").strip()
    if "unable to get authority configuration" in said.lower():
        # The SDK keeps what Entra said about the tenant to the exceptions behind this one.
        said = next((inner for inner in map(str, _behind(error)) if "HTTP status:" in inner), "")
        status = re.search(r"HTTP status: (\d+)", said)
        if status is None or status[1] not in ("400", "404"):
            return AzureFailure(
                FailureKind.UNAVAILABLE, f"discovery of the tenant failed, {status[0] if status else text}"
            )
        return AzureFailure(
            FailureKind.TENANT_NOT_FOUND,
            "Microsoft Entra ID does not know the tenant",
            fields=("tenant_id",),
            remote_code=_aadsts(said),
        )
    detail = re.split(r"\s*(?:\r?\n|Trace ID:)", said, maxsplit=1)[0]
    code = _aadsts(said)
    if code == "AADSTS90002":
        return AzureFailure(FailureKind.TENANT_NOT_FOUND, detail, fields=("tenant_id",), remote_code=code)
    if code is None or code in _ENTRA_TRANSIENT:
        # Entra gives every refusal a code: without one, it was not Entra that spoke.
        return AzureFailure(FailureKind.UNAVAILABLE, _plain(detail), remote_code=code)
    hint, fields = _ENTRA_HINTS.get(code, (None, _CREDENTIAL_FIELDS))
    return AzureFailure(FailureKind.AUTHENTICATION, detail, hint=hint, fields=fields, remote_code=code)


def _behind(error: BaseException) -> Iterator[BaseException]:
    inner = error.__cause__ or error.__context__
    while inner is not None:
        yield inner
        inner = inner.__cause__ or inner.__context__


def _aadsts(text: str) -> str | None:
    match = re.search(r"AADSTS\d+", text)
    return match[0] if match else None


def _plain(text: str) -> str:
    """What a network library says, without the Python around it."""
    match = re.match(r"""\(['"](.+?)['"], """, text)
    if match:
        return match[1]
    where = re.match(r"HTTPS?Connection(?:Pool)?\(host='([^']+)', port=(\d+)\): (.+)", text, re.DOTALL)
    if where is None:
        return text
    host, port, what = where.groups()
    if "Failed to resolve" in what:
        return f"the name {host} cannot be resolved"
    reason = re.sub(r"\[Errno -?\d+\] ", "", what)
    return f"{host}, port {port}: {reason}"


def _unauthorized(code: str | None, message: str, common: dict[str, Any]) -> AzureFailure:
    if code == "InvalidAuthenticationTokenTenant":
        return AzureFailure(
            FailureKind.AUTHENTICATION,
            message,
            hint="The subscription belongs to another tenant: verify tenant_id and subscription_id.",
            fields=("tenant_id", "subscription_id"),
            **common,
        )
    return AzureFailure(FailureKind.AUTHENTICATION, message, fields=_CREDENTIAL_FIELDS, **common)


def _error_of(body: str) -> tuple[str | None, str]:
    try:
        error = json.loads(body).get("error")
        if isinstance(error, dict):
            return str(error.get("code")), str(error.get("message") or "")
        return None, str(error or "")
    except (ValueError, AttributeError):
        return None, ""


def seconds_to_wait(value: str | None, now: datetime) -> float | None:
    """Seconds to wait: the header is a number of them or an HTTP date (RFC 9110, 10.2.3)."""
    if not value:
        return None
    if re.fullmatch(r"\d+(\.\d+)?", value.strip()):
        return min(float(value), _MAX_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    away = (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds()
    return min(max(away, 0.0), _MAX_RETRY_AFTER)


def utc(text: str) -> datetime:
    """A time of Azure's, which may have seven digits of a second."""
    return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text)).astimezone(UTC)
