"""Graph /applications: App Registrations, their secrets, certificates and owners."""

from __future__ import annotations

import base64
import binascii
import secrets
from datetime import datetime, timedelta
from typing import Any, Final

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from vedette.range.assertions import thumbprint
from vedette.range.certificates import read_certificate
from vedette.range.documents import Document
from vedette.range.graph import audit_logs
from vedette.range.graph.errors import DIRECTORY, GraphError, bad_request, not_found
from vedette.range.graph.operations import GraphRequest, GraphResponse, graph
from vedette.range.graph.query import EntityType, read_collection, read_entity
from vedette.range.graph.users import show as show_user
from vedette.range.odata import moment_of
from vedette.range.state import Application, Certificate, ClientSecret, FakeTenant, timestamp

READ: Final = (
    "Application.Read.All",
    "Application.ReadWrite.All",
    "Application.ReadWrite.OwnedBy",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
)
WRITE: Final = ("Application.ReadWrite.All", "Application.ReadWrite.OwnedBy", "Directory.ReadWrite.All")
PROOF_AUDIENCE: Final = "00000002-0000-0000-c000-000000000000"
_SECRET_LIFE: Final = timedelta(days=730)
_WRITABLE: Final = frozenset(
    "displayName description notes tags identifierUris signInAudience requiredResourceAccess web spa publicClient api "
    "appRoles info isFallbackPublicClient isDeviceOnlyAuthSupported groupMembershipClaims optionalClaims samlMetadataUrl "
    "serviceManagementReference".split()
)
KIND: Final = EntityType(
    name="microsoft.graph.application",
    properties=_WRITABLE
    | frozenset("id appId createdDateTime passwordCredentials keyCredentials publisherDomain deletedDateTime".split()),
    searched=frozenset("displayName".split()),
    order="displayName",
    expand={"owners": lambda request, document: _owners(request, application_of(request, str(document["id"])))},
)


def show(app: Application) -> Document:
    """An App Registration as Graph knows one. Secrets are told by their hint alone."""
    return {
        "signInAudience": "AzureADMyOrg",
        "createdDateTime": None,
        "identifierUris": [],
        "tags": [],
        "requiredResourceAccess": [],
        **app.properties,
        "id": app.application_id,
        "appId": app.client_id,
        "displayName": app.display_name,
        "passwordCredentials": [show_secret(secret) for secret in app.secrets],
        "keyCredentials": [_show_certificate(certificate) for certificate in app.certificates],
    }


def show_secret(secret: ClientSecret) -> Document:
    """A client secret without its value."""
    return {
        "customKeyIdentifier": None,
        "displayName": secret.description,
        "endDateTime": timestamp(secret.expires),
        "hint": secret.value[:3],
        "keyId": secret.key_id,
        "secretText": None,
        "startDateTime": timestamp(secret.created) if secret.created else None,
    }


def application_of(request: GraphRequest, name: str | None = None) -> Application:
    """The application of the path, by object id or as `appId='…'`; 404 if there is none."""
    wanted = (name or request.names["id"]).lower()
    if wanted.startswith("appid="):
        wanted = wanted.removeprefix("appid=").strip("'")
        found = request.directory.application(wanted)
    else:
        found = next((app for app in request.directory.applications if app.application_id.lower() == wanted), None)
    if found is None:
        raise not_found(wanted)
    return found


def _writable(request: GraphRequest) -> Application:
    app = application_of(request)
    granted = set(request.caller.roles)
    if granted & {"Application.ReadWrite.All", "Directory.ReadWrite.All"} or request.caller.object_id in app.owners:
        return app
    raise DIRECTORY.refusal(WRITE, ())


@graph("GET", "/applications", permissions=READ, area=DIRECTORY)
def list_applications(request: GraphRequest) -> GraphResponse:
    """A page of App Registrations."""
    found = [show(app) for app in request.directory.applications]
    return read_collection(request, KIND, found, segment="applications")


@graph("GET", "/applications/{id}", permissions=READ, area=DIRECTORY)
def get_application(request: GraphRequest) -> GraphResponse:
    """One App Registration."""
    return read_entity(request, KIND, show(application_of(request)), segment="applications")


@graph("POST", "/applications", permissions=WRITE, area=DIRECTORY)
def create_application(request: GraphRequest) -> GraphResponse:
    """A new App Registration, with its service principal."""
    body = request.document()
    if not isinstance(body.get("displayName"), str) or not body["displayName"]:
        raise bad_request(
            "A value is required for property 'displayName' of resource 'Application'.", "Request_BadRequest"
        )
    app = Application(
        client_id=request.tenant.ids(),
        display_name=body["displayName"],
        object_id=request.tenant.ids(),
        application_id=request.tenant.ids(),
        owners=[request.caller.object_id],
    )
    app.properties["createdDateTime"] = timestamp(request.tenant.clock.now())
    _write(app, body)
    request.directory.applications.append(app)
    _audit(request, app, "Add application", operation="Add")
    return GraphResponse(201, {"@odata.context": f"{request.context}applications/$entity", **show(app)})


