"""The front door of Azure Resource Manager: path, version, token, subscription, type, role, existence, in this order.

A principal without a role is refused before anything is said about what exists, as Azure does: a wrong name of a
resource group or workspace is then 403, and 404 only for who has a role above it.
"""

from __future__ import annotations

import logging
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from vedette.range.arm import (
    activity_log,
    alert_rules,
    automation_rules,
    bookmarks,
    cloud_alerts,
    cloud_assessments,
    cloud_posture,
    comments,
    disks,
    entities,
    incidents,
    locks,
    network,
    permissions,
    playbooks,
    relations,
    resource_groups,
    role_assignments,
    snapshots,
    suppression_rules,
    tasks,
    threat_intelligence,
    virtual_machines,
    watchlists,
    workspaces,
)
from vedette.range.arm.errors import (
    ArmError,
    bad_request,
    forbidden,
    no_resource,
    no_resource_group,
    no_subscription,
    no_type,
    not_authenticated,
    throttled,
    token_expired,
)
from vedette.range.arm.long_running import settle
from vedette.range.arm.operations import ArmRequest, ArmResponse, Operation, find, methods_of, versions_of
from vedette.range.arm.path import ArmPath, ProviderPart, read_path
from vedette.range.front import bearer, read_json, usual
from vedette.range.roles import assigned
from vedette.range.services import Service
from vedette.range.state import (
    Directory,
    FakeTenant,
    ResourceGroup,
    SentinelWorkspace,
    Subscription,
)
from vedette.range.tokens import (
    MANAGEMENT,
    Caller,
    TokenExpired,
    TokenInvalid,
    TokenIssuer,
    TokenTooEarly,
    WrongAudience,
)

RESOURCE_MODULES: Final = (
    activity_log,
    alert_rules,
    automation_rules,
    bookmarks,
    cloud_alerts,
    cloud_assessments,
    cloud_posture,
    comments,
    disks,
    entities,
    incidents,
    locks,
    network,
    permissions,
    playbooks,
    relations,
    resource_groups,
    role_assignments,
    snapshots,
    suppression_rules,
    tasks,
    threat_intelligence,
    virtual_machines,
    watchlists,
    workspaces,
)
"""Importing a module registers what it serves; a new resource type is one file and its name here."""

_HOUR: Final = 3600
_WORKSPACES: Final = "microsoft.operationalinsights/workspaces"
_log = logging.getLogger(__name__)


_CODES: Final = {
    400: ("BadRequest", "The request is not valid."),
    401: ("ExpiredAuthenticationToken", "The access token has expired."),
    403: ("AuthorizationFailed", "The client does not have authorization to perform the action."),
    404: ("NotFound", "The resource was not found."),
    409: ("Conflict", "Newer version of the resource exists. Data was not saved"),
    412: ("PreconditionFailed", "The condition specified using HTTP conditional header(s) is not met."),
    429: ("TooManyRequests", "The request is being throttled."),
    500: ("InternalServerError", "Encountered internal server error."),
    502: ("BadGateway", "The gateway did not receive a response."),
    503: ("ServiceUnavailable", "The service is temporarily unavailable. Please try again later."),
    504: ("GatewayTimeout", "The gateway did not receive a response within the specified time period."),
}


