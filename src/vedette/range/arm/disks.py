"""Microsoft.Compute/disks."""

from __future__ import annotations

from typing import Any, Final

from vedette.range.arm import disk_access, resources
from vedette.range.arm.errors import ArmError, bad_request
from vedette.range.arm.long_running import start
from vedette.range.arm.operations import ArmRequest, ArmResponse, operation
from vedette.range.arm.versions import COMPUTE
from vedette.range.documents import Document
from vedette.range.state import timestamp

TYPE: Final = "Microsoft.Compute/disks"


@operation("GET", TYPE, collection=True, action="read", versions=COMPUTE)
def list_disks(request: ArmRequest) -> ArmResponse:
    """A page of disks."""
    return resources.listing(request, TYPE)


@operation("GET", TYPE, collection=False, action="read", versions=COMPUTE)
def get_disk(request: ArmRequest) -> ArmResponse:
    """One disk."""
    return ArmResponse(200, resources.visible(resources.one(request)))


@operation("PUT", TYPE, collection=False, action="write", versions=COMPUTE)
def put_disk(request: ArmRequest) -> ArmResponse:
    """Create or change."""
    given = request.properties()
    existing = request.store.get(resources.identity(request))
    creation = given.get("creationData")
    if not isinstance(creation, dict) or not creation.get("createOption"):
        raise bad_request(
            "Required parameter 'disk.properties.creationData' is missing (null).", code="InvalidParameter"
        )
    source = disk_access.source_of(request, creation)
    size = given.get("diskSizeGB") or (source or {}).get("properties", {}).get("diskSizeGB") or 32
    if type(size) is not int or not 1 <= size <= 65_536:
        raise bad_request("The value of parameter 'diskSizeGB' is out of range.", code="InvalidParameter")
    disk: Document = {
        "id": existing["id"] if existing else resources.identity(request),
        "name": request.names[0],
        "type": TYPE,
        "location": request.body.get("location") or "westeurope",
        "sku": {"tier": "Standard", **(request.body.get("sku") or {"name": "Standard_LRS"})},
        **({"tags": request.body["tags"]} if request.body.get("tags") else {}),
        "properties": {
            "networkAccessPolicy": "AllowAll",
            "timeCreated": timestamp(request.tenant.clock.now()),
            "uniqueId": request.tenant.ids(),
            "diskState": "Unattached",
            **resources.merged(existing, given),
            "diskSizeGB": size,
            "diskSizeBytes": size * 1024**3,
            "provisioningState": "Succeeded",
        },
    }
    return disk_access.create(request, disk, existing)


@operation("PATCH", TYPE, collection=False, action="write", versions=COMPUTE)
def patch_disk(request: ArmRequest) -> ArmResponse:
    """Change some of it: tags, SKU, size, who may reach it."""
    return disk_access.patch(
        request, ("diskSizeGB", "tier", "networkAccessPolicy", "publicNetworkAccess", "diskAccessId", "osType")
    )


@operation("DELETE", TYPE, collection=False, action="delete", versions=COMPUTE)
def delete_disk(request: ArmRequest) -> ArmResponse:
    """Delete; a disk that a machine uses cannot be."""
    disk = request.store.get(resources.identity(request))
    if disk is None:
        return ArmResponse(204)
    if disk.get("managedBy"):
        raise ArmError(
            409,
            "OperationNotAllowed",
            f"Disk {disk['name']} is attached to VM {disk['managedBy']} and cannot be deleted.",
        )
    if disk_access.readable(request, disk):
        raise ArmError(409, "OperationNotAllowed", f"Disk {disk['name']} has an active shared access signature.")
    return start(request, 202, None, delete=disk["id"], location=disk["location"])


def _access(request: ArmRequest) -> Any:
    return disk_access.begin(request, resources.one(request, disk_access.owner(request)))


operation("POST", f"{TYPE}/beginGetAccess", collection=True, action="action", versions=COMPUTE)(_access)


@operation("POST", f"{TYPE}/endGetAccess", collection=True, action="action", versions=COMPUTE)
def end_access(request: ArmRequest) -> ArmResponse:
    """Void the address that `beginGetAccess` gave."""
    return disk_access.end(request, resources.one(request, disk_access.owner(request)))
