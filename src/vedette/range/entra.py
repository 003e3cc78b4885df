"""Entra ID's side of the client credentials grant (RFC 6749, 4.4): discovery, keys and the token endpoints.

Errors have Entra's shape and AADSTS codes: see "Microsoft Entra authentication and authorization error codes".
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from typing import Any, Final
from urllib.parse import parse_qs, unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Match, Route, Router

from vedette.range import assertions
from vedette.range.services import Service
from vedette.range.state import Application, Directory, FakeTenant, timestamp
from vedette.range.tokens import LOG_ANALYTICS, RESOURCES, TokenIssuer

_MAX_FORM: Final = 64 * 1024
MAX_SIGN_INS: Final = 10_000
"""Sign-ins that a directory keeps; the oldest go."""


_ERRORS: Final = {
    7000215: "invalid_client",
    7000222: "invalid_client",
    700016: "unauthorized_client",
    7000112: "unauthorized_client",
    90002: "invalid_request",
    53003: "access_denied",
    500011: "invalid_resource",
    70011: "invalid_scope",
}
"""The word that goes with a code, for faults that name only the code."""


_FAULTS: Final = {
    400: ("invalid_request", 900144, "The request body must contain the following parameter: 'client_id'."),
    401: ("invalid_client", 7000215, "Invalid client secret provided."),
    403: ("access_denied", 53003, "Access has been blocked by Conditional Access policies."),
    429: ("temporarily_unavailable", 90055, "The request exceeds the limits. Please retry later."),
    503: ("temporarily_unavailable", 90033, "The service is temporarily unavailable. Please retry later."),
}
"""What a fault of a status says."""


class EntraError(Exception):
    """A refusal of the token service."""

    def __init__(self, status: int, error: str, code: int, text: str) -> None:
        self.status = status
        self.error = error
        self.code = code
        self.text = text
        super().__init__(f"AADSTS{code}: {text}")


def error_response(tenant: FakeTenant, error: EntraError, correlation_id: str | None = None) -> Response:
    """The refusal as Entra words it: with trace id, correlation id and timestamp inside the description too."""
    timestamp = tenant.clock.at("entra").strftime("%Y-%m-%d %H:%M:%SZ")
    trace, correlation = tenant.ids(), correlation_id or tenant.ids()
    return JSONResponse(
        {
            "error": error.error,
            "error_description": "\r\n".join(
                (str(error), f"Trace ID: {trace}", f"Correlation ID: {correlation}", f"Timestamp: {timestamp}")
            ),
            "error_codes": [error.code],
            "timestamp": timestamp,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": f"https://login.microsoftonline.com/error?code={error.code}",
        },
        status_code=error.status,
        headers={"Cache-Control": "no-store", "x-ms-request-id": trace},
    )


class Entra(Service):
    """The token service of every directory."""

    name = "entra"

    def __init__(self, tenant: FakeTenant, issuer: TokenIssuer) -> None:
        self._tenant = tenant
        self._issuer = issuer
        self._router = Router(
            routes=[
                Route("/common/discovery/instance", self.instance_discovery, methods=["GET"]),
                Route("/{tenant}/v2.0/.well-known/openid-configuration", self.configuration, methods=["GET"]),
                Route("/{tenant}/.well-known/openid-configuration", self.configuration, methods=["GET"]),
                Route("/{tenant}/discovery/v2.0/keys", self.keys, methods=["GET"]),
                Route("/{tenant}/discovery/keys", self.keys, methods=["GET"]),
                Route("/{tenant}/oauth2/v2.0/token", self.token, methods=["POST"]),
                Route("/{tenant}/oauth2/token", self.token_v1, methods=["POST"]),
            ]
        )

    def owns(self, path: str) -> bool:
        """Whether the path is one of the token service."""
        return any(part in path for part in ("/oauth2/", "/.well-known/", "/discovery/"))

    def refusal(self, status: int, code: str | None, message: str | None) -> Response:
        """The answer of a fault."""
        usual, number, words = _FAULTS.get(status, _FAULTS[503])
        text, error = message or words, code or usual
        if match := re.fullmatch(r"(?:AADSTS)?(\d+)", code or "", re.IGNORECASE):
            number = int(match[1])
            error = _ERRORS.get(number, "invalid_request")
        return error_response(self._tenant, EntraError(status, error, number, text))

    async def handle(self, request: Request) -> Response:
        """The answer to a request."""
        for route in self._router.routes:
            match, scope = route.matches(request.scope)
            if match is Match.FULL:
                assert isinstance(route, Route)
                request.scope.update(scope)
                response: Response = await route.endpoint(request)
                return response
        return Response(status_code=404)

    async def instance_discovery(self, request: Request) -> Response:
        base = _origin(request)
        return JSONResponse(
            {
                "tenant_discovery_endpoint": f"{base}/common/v2.0/.well-known/openid-configuration",
                "api-version": "1.1",
                "metadata": [
                    {
                        "preferred_network": request.url.netloc,
                        "preferred_cache": request.url.netloc,
                        "aliases": [request.url.netloc],
                    }
                ],
            }
        )

    async def configuration(self, request: Request) -> Response:
        name = request.path_params["tenant"]
        directory = self._tenant.directory(name)
        if directory is None:
            return error_response(self._tenant, EntraError(400, "invalid_tenant", 90002, _no_tenant(name)))
        base, version = f"{_origin(request)}/{directory.id}", "/v2.0" if "/v2.0/" in request.scope["path"] else ""
        return JSONResponse(
            {
                "token_endpoint": f"{base}/oauth2{version}/token",
                "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
                "jwks_uri": f"{base}/discovery/v2.0/keys",
                "response_modes_supported": ["query", "fragment", "form_post"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "issuer": f"{base}/v2.0" if version else f"https://sts.windows.net/{directory.id}/",
                "authorization_endpoint": f"{base}/oauth2{version}/authorize",
                "device_authorization_endpoint": f"{base}/oauth2{version}/devicecode",
                "end_session_endpoint": f"{base}/oauth2{version}/logout",
                "tenant_region_scope": "EU",
                "cloud_instance_name": "microsoftonline.com",
                "cloud_graph_host_name": "graph.windows.net",
                "msgraph_host": "graph.microsoft.com",
            }
        )

    async def keys(self, request: Request) -> Response:
        if self._tenant.directory(request.path_params["tenant"]) is None:
            name = request.path_params["tenant"]
            return error_response(self._tenant, EntraError(400, "invalid_tenant", 90002, _no_tenant(name)))
        return JSONResponse(self._issuer.key_set())

    async def token(self, request: Request) -> Response:
        return await self._grant(request, v1=False)

    async def token_v1(self, request: Request) -> Response:
        return await self._grant(request, v1=True)

    async def _grant(self, request: Request, *, v1: bool) -> Response:
        correlation = request.headers.get("client-request-id")
        form: dict[str, str] = {}
        try:
            directory = self._directory(request.path_params["tenant"])
            form = await _form(request)
            app = self._application(directory, form, request)
            origin = _origin(request)
            resource = _resource_v1(form, origin) if v1 else _resource(form, origin)
        except EntraError as error:
            self._record(request, form, error)
            return error_response(self._tenant, error, correlation)
        except assertions.AssertionRefused as error:
            refused = EntraError(401, "invalid_client", error.code, str(error))
            self._record(request, form, refused)
            return error_response(self._tenant, refused, correlation)
        self._record(request, form, None, resource)
        now, lifetime = self._tenant.clock.at(self.name), self._tenant.token_lifetime
        token = self._issuer.issue(directory, app, resource, now, lifetime)
        body: dict[str, Any] = {"token_type": "Bearer", "expires_in": lifetime, "ext_expires_in": lifetime}
        if v1:  # the older endpoint writes its numbers as strings
            start = int(now.timestamp())
            body = {name: str(value) for name, value in body.items()}
            body |= {"expires_on": str(start + lifetime), "not_before": str(start), "resource": resource}
        body["access_token"] = token
        return JSONResponse(body, headers={"Cache-Control": "no-store", "Pragma": "no-cache"})

    def _record(self, request: Request, form: dict[str, str], error: EntraError | None, resource: str = "") -> None:
        """Write the sign-in of a service principal to the directory's log, if it is one that the directory knows."""
        directory = self._tenant.directory(request.path_params["tenant"])
        app = directory.application(form.get("client_id", "")) if directory else None
        if directory is None or app is None:
            return
        name = self._tenant.ids()
        sign_in = {
            "id": name,
            "createdDateTime": timestamp(self._tenant.clock.at(self.name)),
            "appId": app.client_id,
            "appDisplayName": app.display_name,
            "servicePrincipalId": app.object_id,
            "servicePrincipalName": app.display_name,
            "ipAddress": request.client.host if request.client else "",
            "correlationId": request.headers.get("client-request-id") or self._tenant.ids(),
            "clientAppUsed": "",
            "conditionalAccessStatus": "notApplied",
            "isInteractive": False,
            "signInEventTypes": ["servicePrincipal"],
            "resourceDisplayName": resource,
            "resourceId": RESOURCES.get(resource.lower(), ""),
            "status": {
                "errorCode": error.code if error else 0,
                "failureReason": error.text if error else None,
                "additionalDetails": None,
            },
        }
        with self._tenant.lock:
            log = self._tenant.documents.of("graph", directory.id, "auditLogs/signIns")
            log.put(name, sign_in)
            if len(log) > MAX_SIGN_INS and (oldest := log.oldest()) is not None:
                log.delete(oldest)
            self._tenant.save()

    def _directory(self, name: str) -> Directory:
        directory = self._tenant.directory(name)
        if directory is None:
            raise EntraError(400, "invalid_request", 90002, _no_tenant(name) + _NO_TENANT_ADVICE)
        return directory

    def _application(self, directory: Directory, form: dict[str, str], request: Request) -> Application:
        grant = _required(form, "grant_type")
        if grant != "client_credentials":
            raise EntraError(
                400, "unsupported_grant_type", 70003, f"The app requested an unsupported grant type '{grant}'."
            )
        client_id, secret = _client(form, request.headers.get("authorization"))
        app = directory.application(client_id)
        if app is None:
            raise EntraError(
                400,
                "unauthorized_client",
                700016,
                f"Application with identifier '{client_id}' was not found in the directory '{directory.display_name}'. "
                "This can happen if the application has not been installed by the administrator of the tenant or "
                "consented to by any user in the tenant. You may have sent your authentication request to the wrong "
                "tenant.",
            )
        if not app.enabled:
            raise EntraError(
                400,
                "unauthorized_client",
                7000112,
                f"Application '{client_id}'({app.display_name}) is disabled.",
            )
        if "client_assertion" in form:
            if _required(form, "client_assertion_type") != assertions.TYPE:
                raise EntraError(
                    400,
                    "invalid_request",
                    900144,
                    f"The request body must contain the parameter 'client_assertion_type' with '{assertions.TYPE}'.",
                )
            audiences = assertions.audiences(_origin(request), directory, request.path_params["tenant"])
            assertions.check(form["client_assertion"], app, audiences, self._tenant.clock.at(self.name))
            return app
        self._check_secret(app, secret)
        return app

    def _check_secret(self, app: Application, secret: str | None) -> None:
        if secret is None:
            raise EntraError(
                401,
                "invalid_client",
                7000218,
                "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
            )
        given = secret.encode()
        fitting = [entry for entry in app.secrets if hmac.compare_digest(entry.value.encode(), given)]
        if not fitting:
            raise EntraError(
                401,
                "invalid_client",
                7000215,
                "Invalid client secret provided. Ensure the secret being sent in the request is the client secret "
                f"value, not the client secret ID, for a secret added to app '{app.client_id}'.",
            )
        if all(entry.expires <= self._tenant.clock.at(self.name) for entry in fitting):
            raise EntraError(
                401,
                "invalid_client",
                7000222,
                f"The provided client secret keys for app '{app.client_id}' are expired.",
            )