class Gateway(Service):
    """Answers requests to `/subscriptions/…`."""

    name = "arm"

    def __init__(self, tenant: FakeTenant, issuer: TokenIssuer) -> None:
        self._tenant = tenant
        self._issuer = issuer

    def owns(self, path: str) -> bool:
        """Whether the path is one of Azure Resource Manager's."""
        return path.lower().startswith("/subscriptions/") or path.lower() == "/subscriptions"

    def refusal(self, status: int, code: str | None, message: str | None) -> Response:
        """The answer of a fault."""
        error = ArmError(status, *usual(_CODES, status, code, message))
        return JSONResponse(error.body(), status_code=status)

    async def handle(self, request: Request) -> Response:
        """The answer to a request whose path starts with `/subscriptions/`."""
        headers = self._tracking_headers(request)
        try:
            body = await read_json(request, ArmError, _malformed)
            with self._tenant.lock:
                if request.scope["path"].rstrip("/").lower() == "/subscriptions":
                    caller = self._caller(request.headers.get("authorization"), "common")
                    answer = resource_groups.list_subscriptions(self._tenant, caller)
                else:
                    answer = self._operate(request, body, headers)
                if request.method != "GET":
                    self._tenant.save()
        except ArmError as error:
            return JSONResponse(error.body(), status_code=error.status, headers={**headers, **error.headers})
        headers.update(answer.headers)
        if answer.body is None:
            return Response(status_code=answer.status, headers=headers)
        return JSONResponse(answer.body, status_code=answer.status, headers=headers)

    def _operate(self, request: Request, body: Any, headers: dict[str, str]) -> ArmResponse:
        path = _path(request.scope["path"])
        last = path.last
        assert last is not None
        query = {name.lower(): value for name, value in request.query_params.items()}
        version = query.get("api-version")
        if not version:
            raise bad_request(
                "The api-version query parameter (?api-version=) is required for all requests.",
                code="MissingApiVersionParameter",
            )
        subscription = self._tenant.subscription(path.subscription)
        tenant_id = subscription.tenant_id if subscription else "common"
        caller = self._caller(request.headers.get("authorization"), tenant_id)
        if subscription is None:
            raise no_subscription(path.subscription)
        directory = self._directory(subscription, caller)
        operation = _operation(request.method, path, last, version)
        self._authorize(subscription, caller, operation, path)
        self._count(request.method, subscription, caller, headers)
        settle(self._tenant, subscription)
        group, workspace = _existing(self._tenant, subscription, path)
        warning = _case_warning(path, group, workspace)
        if warning:
            _log.warning("%s %s: %s", request.method, request.scope["path"], warning)
            headers["Warning"] = f'299 - "{warning}"'
        locks.check(self._tenant, subscription, request.method, path, group)
        answer = operation.handler(
            ArmRequest(
                tenant=self._tenant,
                directory=directory,
                caller=caller,
                subscription=subscription,
                resource_group=group,
                workspace=workspace,
                path=path,
                names=last.names,
                query=query,
                api_version=version,
                if_match=request.headers.get("if-match"),
                body=body,
                origin=str(request.base_url).rstrip("/"),
            )
        )
        if request.method != "GET":
            activity_log.record(self._tenant, subscription, caller, operation.action, path, answer.status, headers)
        return answer

    def _caller(self, authorization: str | None, tenant_id: str) -> Caller:
        now = self._tenant.clock.at(self.name)
        token = bearer(
            authorization,
            lambda: not_authenticated(
                "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.", tenant_id,
                "The authentication failed because of missing 'Authorization' header.",
            ),
            lambda: not_authenticated(
                "AuthenticationFailedInvalidHeader",
                "Authentication failed. The 'Authorization' header is provided in an invalid format.", tenant_id,
                "The authentication scheme is not supported.",
            ),
        )  # fmt: skip
        try:
            return self._issuer.check(token, MANAGEMENT, now)
        except TokenExpired as error:
            raise token_expired(error.expiry, now, tenant_id) from None
        except (TokenInvalid, TokenTooEarly):
            raise not_authenticated(
                "InvalidAuthenticationToken", "The access token is invalid.", tenant_id, "The access token is invalid."
            ) from None
        except WrongAudience as error:
            message = (
                f"The access token has been obtained for wrong audience or resource '{error.audience}'. It should "
                f"exactly match with one of the allowed audiences '{MANAGEMENT[1]}/','{MANAGEMENT[1]}',"
                f"'{MANAGEMENT[0]}/','{MANAGEMENT[0]}'."
            )
            raise not_authenticated("InvalidAuthenticationTokenAudience", message, tenant_id, message) from None

    def _directory(self, subscription: Subscription, caller: Caller) -> Directory:
        directory = self._tenant.directory(subscription.tenant_id)
        assert directory is not None, "seeds are checked: a subscription trusts a known directory"
        if caller.tenant_id.lower() != directory.id.lower():
            message = (
                f"The access token is from the wrong issuer 'https://sts.windows.net/{caller.tenant_id}/'. It must "
                f"match the tenant 'https://sts.windows.net/{directory.id}/' associated with this subscription. Please "
                f"use the authority (URL) 'https://login.windows.net/{directory.id}' to get the token."
            )
            raise not_authenticated("InvalidAuthenticationTokenTenant", message, directory.id, message)
        return directory

    def _authorize(self, subscription: Subscription, caller: Caller, operation: Operation, path: ArmPath) -> None:
        scope = path.scope()
        roles = assigned(subscription.role_assignments, caller.object_id, scope)
        withheld = self._tenant.faults.withheld((operation.action,))
        if withheld or not any(role.permits(operation.action) for role in roles):
            raise forbidden(caller.client_id, caller.object_id, operation.action, scope)

    def _count(self, method: str, subscription: Subscription, caller: Caller, headers: dict[str, str]) -> None:
        throttle = self._tenant.throttle
        kind = {"GET": "reads", "HEAD": "reads", "DELETE": "deletes"}.get(method, "writes")
        limit: int = getattr(throttle, kind)
        seconds = int(self._tenant.clock.now().timestamp())
        key = (kind, caller.object_id, subscription.id, seconds // _HOUR)
        used = throttle.used.get(key, 0)
        if used >= limit:
            raise throttled(_HOUR - seconds % _HOUR)
        throttle.used[key] = used + 1
        headers[f"x-ms-ratelimit-remaining-subscription-{kind}"] = str(limit - used - 1)

    def _tracking_headers(self, request: Request) -> dict[str, str]:
        request_id = self._tenant.ids()
        correlation = request.headers.get("x-ms-correlation-request-id") or request_id
        return {
            "Cache-Control": "no-cache",
            "x-ms-request-id": request_id,
            "x-ms-correlation-request-id": correlation,
            "x-ms-routing-request-id": f"RANGE:{self._tenant.clock.now():%Y%m%dT%H%M%SZ}:{request_id}",
        }


def _malformed() -> ArmError:
    return bad_request("The request content was invalid and could not be deserialized.", code="InvalidRequestContent")


def _operation(method: str, path: ArmPath, last: ProviderPart, version: str) -> Operation:
    resource_type = "/".join((last.namespace, *last.types))
    known = versions_of(resource_type)
    if known is None or (last.namespace.lower() == "microsoft.securityinsights" and not _under_workspace(path)):
        raise no_type(last.namespace, "/".join(last.types), version)
    if version.lower() not in known:
        raise bad_request(
            f"No registered resource provider found for API version '{version}' for type '{'/'.join(last.types)}'. The "
            f"supported api-versions are '{', '.join(sorted(known))}'.",
            code="NoRegisteredProviderFound",
        )
    operation = find(method, resource_type, last.is_collection)
    if operation is None:
        raise ArmError(
            405,
            "MethodNotAllowed",
            f"The requested resource does not support http method '{method}'.",
            {"Allow": ", ".join(methods_of(resource_type, last.is_collection))},
        )
    return operation


def _under_workspace(path: ArmPath) -> bool:
    if len(path.providers) != 2 or path.resource_group is None:
        return False
    parent = path.providers[0]
    return "/".join((parent.namespace, *parent.types)).lower() == _WORKSPACES and len(parent.names) == 1


def _path(text: str) -> ArmPath:
    """The path of a request; subscriptions and resource groups are resources of Microsoft.Resources."""
    segments = [segment for segment in text.split("/") if segment]
    if 1 < len(segments) < 5 and "providers" not in (segment.lower() for segment in segments):
        subscription, names = segments[1], tuple(segments[1::2])
        if len(segments) == 2:
            return ArmPath(subscription, None, (ProviderPart("Microsoft.Resources", ("subscriptions",), names),), text)
        if segments[2].lower() == "resourcegroups":
            part = ProviderPart("Microsoft.Resources", ("subscriptions", "resourceGroups"), names)
            return ArmPath(subscription, segments[3] if len(segments) == 4 else None, (part,), text)
    path = read_path(text)
    if path is None or path.last is None:
        raise ArmError(404, "NotFound", "The path is not one of a resource.")
    return path


def _existing(
    tenant: FakeTenant, subscription: Subscription, path: ArmPath
) -> tuple[ResourceGroup | None, SentinelWorkspace | None]:
    """The resource group and the workspace that the path is in; 404 for the first that is not there."""
    if path.resource_group is None:
        return None, None
    group = subscription.resource_group(path.resource_group)
    if group is None:
        if path.last is not None and path.last.types == ("subscriptions", "resourceGroups"):
            return None, None  # one that is being made, or does not exist: its own module says so
        raise no_resource_group(path.resource_group)
    if len(path.providers) < 2:
        return group, None
    parent = path.providers[0]
    kind = "/".join((parent.namespace, *parent.types))
    if kind.lower() != _WORKSPACES and tenant.documents.of("arm", subscription.id).get(path.scope()) is not None:
        return group, None
    if kind.lower() != _WORKSPACES:
        # What a resource of an extension (a lock, an assessment) is about has to be there.
        about = path.scope(-1)
        if parent.is_collection or tenant.documents.of("arm", subscription.id).get(about) is None:
            raise no_resource(kind, "/".join(parent.names), group.name)
        return group, None
    workspace = group.workspace(parent.names[0]) if len(parent.names) == 1 else None
    if workspace is None:
        raise no_resource(kind, "/".join(parent.names), group.name)
    return group, workspace


def _case_warning(path: ArmPath, group: ResourceGroup | None, workspace: SentinelWorkspace | None) -> str | None:
    typed_differently = []
    if group is not None and path.resource_group != group.name:
        typed_differently.append(f"resource group '{path.resource_group}' is '{group.name}'")
    if workspace is not None and path.providers[0].names[0] != workspace.name:
        typed_differently.append(f"workspace '{path.providers[0].names[0]}' is '{workspace.name}'")
    return "; ".join(typed_differently) or None
