"""What disks and snapshots have in common: where they come from, how they are made, and addresses to read them at."""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta
from typing import Any

from vedette.range.arm import resources
from vedette.range.arm.errors import ArmError, bad_request
from vedette.range.arm.long_running import start
from vedette.range.arm.operations import ArmRequest, ArmResponse
from vedette.range.arm.path import read_path
from vedette.range.documents import Document
from vedette.range.odata import moment_of
from vedette.range.roles import assigned
from vedette.range.state import timestamp


def source_of(request: ArmRequest, creation: dict[str, Any]) -> Document | None:
    """The disk or snapshot that something is made from; 403 or 404 where the caller cannot read it, or it is not there."""
    source_id = creation.get("sourceResourceId")
    option = str(creation["createOption"]).lower()
    if option not in ("copy", "copystart", "restore"):
        return None
    if not isinstance(source_id, str) or not source_id:
        raise bad_request(
            "Required parameter 'creationData.sourceResourceId' is missing (null).", code="InvalidParameter"
        )
    path = read_path(source_id)
    subscription = request.tenant.subscription(path.subscription) if path else None
    if path is None or path.last is None or subscription is None:
        raise ArmError(404, "NotFound", f"Resource {source_id} is not found.")
    action = f"{path.last.namespace}/{path.last.types[0]}/beginGetAccess/action"
    roles = assigned(subscription.role_assignments, request.caller.object_id, source_id)
    if not any(role.permits(action) for role in roles):
        raise ArmError(
            403,
            "LinkedAuthorizationFailed",
            f"The client '{request.caller.client_id}' has permission to perform action 'write' on scope "
            f"'{request.path.scope()}', however the linked subscription '{subscription.id}' was not found or it does not "
            f"have permission to perform action '{action}' on the linked scope '{source_id}'.",
        )
    found = request.tenant.documents.of("arm", subscription.id).get(source_id)
    if found is None:
        raise ArmError(404, "NotFound", f"Resource {source_id} is not found.")
    return found


def create(request: ArmRequest, resource: Document, existing: Document | None) -> ArmResponse:
    """Store a disk or a snapshot: at once as being made, and as made when the operation ends."""
    if existing is not None:
        before, after = (each["properties"].get("creationData", {}) for each in (existing, resource))
        for name in ("createOption", "sourceResourceId", "sourceUri"):
            if str(before.get(name)).lower() != str(after.get(name)).lower():
                raise ArmError(
                    409, "PropertyChangeNotAllowed", f"Changing property 'creationData.{name}' is not allowed."
                )
    begun = {**resource, "properties": {**resource["properties"], "provisioningState": "Updating"}}
    if "completionPercent" in begun["properties"] and existing is None:
        begun["properties"]["completionPercent"] = 0.0
    request.store.put(resource["id"], begun)
    answer = start(
        request,
        202 if existing is None else 200,
        resources.visible(begun),
        put={**resource, "_existing": True},
        output=resources.visible(resource),
        location=resource["location"],
    )
    if not request.tenant.operation_seconds:
        shown = resources.visible(request.store.get(resource["id"]) or resource)
        return ArmResponse(answer.status, shown, answer.headers)
    return answer


def patch(request: ArmRequest, changeable: tuple[str, ...]) -> ArmResponse:
    """Change what of a disk or snapshot may be changed; what is left out stays."""
    existing = resources.one(request)
    body = request.body if isinstance(request.body, dict) else {}
    given = body.get("properties") or {}
    for name in given:
        if name not in changeable:
            raise ArmError(409, "PropertyChangeNotAllowed", f"Changing property '{name}' is not allowed.")
    size = given.get("diskSizeGB")
    if size is not None and (type(size) is not int or size < existing["properties"].get("diskSizeGB", 0)):
        raise bad_request("A disk cannot be made smaller.", code="InvalidParameter")
    properties = {**existing["properties"], **given}
    if size is not None:
        properties["diskSizeBytes"] = size * 1024**3
    around = {name: body[name] for name in ("tags", "sku") if body.get(name) is not None}
    if "sku" in around:
        around["sku"] = {**(existing.get("sku") or {}), **around["sku"]}
    return create(request, {**existing, **around, "properties": properties}, existing)


def owner(request: ArmRequest) -> str:
    """The id of the resource that an action's path is about."""
    return resources.identity(request).rsplit("/", 1)[0]


def begin(request: ArmRequest, resource: Document) -> ArmResponse:
    """An address to read the resource at, for a while."""
    body = request.body if isinstance(request.body, dict) else {}
    seconds = body.get("durationInSeconds")
    if body.get("access") not in ("Read", "Write") or type(seconds) is not int or not 0 < seconds <= 60 * 86_400:
        raise bad_request("The parameters 'access' and 'durationInSeconds' are required.", code="InvalidParameter")
    properties = resource["properties"]
    if properties.get("networkAccessPolicy") == "DenyAll":
        raise ArmError(
            409,
            "OperationNotAllowed",
            f"Resource {resource['name']} has the network access policy DenyAll; it cannot be exported.",
        )
    end = request.tenant.clock.now() + timedelta(seconds=seconds)
    signature = base64.urlsafe_b64encode(hashlib.sha256(f"{resource['id']}{request.tenant.ids()}".encode()).digest())
    address = (
        f"https://md-range.blob.storage.azure.net/{properties.get('uniqueId', resource['name'])}/abcd"
        f"?sv=2018-03-28&sr=b&se={timestamp(end)}&sp=r&sig={signature.decode().rstrip('=')}"
    )
    changed = {
        **resource,
        "_access": timestamp(end),
        "_state": resource.get("_state", properties.get("diskState", "Unattached")),
        "properties": {**properties, "diskState": "ActiveSAS"},
    }
    request.store.put(resource["id"], changed)
    return start(request, 202, None, output={"accessSAS": address}, location=resource.get("location", "westeurope"))


def end(request: ArmRequest, resource: Document) -> ArmResponse:
    """Void the address."""
    changed = {name: value for name, value in resource.items() if name not in ("_access", "_state")}
    changed["properties"] = {**resource["properties"], "diskState": resource.get("_state", "Unattached")}
    request.store.put(resource["id"], changed)
    return start(request, 202, None, location=resource.get("location", "westeurope"))


def readable(request: ArmRequest, resource: Document) -> bool:
    """Whether an address to read the resource at is in force."""
    until = moment_of(resource.get("_access"))
    return until is not None and until > request.tenant.clock.now()
