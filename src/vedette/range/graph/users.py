"""Graph /users: people, their accounts, sessions, groups and roles."""

from __future__ import annotations

import re
from typing import Any, Final

from vedette.range.documents import Document
from vedette.range.graph import audit_logs, groups, role_management
from vedette.range.graph.errors import DIRECTORY, GraphError, bad_request, not_found
from vedette.range.graph.operations import GraphRequest, GraphResponse, covered, graph
from vedette.range.graph.query import EntityType, read_collection, read_entity
from vedette.range.state import User, timestamp

READ: Final = (
    "User.Read.All",
    "User.ReadBasic.All",
    "User.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
    "User.EnableDisableAccount.All+User.Read.All",
)
WRITE: Final = ("User.ReadWrite.All", "Directory.ReadWrite.All")
ENABLE: Final = (*WRITE, "User.EnableDisableAccount.All")
PASSWORD: Final = ("User-PasswordProfile.ReadWrite.All", "Directory.AccessAsUser.All")
REVOKE: Final = ("User.RevokeSessions.All", *WRITE)
_SHOWN: Final = frozenset(
    "id businessPhones displayName givenName jobTitle mail mobilePhone officeLocation preferredLanguage surname "
    "userPrincipalName".split()
)
_WRITABLE: Final = frozenset(
    "accountEnabled businessPhones city companyName country department displayName employeeId givenName jobTitle mail "
    "mailNickname mobilePhone officeLocation onPremisesImmutableId otherMails passwordPolicies postalCode preferredLanguage "
    "state streetAddress surname usageLocation userPrincipalName userType".split()
)
KIND: Final = EntityType(
    name="microsoft.graph.user",
    properties=_SHOWN
    | _WRITABLE
    | frozenset(
        "createdDateTime creationType externalUserState identities lastPasswordChangeDateTime onPremisesSyncEnabled "
        "onPremisesSamAccountName onPremisesSecurityIdentifier proxyAddresses refreshTokensValidFromDateTime "
        "securityIdentifier signInActivity signInSessionsValidFromDateTime".split()
    ),
    searched=frozenset("displayName mail userPrincipalName givenName surname mailNickname".split()),
    order="displayName",
    shown=_SHOWN,
    default_top=100,
    max_top=999,
    expand={"memberOf": lambda request, user: _member_of(request, str(user["id"]))},
)


def show(user: User) -> Document:
    """A user as Graph knows one."""
    return {
        "businessPhones": [],
        "givenName": None,
        "jobTitle": None,
        "mobilePhone": None,
        "officeLocation": None,
        "preferredLanguage": None,
        "surname": None,
        "accountEnabled": True,
        "userType": "Member",
        **user.properties,
        "id": user.object_id,
        "displayName": user.display_name,
        "userPrincipalName": user.user_principal_name,
        "mail": user.email,
    }


def user_of(request: GraphRequest, name: str | None = None) -> User:
    """The user of the path, by object id or user principal name; 404 if there is none."""
    wanted = name or request.names["id"]
    for user in request.directory.users:
        if wanted.lower() in (user.object_id.lower(), user.user_principal_name.lower()):
            return user
    raise not_found(wanted)


@graph("GET", "/users", permissions=READ, area=DIRECTORY)
def list_users(request: GraphRequest) -> GraphResponse:
    """A page of users."""
    return read_collection(request, KIND, [show(user) for user in request.directory.users], segment="users")


@graph("GET", "/users/{id}", permissions=READ, area=DIRECTORY)
def get_user(request: GraphRequest) -> GraphResponse:
    """One user."""
    return read_entity(request, KIND, show(user_of(request)), segment="users")


