"""What the resources of Microsoft.SecurityInsights have in common: list, read, write with etags, delete."""

from __future__ import annotations

from typing import Any

from vedette.range.arm import etags
from vedette.range.arm.errors import ArmError, bad_request
from vedette.range.arm.incidents import workspace_of
from vedette.range.arm.operations import ArmRequest, ArmResponse
from vedette.range.arm.paging import page
from vedette.range.documents import Collection, Document


def listing(request: ArmRequest, family: str) -> ArmResponse:
    """A page of a family, in the order in which they were made."""
    workspace_of(request)
    return page(request, list(request.insights(family)))


def one(request: ArmRequest, family: str, kind: str, name: str | None = None) -> Document:
    """The resource of that name, or 404."""
    workspace_of(request)
    wanted = name or request.names[-1]
    found = request.insights(family).get(wanted)
    if found is None:
        raise ArmError(404, "NotFound", f"{kind} '{wanted}' does not exist")
    return found


def write(
    request: ArmRequest,
    collection: Collection,
    segment: str,
    properties: dict[str, Any],
    *,
    type_name: str,
    kind: str | None = None,
) -> ArmResponse:
    """Create (201) or replace (200). `segment` is the path below the workspace's provider, such as `bookmarks/NAME`."""
    workspace_of(request)
    name = request.names[-1]
    existing = collection.get(name)
    etags.check(request, name, existing)
    document: Document = {
        "id": f"{request.base}/{segment}",
        "name": existing["name"] if existing else name,
        "type": type_name,
        "etag": request.tenant.next_etag(),
        **({"kind": kind} if kind else {}),
        "properties": properties,
    }
    collection.put(name, document)
    return ArmResponse(200 if existing else 201, document)


def remove(request: ArmRequest, collection: Collection) -> ArmResponse:
    """Delete (200); nothing to delete is 204."""
    workspace_of(request)
    name = request.names[-1]
    if request.if_match is not None:
        etags.check(request, name, collection.get(name))
    return ArmResponse(200 if collection.delete(name) else 204)


def required(properties: dict[str, Any], what: str, *names: str) -> None:
    """400 that names the first property that is missing."""
    for name in names:
        if properties.get(name) is None:
            raise bad_request(f"Invalid {what} payload: '{name}' is required.")


def member(properties: dict[str, Any], what: str, name: str, choices: tuple[str, ...]) -> None:
    """400 where a property is none of its choices; its spelling is made Azure's."""
    value = properties.get(name)
    if value is None:
        return
    fitting = [choice for choice in choices if choice.lower() == str(value).lower()]
    if not fitting:
        raise bad_request(f"Invalid {what} payload: '{value}' is not a value of '{name}'.")
    properties[name] = fitting[0]