@graph("PATCH", "/applications/{id}", permissions=WRITE, area=DIRECTORY)
def update_application(request: GraphRequest) -> GraphResponse:
    """Change an App Registration: 204. `keyCredentials` replaces its certificates."""
    app, body = _writable(request), dict(request.document())
    keys = body.pop("keyCredentials", None)
    _write(app, body)
    if keys is not None:
        known = {certificate.key_id: certificate for certificate in app.certificates}
        app.certificates = [
            known[str(key.get("keyId"))]
            if key.get("keyId") in known and not key.get("key")
            else _read_key(request, key)
            for key in keys
        ]
    _audit(
        request,
        app,
        "Update application" if keys is None else "Update application – Certificates and secrets management",
    )
    return GraphResponse(204)


@graph("DELETE", "/applications/{id}", permissions=WRITE, area=DIRECTORY)
def delete_application(request: GraphRequest) -> GraphResponse:
    """Delete an App Registration and its service principal."""
    app = _writable(request)
    request.directory.applications.remove(app)
    _audit(request, app, "Delete application", operation="Delete")
    return GraphResponse(204)


@graph("POST", "/applications/{id}/addPassword", permissions=WRITE, area=DIRECTORY)
def add_password(request: GraphRequest) -> GraphResponse:
    """A new secret; this answer is the only one that has its value."""
    return add_secret(request, _writable(request))


@graph("POST", "/applications/{id}/removePassword", permissions=WRITE, area=DIRECTORY)
def remove_password(request: GraphRequest) -> GraphResponse:
    """Take a secret away: 204. It works no longer at once."""
    return remove_secret(request, _writable(request))


@graph("POST", "/applications/{id}/addKey", permissions=WRITE, area=DIRECTORY)
def add_key(request: GraphRequest) -> GraphResponse:
    """A new certificate; the proof is signed with one that the application has."""
    app, body = _writable(request), request.document()
    _check_proof(request, app, body.get("proof"))
    if not isinstance(body.get("keyCredential"), dict):
        raise bad_request("A value is required for property 'keyCredential'.", "Request_BadRequest")
    certificate = _read_key(request, body["keyCredential"])
    app.certificates.append(certificate)
    _audit(request, app, "Update application – Certificates and secrets management")
    context = f"{request.context}microsoft.graph.keyCredential"
    return GraphResponse(200, {"@odata.context": context, **_show_certificate(certificate)})


@graph("POST", "/applications/{id}/removeKey", permissions=WRITE, area=DIRECTORY)
def remove_key(request: GraphRequest) -> GraphResponse:
    """Take a certificate away: 204."""
    app, body = _writable(request), request.document()
    _check_proof(request, app, body.get("proof"))
    name = str(body.get("keyId"))
    if not any(certificate.key_id == name for certificate in app.certificates):
        raise bad_request("No key credential found with keyId.", "Request_BadRequest")
    app.certificates = [certificate for certificate in app.certificates if certificate.key_id != name]
    _audit(request, app, "Update application – Certificates and secrets management")
    return GraphResponse(204)


@graph("GET", "/applications/{id}/owners", permissions=READ, area=DIRECTORY)
def list_owners(request: GraphRequest) -> GraphResponse:
    """Who owns an App Registration."""
    owners = _owners(request, application_of(request))
    return GraphResponse(200, {"@odata.context": f"{request.context}directoryObjects", "value": owners})


@graph("POST", "/applications/{id}/owners/$ref", permissions=WRITE, area=DIRECTORY)
def add_owner(request: GraphRequest) -> GraphResponse:
    """One owner more."""
    app = _writable(request)
    name = str(request.document().get("@odata.id", "")).rstrip("/").split("/")[-1]
    if request.directory.user(name) is None:
        raise not_found(name)
    if name.lower() in (owner.lower() for owner in app.owners):
        raise bad_request(
            "One or more added object references already exist for the following modified properties: 'owners'.",
            "Request_BadRequest",
        )
    app.owners.append(name)
    _audit(request, app, "Add owner to application", operation="Assign")
    return GraphResponse(204)


@graph("DELETE", "/applications/{id}/owners/{owner}/$ref", permissions=WRITE, area=DIRECTORY)
def remove_owner(request: GraphRequest) -> GraphResponse:
    """One owner less; 404 the second time."""
    app, name = _writable(request), request.names["owner"]
    left = [owner for owner in app.owners if owner.lower() != name.lower()]
    if len(left) == len(app.owners):
        raise not_found(name)
    app.owners = left
    _audit(request, app, "Remove owner from application", operation="Unassign")
    return GraphResponse(204)


def add_secret(request: GraphRequest, app: Application) -> GraphResponse:
    """Make a secret for an application or its service principal."""
    given = request.document().get("passwordCredential") or {}
    now = request.tenant.clock.now()
    start, end = _time(given, "startDateTime") or now, _time(given, "endDateTime") or now + _SECRET_LIFE
    if end <= start:
        raise bad_request("Credential end date is before its start date.", "Request_BadRequest")
    # Entra's secrets are 40 characters.
    secret = ClientSecret(secrets.token_urlsafe(30), end, given.get("displayName") or "", request.tenant.ids(), start)
    app.secrets.append(secret)
    _audit(request, app, "Update application – Certificates and secrets management")
    shown = {**show_secret(secret), "secretText": secret.value}
    return GraphResponse(200, {"@odata.context": f"{request.context}microsoft.graph.passwordCredential", **shown})