_NO_TENANT_ADVICE: Final = (
    " Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your "
    "subscription administrator, this may happen if there are no active subscriptions for the tenant."
)


def _no_tenant(name: str) -> str:
    return f"Tenant '{name}' not found."


def _origin(request: Request) -> str:
    return str(request.base_url).rstrip("/")


async def _form(request: Request) -> dict[str, str]:
    declared = request.headers.get("content-length", "0")
    if not declared.isdigit() or int(declared) > _MAX_FORM:
        raise EntraError(400, "invalid_request", 900144, "The request body is too large.")
    body = (await request.body()).decode("utf-8", "replace")
    return {name: values[0] for name, values in parse_qs(body, keep_blank_values=True).items()}


def _required(form: dict[str, str], name: str) -> str:
    value = form.get(name)
    if not value:
        raise EntraError(
            400, "invalid_request", 900144, f"The request body must contain the following parameter: '{name}'."
        )
    return value


def _client(form: dict[str, str], authorization: str | None) -> tuple[str, str | None]:
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() == "basic":
        try:
            name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise EntraError(401, "invalid_client", 7000215, "The Authorization header cannot be read.") from None
        return unquote(name), unquote(secret)
    if "client_id" not in form and "client_assertion" in form:
        return assertions.subject(form["client_assertion"]), None
    return _required(form, "client_id"), form.get("client_secret") or None