@graph("POST", "/users", permissions=WRITE, area=DIRECTORY)
def create_user(request: GraphRequest) -> GraphResponse:
    """A new account."""
    body = request.document()
    for name in ("accountEnabled", "displayName", "mailNickname", "userPrincipalName", "passwordProfile"):
        if name not in body:
            raise bad_request(f"A value is required for property '{name}' of resource 'User'.", "Request_BadRequest")
    _check_password(body["passwordProfile"], str(body["userPrincipalName"]))
    upn = str(body["userPrincipalName"])
    if any(user.user_principal_name.lower() == upn.lower() for user in request.directory.users):
        raise bad_request(
            "Another object with the same value for property userPrincipalName already exists.", "Request_BadRequest"
        )
    user = User(request.tenant.ids(), str(body["displayName"]), upn, body.get("mail"))
    user.properties = {"createdDateTime": timestamp(request.tenant.clock.now())}
    _write(request, user, {name: value for name, value in body.items() if name != "passwordProfile"})
    request.directory.users.append(user)
    audit_logs.record(request, "Add user", "UserManagement", _target(user), operation="Add")
    return GraphResponse(201, {"@odata.context": f"{request.context}users/$entity", **show(user)})


@graph("PATCH", "/users/{id}", permissions=(*ENABLE, *PASSWORD), area=DIRECTORY)
def update_user(request: GraphRequest) -> GraphResponse:
    """Change an account: 204. What a property needs besides is in the permissions reference."""
    user, body = user_of(request), dict(request.document())
    granted = frozenset(request.caller.roles) - request.tenant.faults.withheld(request.caller.roles)
    profile = body.pop("passwordProfile", None)
    others = {name for name in body if not name.startswith("@odata.")}
    if profile is not None and not covered(PASSWORD, granted) and not role_management.is_privileged(request):
        raise DIRECTORY.refusal(PASSWORD, ())
    if others and not covered(ENABLE if others == {"accountEnabled"} else WRITE, granted):
        raise DIRECTORY.refusal(WRITE, ())
    if (profile is not None or "accountEnabled" in others) and role_management.is_admin(request, user.object_id):
        if not role_management.is_privileged(request):
            raise DIRECTORY.refusal(WRITE, ())
    if profile is not None:
        _check_password(profile, user.user_principal_name)
    before = show(user)
    _write(request, user, body)
    if profile is not None:
        user.properties["lastPasswordChangeDateTime"] = timestamp(request.tenant.clock.now())
        audit_logs.record(request, "Reset password (by admin)", "UserManagement", _target(user))
    if others:
        after = show(user)
        changes = {name: ([before.get(name)], [after.get(name)]) for name in sorted(others)}
        activity = "Update user"
        if "accountEnabled" in others and before["accountEnabled"] != after["accountEnabled"]:
            activity = "Enable account" if after["accountEnabled"] else "Disable account"
        audit_logs.record(request, activity, "UserManagement", _target(user), changes)
    return GraphResponse(204)


@graph("DELETE", "/users/{id}", permissions=WRITE, area=DIRECTORY)
def delete_user(request: GraphRequest) -> GraphResponse:
    """Delete an account."""
    user = user_of(request)
    request.directory.users.remove(user)
    audit_logs.record(request, "Delete user", "UserManagement", _target(user), operation="Delete")
    return GraphResponse(204)


@graph("POST", "/users/{id}/revokeSignInSessions", permissions=REVOKE, area=DIRECTORY)
def revoke_sessions(request: GraphRequest) -> GraphResponse:
    """Refresh tokens and session cookies from before now are void."""
    user = user_of(request)
    now = timestamp(request.tenant.clock.now())
    user.properties["signInSessionsValidFromDateTime"] = user.properties["refreshTokensValidFromDateTime"] = now
    audit_logs.record(request, "Update StsRefreshTokenValidFrom Timestamp", "UserManagement", _target(user))
    return GraphResponse(200, {"@odata.context": f"{request.context}Edm.Boolean", "value": True})


