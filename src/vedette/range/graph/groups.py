"""Graph /groups: groups and who is in them."""

from __future__ import annotations

from typing import Final

from vedette.range.documents import Document
from vedette.range.graph import audit_logs
from vedette.range.graph.errors import DIRECTORY, bad_request, not_found
from vedette.range.graph.operations import GraphRequest, GraphResponse, graph
from vedette.range.graph.query import EntityType, read_collection, read_entity

PATH: Final = "groups"
MEMBERS: Final = "members"
"""In the stored document: object ids of members. It is not told."""
READ: Final = (
    "Group.Read.All",
    "GroupMember.Read.All",
    "Group.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
)
WRITE_MEMBERS: Final = ("GroupMember.ReadWrite.All", "Group.ReadWrite.All", "Directory.ReadWrite.All")
KIND: Final = EntityType(
    name="microsoft.graph.group",
    properties=frozenset(
        "id createdDateTime description displayName groupTypes isAssignableToRole mail mailEnabled mailNickname "
        "securityEnabled securityIdentifier visibility".split()
    ),
    searched=frozenset("displayName description mail mailNickname".split()),
    order="displayName",
)


@graph("GET", "/groups", permissions=READ, area=DIRECTORY)
def list_groups(request: GraphRequest) -> GraphResponse:
    """A page of groups."""
    return read_collection(request, KIND, [_show(group) for group in request.collection(PATH)], segment=PATH)


@graph("GET", "/groups/{id}", permissions=READ, area=DIRECTORY)
def get_group(request: GraphRequest) -> GraphResponse:
    """One group."""
    return read_entity(request, KIND, _show(_group(request)), segment=PATH)


@graph("GET", "/groups/{id}/members", permissions=READ, area=DIRECTORY)
def list_members(request: GraphRequest) -> GraphResponse:
    """Who is in a group."""
    found = [known for name in _group(request).get(MEMBERS, []) if (known := _object(request, name)) is not None]
    return GraphResponse(200, {"@odata.context": f"{request.context}directoryObjects", "value": found})


@graph("POST", "/groups/{id}/members/$ref", permissions=WRITE_MEMBERS, area=DIRECTORY)
def add_member(request: GraphRequest) -> GraphResponse:
    """Put somebody into a group; 400 if they are in it."""
    group, link = dict(_group(request)), str(request.document().get("@odata.id", ""))
    name = link.rstrip("/").split("/")[-1]
    if not name or _object(request, name) is None:
        raise not_found(name)
    members = list(group.get(MEMBERS, []))
    if name.lower() in (member.lower() for member in members):
        raise bad_request(
            "One or more added object references already exist for the following modified properties: 'members'.",
            "Request_BadRequest",
        )
    group[MEMBERS] = [*members, name]
    request.collection(PATH).put(group["id"], group)
    audit_logs.record(
        request, "Add member to group", "GroupManagement", {"id": name, "type": "User"}, operation="Assign"
    )
    return GraphResponse(204)


@graph("DELETE", "/groups/{id}/members/{member}/$ref", permissions=WRITE_MEMBERS, area=DIRECTORY)
def remove_member(request: GraphRequest) -> GraphResponse:
    """Take somebody out of a group; 404 if they are not in it."""
    group, name = dict(_group(request)), request.names["member"]
    members = [member for member in group.get(MEMBERS, []) if member.lower() != name.lower()]
    if len(members) == len(group.get(MEMBERS, [])):
        raise not_found(name)
    group[MEMBERS] = members
    request.collection(PATH).put(group["id"], group)
    target = {"id": name, "type": "User"}
    audit_logs.record(request, "Remove member from group", "GroupManagement", target, operation="Unassign")
    return GraphResponse(204)


def of_member(request: GraphRequest, principal: str, *, deep: bool) -> list[Document]:
    """Groups that a principal is in; `deep`: also those that a group of theirs is in."""
    found: dict[str, Document] = {}
    waiting = [principal]
    while waiting:
        name = waiting.pop().lower()
        for group in request.collection(PATH):
            if group["id"] not in found and name in (member.lower() for member in group.get(MEMBERS, [])):
                found[group["id"]] = _show(group)
                if deep:
                    waiting.append(group["id"])
    return list(found.values())


def _show(group: Document) -> Document:
    return {name: value for name, value in group.items() if name != MEMBERS}


def _group(request: GraphRequest) -> Document:
    group = request.collection(PATH).get(request.names["id"])
    if group is None:
        raise not_found(request.names["id"])
    return group


def _object(request: GraphRequest, name: str) -> Document | None:
    user = request.directory.user(name)
    if user is not None:
        return {
            "@odata.type": "#microsoft.graph.user",
            "id": user.object_id,
            "displayName": user.display_name,
            "userPrincipalName": user.user_principal_name,
            "mail": user.email,
        }
    group = request.collection(PATH).get(name)
    if group is not None:
        return {"@odata.type": "#microsoft.graph.group", **_show(group)}
    app = next((app for app in request.directory.applications if app.object_id.lower() == name.lower()), None)
    if app is not None:
        return {
            "@odata.type": "#microsoft.graph.servicePrincipal",
            "id": app.object_id,
            "displayName": app.display_name,
        }
    return None