def _resource(form: dict[str, str], origin: str) -> str:
    scope = _required(form, "scope")
    resources = {part for part in scope.split() if part not in ("openid", "profile", "offline_access")}
    if len(resources) > 1:
        raise EntraError(
            400,
            "invalid_scope",
            700022,
            "The provided value for the input parameter 'scope' is not valid because it "
            "contains more than one resource.",
        )
    asked = next(iter(resources), "")
    resource, dot, suffix = asked.rpartition("/")
    if not resource or not dot or suffix != ".default":
        raise EntraError(
            400,
            "invalid_scope",
            70011,
            f"The provided value for the input parameter 'scope' is not valid. The scope {asked} is not valid.",
        )
    return _known(resource, origin)


def _resource_v1(form: dict[str, str], origin: str) -> str:
    return _known(_required(form, "resource"), origin)


def _known(resource: str, origin: str) -> str:
    plain = resource.rstrip("/")
    if plain.lower() == origin.lower():
        # Microsoft's query client asks for a token for its endpoint unless it is told otherwise.
        return LOG_ANALYTICS
    if plain.lower() not in RESOURCES and plain.lower() not in RESOURCES.values():
        raise EntraError(
            400,
            "invalid_resource",
            500011,
            f"The resource principal named {resource} was not found in the tenant. This can happen if the application "
            "has not been installed by the administrator of the tenant or consented to by any user in the tenant.",
        )
    return plain