@graph("GET", "/users/{id}/memberOf", permissions=("Directory.Read.All", "GroupMember.Read.All"), area=DIRECTORY)
def list_member_of(request: GraphRequest) -> GraphResponse:
    """Groups and directory roles of a user."""
    user = user_of(request)
    body = {"@odata.context": f"{request.context}directoryObjects", "value": _member_of(request, user.object_id)}
    return GraphResponse(200, body)


@graph("GET", "/users/{id}/transitiveMemberOf", permissions=("Directory.Read.All",), area=DIRECTORY)
def list_transitive_member_of(request: GraphRequest) -> GraphResponse:
    """Groups and directory roles of a user, also through other groups."""
    user = user_of(request)
    body = {
        "@odata.context": f"{request.context}directoryObjects",
        "value": _member_of(request, user.object_id, deep=True),
    }
    return GraphResponse(200, body)


@graph("GET", "/users/{id}/transitiveMemberOf/{cast}", permissions=("Directory.Read.All",), area=DIRECTORY)
def list_transitive_cast(request: GraphRequest) -> GraphResponse:
    """The same, of one type: `microsoft.graph.directoryRole` or `microsoft.graph.group`."""
    user, kind = user_of(request), f"#microsoft.graph.{request.names['cast']}".lower()
    found = [each for each in _member_of(request, user.object_id, deep=True) if each["@odata.type"].lower() == kind]
    return GraphResponse(200, {"@odata.context": f"{request.context}directoryObjects", "value": found})


def _member_of(request: GraphRequest, principal: str, deep: bool = False) -> list[Document]:
    found = groups.of_member(request, principal, deep=deep)
    return [
        *({"@odata.type": "#microsoft.graph.group", **group} for group in found),
        *(
            {
                "@odata.type": "#microsoft.graph.directoryRole",
                "id": role["id"],
                "displayName": role["displayName"],
                "description": role["description"],
                "roleTemplateId": role["id"],
            }
            for role in role_management.roles_of(request, principal)
        ),
    ]


def _write(request: GraphRequest, user: User, body: dict[str, Any]) -> None:
    for name, value in body.items():
        if name.startswith("@odata."):
            continue
        if name not in _WRITABLE:
            raise bad_request(
                f"Invalid property '{name}'." if name not in KIND.properties else f"Property '{name}' is read-only.",
                "Request_BadRequest",
            )
        if name == "accountEnabled" and not isinstance(value, bool):
            raise bad_request(
                f"Invalid value specified for property '{name}' of resource 'User'.", "Request_BadRequest"
            )
        if name in ("displayName", "userPrincipalName") and (not isinstance(value, str) or not value):
            raise bad_request(
                f"Invalid value specified for property '{name}' of resource 'User'.", "Request_BadRequest"
            )
    for name, value in body.items():
        if name == "displayName":
            user.display_name = value
        elif name == "userPrincipalName":
            user.user_principal_name = value
        elif name == "mail":
            user.email = value
        elif not name.startswith("@odata."):
            user.properties[name] = value


def _check_password(profile: Any, user_principal_name: str) -> None:
    password = profile.get("password") if isinstance(profile, dict) else None
    if password is None and isinstance(profile, dict) and "forceChangePasswordNextSignIn" in profile:
        return
    if not isinstance(password, str):
        raise bad_request(
            "Invalid value specified for property 'passwordProfile' of resource 'User'.", "Request_BadRequest"
        )
    kinds = sum(bool(re.search(pattern, password)) for pattern in (r"[a-z]", r"[A-Z]", r"\d", r"[^A-Za-z0-9]"))
    local = user_principal_name.split("@")[0].lower()
    if not 8 <= len(password) <= 256 or kinds < 3 or local in password.lower():
        raise GraphError(
            400,
            "Request_BadRequest",
            "The specified password does not comply with password complexity requirements. Please provide a different password.",
        )


def _target(user: User) -> Document:
    return {
        "id": user.object_id,
        "type": "User",
        "displayName": user.display_name,
        "userPrincipalName": user.user_principal_name,
    }
