"""Graph /users/{id}/authentication: how a person can prove who they are."""

from __future__ import annotations

from typing import Final

from vedette.range.documents import Collection, Document
from vedette.range.graph import audit_logs
from vedette.range.graph.errors import AUTHENTICATION, GraphError, bad_request
from vedette.range.graph.operations import GraphRequest, GraphResponse, graph
from vedette.range.graph.users import user_of

READ: Final = ("UserAuthenticationMethod.Read.All", "UserAuthenticationMethod.ReadWrite.All")
WRITE: Final = ("UserAuthenticationMethod.ReadWrite.All",)
PASSWORD_ID: Final = "28c10230-6103-485e-b985-444c60001490"
_COLLECTIONS: Final = {
    "phoneMethods": "phoneAuthenticationMethod",
    "emailMethods": "emailAuthenticationMethod",
    "fido2Methods": "fido2AuthenticationMethod",
    "microsoftAuthenticatorMethods": "microsoftAuthenticatorAuthenticationMethod",
    "softwareOathMethods": "softwareOathAuthenticationMethod",
    "temporaryAccessPassMethods": "temporaryAccessPassAuthenticationMethod",
    "windowsHelloForBusinessMethods": "windowsHelloForBusinessAuthenticationMethod",
    "platformCredentialMethods": "platformCredentialAuthenticationMethod",
    "externalAuthenticationMethods": "externalAuthenticationMethod",
    "passwordMethods": "passwordAuthenticationMethod",
}


@graph("GET", "/users/{id}/authentication/methods", permissions=READ, area=AUTHENTICATION)
def list_methods(request: GraphRequest) -> GraphResponse:
    """Every method of a person, of all types."""
    user = user_of(request)
    return GraphResponse(
        200,
        {
            "@odata.context": f"{request.context}users('{user.object_id}')/authentication/methods",
            "value": _methods(request, user.object_id),
        },
    )


@graph("GET", "/users/{id}/authentication/methods/{method}", permissions=READ, area=AUTHENTICATION)
def get_method(request: GraphRequest) -> GraphResponse:
    """One method, of any type."""
    user = user_of(request)
    return GraphResponse(200, _method(request, user.object_id, None))


@graph("GET", "/users/{id}/authentication/{collection}", permissions=READ, area=AUTHENTICATION)
def list_of_type(request: GraphRequest) -> GraphResponse:
    """The methods of one type."""
    user, kind = user_of(request), _type(request)
    found = [each for each in _methods(request, user.object_id) if each.get("@odata.type") == kind]
    context = f"{request.context}users('{user.object_id}')/authentication/{request.names['collection']}"
    return GraphResponse(200, {"@odata.context": context, "value": found})


@graph("GET", "/users/{id}/authentication/{collection}/{method}", permissions=READ, area=AUTHENTICATION)
def get_of_type(request: GraphRequest) -> GraphResponse:
    """One method of one type."""
    user = user_of(request)
    return GraphResponse(200, _method(request, user.object_id, _type(request)))


@graph("DELETE", "/users/{id}/authentication/{collection}/{method}", permissions=WRITE, area=AUTHENTICATION)
def delete_method(request: GraphRequest) -> GraphResponse:
    """Take a method away; 404 the second time. A password cannot be deleted."""
    user, kind = user_of(request), _type(request)
    if kind.endswith("passwordAuthenticationMethod"):
        raise bad_request("A password cannot be deleted.", "invalidRequest")
    gone = _method(request, user.object_id, kind)
    if gone.get("isDefault") and len(_methods(request, user.object_id)) > 2:
        raise bad_request("The default method can only be deleted last.", "invalidRequest")
    _collection(request, user.object_id).delete(str(gone["id"]))
    target = {"id": user.object_id, "type": "User", "userPrincipalName": user.user_principal_name}
    audit_logs.record(request, "Admin deleted security info", "UserManagement", target, operation="Delete")
    return GraphResponse(204)


def _collection(request: GraphRequest, object_id: str) -> Collection:
    return request.collection(f"users/{object_id}/authentication/methods")


def _methods(request: GraphRequest, object_id: str) -> list[Document]:
    methods = list(_collection(request, object_id))
    if not any(str(each["id"]) == PASSWORD_ID for each in methods):
        user = user_of(request, object_id)
        methods.append(
            {
                "@odata.type": "#microsoft.graph.passwordAuthenticationMethod",
                "id": PASSWORD_ID,
                "password": None,
                "createdDateTime": user.properties.get("lastPasswordChangeDateTime"),
            }
        )
    return methods


def _method(request: GraphRequest, object_id: str, kind: str | None) -> Document:
    wanted = request.names["method"].lower()
    for each in _methods(request, object_id):
        if str(each["id"]).lower() == wanted and kind in (None, each.get("@odata.type")):
            return each
    raise GraphError(404, "itemNotFound", f"The authentication method '{request.names['method']}' was not found.")


def _type(request: GraphRequest) -> str:
    given = request.names["collection"].lower()
    for name, kind in _COLLECTIONS.items():
        if name.lower() == given:
            return f"#microsoft.graph.{kind}"
    raise bad_request(f"Resource not found for the segment '{request.names['collection']}'.")