def remove_secret(request: GraphRequest, app: Application) -> GraphResponse:
    """Take a secret away from an application or its service principal."""
    name = str(request.document().get("keyId"))
    if not any(secret.key_id.lower() == name.lower() for secret in app.secrets):
        raise bad_request("No password credential found with keyId.", "Request_BadRequest")
    app.secrets = [secret for secret in app.secrets if secret.key_id.lower() != name.lower()]
    _audit(request, app, "Update application – Certificates and secrets management")
    return GraphResponse(204)


def from_graph(tenant: FakeTenant, document: Document) -> Application:
    """The application that a seed's resource describes. Graph never tells a secret, so such ones have a value nobody knows."""
    told = {name: value for name, value in document.items() if name not in ("id", "appId", "displayName")}
    passwords = told.pop("passwordCredentials", [])
    told.pop("keyCredentials", None)
    far = tenant.clock.now() + _SECRET_LIFE
    return Application(
        client_id=str(document["appId"]),
        display_name=str(document.get("displayName")),
        object_id=tenant.ids(),
        application_id=str(document["id"]),
        secrets=[
            ClientSecret(
                f"{each.get('hint') or ''}{secrets.token_urlsafe(30)}",
                moment_of(each.get("endDateTime")) or far,
                each.get("displayName") or "",
                str(each.get("keyId") or tenant.ids()),
                moment_of(each.get("startDateTime")),
            )
            for each in passwords
        ],
        properties=told,
    )


def _write(app: Application, body: dict[str, Any]) -> None:
    for name, value in body.items():
        if name.startswith("@odata."):
            continue
        if name not in _WRITABLE:
            raise bad_request(
                f"Invalid property '{name}'." if name not in KIND.properties else f"Property '{name}' is read-only.",
                "Request_BadRequest",
            )
        if name == "displayName":
            app.display_name = str(value)
        else:
            app.properties[name] = value


def _read_key(request: GraphRequest, key: dict[str, Any]) -> Certificate:
    try:
        loaded = x509.load_der_x509_certificate(base64.b64decode(str(key.get("key")), validate=True))
    except (binascii.Error, ValueError):
        raise bad_request(
            "Key credential value is invalid: it is not a certificate in base64.", "Request_BadRequest"
        ) from None
    certificate = read_certificate(request.tenant, loaded.public_bytes(serialization.Encoding.PEM).decode())
    certificate.description = key.get("displayName") or certificate.description
    return certificate


def _check_proof(request: GraphRequest, app: Application, proof: Any) -> None:
    for certificate in app.certificates:
        public = x509.load_pem_x509_certificate(certificate.pem.encode()).public_key()
        assert isinstance(public, rsa.RSAPublicKey)
        unchecked: Any = {"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": False}
        try:
            claims = jwt.decode(str(proof), public, algorithms=["RS256", "PS256"], options=unchecked)
        except jwt.InvalidTokenError:
            continue
        now = request.tenant.clock.at("graph").timestamp()
        fits = claims.get("aud") == PROOF_AUDIENCE and claims.get("iss") == app.application_id
        if fits and claims.get("nbf", now) <= now + 300 and now < claims.get("exp", 0) <= now + 900:
            return
    raise GraphError(401, "Authentication_MissingOrMalformed", "Access Token missing or malformed.")


def _time(given: dict[str, Any], name: str) -> datetime | None:
    if given.get(name) is None:
        return None
    moment = moment_of(given[name])
    if moment is None:
        raise bad_request(f"Invalid value specified for property '{name}'.", "Request_BadRequest")
    return moment


def _show_certificate(certificate: Certificate) -> Document:
    loaded = x509.load_pem_x509_certificate(certificate.pem.encode())
    return {
        "customKeyIdentifier": thumbprint(loaded).hex().upper(),
        "displayName": certificate.description,
        "endDateTime": timestamp(certificate.expires),
        "key": None,
        "keyId": certificate.key_id,
        "startDateTime": timestamp(loaded.not_valid_before_utc),
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
    }


def _owners(request: GraphRequest, app: Application) -> list[Document]:
    found: list[Document] = []
    for name in app.owners:
        if (user := request.directory.user(name)) is not None:
            found.append({"@odata.type": "#microsoft.graph.user", **show_user(user)})
            continue
        principal = next((each for each in request.directory.applications if each.object_id == name), None)
        if principal is not None:
            shown = {"id": principal.object_id, "displayName": principal.display_name}
            found.append({"@odata.type": "#microsoft.graph.servicePrincipal", **shown})
    return found


def _audit(request: GraphRequest, app: Application, activity: str, operation: str = "Update") -> None:
    target = {"id": app.application_id, "type": "Application", "displayName": app.display_name}
    audit_logs.record(request, activity, "ApplicationManagement", target, operation=operation)
