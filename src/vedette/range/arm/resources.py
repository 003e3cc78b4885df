"""What resources of Azure Resource Manager have in common: lists at a scope, reading, deleting."""

from __future__ import annotations

from typing import Any

from vedette.range.arm.errors import no_resource
from vedette.range.arm.operations import ArmRequest, ArmResponse
from vedette.range.arm.paging import page
from vedette.range.documents import Document


def identity(request: ArmRequest) -> str:
    """The id of the resource that the path names: what is known of it is spelled as Azure has it."""
    last = request.path.last
    assert last is not None
    return f"{request.path_base}{last}"


def listing(request: ArmRequest, kind: str) -> ArmResponse:
    """Resources of a type in the resource group, or in the whole subscription."""
    prefix = request.scope.lower() + "/"
    found = [
        document
        for name, document in request.store.items()
        if name.startswith(prefix) and str(document.get("type", "")).lower() == kind.lower()
    ]
    return page(request, [visible(document) for document in found])


def one(request: ArmRequest, resource_id: str | None = None) -> Document:
    """The resource of the path (or of that id), or 404."""
    wanted = resource_id or identity(request)
    found = request.store.get(wanted)
    if found is None:
        raise missing(request, wanted)
    return found


def missing(request: ArmRequest, resource_id: str) -> Exception:
    """404 for a resource by its id."""
    parts = resource_id.strip("/").split("/")
    lowered = [part.lower() for part in parts]
    at = len(parts) - 1 - lowered[::-1].index("providers") if "providers" in lowered else 0
    chain = parts[at + 2 :]
    kind = "/".join((parts[at + 1], *chain[0::2]))
    group = parts[3] if len(parts) > 3 and lowered[2] == "resourcegroups" else ""
    return no_resource(kind, "/".join(chain[1::2]), group)


def visible(document: Document) -> Document:
    """A resource without what only the fake tenant knows of it."""
    return {name: value for name, value in document.items() if not name.startswith("_")}


def merged(existing: Document | None, properties: dict[str, Any]) -> dict[str, Any]:
    """The properties of a resource after a PUT that leaves read-only ones out."""
    return {**(existing or {}).get("properties", {}), **properties}
