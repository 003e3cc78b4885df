"""Microsoft.Compute/snapshots: copies of disks, also from another subscription."""

from __future__ import annotations

from typing import Final

from vedette.range.arm import disk_access, resources
from vedette.range.arm.errors import ArmError, bad_request
from vedette.range.arm.long_running import start
from vedette.range.arm.operations import ArmRequest, ArmResponse, operation
from vedette.range.arm.versions import COMPUTE
from vedette.range.documents import Document
from vedette.range.state import timestamp

TYPE: Final = "Microsoft.Compute/snapshots"
_READ_ONLY: Final = frozenset(
    {"provisioningState", "timeCreated", "uniqueId", "diskState", "completionPercent", "diskSizeBytes"}
)


@operation("GET", TYPE, collection=True, action="read", versions=COMPUTE)
def list_snapshots(request: ArmRequest) -> ArmResponse:
    """A page of snapshots."""
    return resources.listing(request, TYPE)


@operation("GET", TYPE, collection=False, action="read", versions=COMPUTE)
def get_snapshot(request: ArmRequest) -> ArmResponse:
    """One snapshot."""
    return ArmResponse(200, resources.visible(resources.one(request)))


@operation("PUT", TYPE, collection=False, action="write", versions=COMPUTE)
def put_snapshot(request: ArmRequest) -> ArmResponse:
    """Create, or send the same again."""
    given = {name: value for name, value in request.properties().items() if name not in _READ_ONLY}
    name = request.names[0]
    if len(name) > 80 or not name.replace("_", "").replace("-", "").replace(".", "").isalnum():
        raise bad_request(f"The entity name '{name}' is invalid.", code="InvalidParameter")
    if not request.body.get("location"):
        raise bad_request("The location property is required for this definition.", code="LocationRequired")
    creation = given.get("creationData")
    if not isinstance(creation, dict) or not creation.get("createOption"):
        raise bad_request(
            "Required parameter 'snapshot.properties.creationData' is missing (null).", code="InvalidParameter"
        )
    existing = request.store.get(resources.identity(request))
    source = disk_access.source_of(request, creation)
    _check_copy(request, given, creation, source)
    made = (source or {}).get("properties", {})
    size = given.get("diskSizeGB") or made.get("diskSizeGB") or 32
    known = (existing or {}).get("properties", {})
    snapshot: Document = {
        "id": existing["id"] if existing else resources.identity(request),
        "name": name,
        "type": TYPE,
        "location": request.body["location"],
        "sku": {"tier": "Standard", **(request.body.get("sku") or {"name": "Standard_LRS"})},
        **({"tags": request.body["tags"]} if request.body.get("tags") else {}),
        "properties": {
            **{each: made[each] for each in ("osType", "hyperVGeneration") if each in made},
            "incremental": False,
            "networkAccessPolicy": "AllowAll",
            "publicNetworkAccess": "Enabled",
            "encryption": {"type": "EncryptionAtRestWithPlatformKey"},
            **given,
            "creationData": {**creation, **({"sourceUniqueId": made["uniqueId"]} if "uniqueId" in made else {})},
            "diskSizeGB": size,
            "diskSizeBytes": size * 1024**3,
            "timeCreated": known.get("timeCreated") or timestamp(request.tenant.clock.now()),
            "uniqueId": known.get("uniqueId") or request.tenant.ids(),
            "diskState": known.get("diskState", "Unattached"),
            "completionPercent": 100.0,
            "provisioningState": "Succeeded",
        },
    }
    if given.get("incremental"):
        family = known.get("incrementalSnapshotFamilyId") or request.tenant.ids()
        snapshot["properties"]["incrementalSnapshotFamilyId"] = family
    return disk_access.create(request, snapshot, existing)


@operation("PATCH", TYPE, collection=False, action="write", versions=COMPUTE)
def patch_snapshot(request: ArmRequest) -> ArmResponse:
    """Change some of it: tags, SKU, who may reach it."""
    return disk_access.patch(request, ("networkAccessPolicy", "publicNetworkAccess", "diskAccessId", "osType"))


@operation("DELETE", TYPE, collection=False, action="delete", versions=COMPUTE)
def delete_snapshot(request: ArmRequest) -> ArmResponse:
    """Delete; not while somebody may read it."""
    snapshot = request.store.get(resources.identity(request))
    if snapshot is None:
        return ArmResponse(204)
    if disk_access.readable(request, snapshot):
        raise ArmError(
            409, "OperationNotAllowed", f"Snapshot {snapshot['name']} has an active shared access signature."
        )
    return start(request, 202, None, delete=snapshot["id"], location=snapshot["location"])


@operation("POST", f"{TYPE}/beginGetAccess", collection=True, action="action", versions=COMPUTE)
def begin_access(request: ArmRequest) -> ArmResponse:
    """An address to read the snapshot at."""
    return disk_access.begin(request, resources.one(request, disk_access.owner(request)))


@operation("POST", f"{TYPE}/endGetAccess", collection=True, action="action", versions=COMPUTE)
def end_access(request: ArmRequest) -> ArmResponse:
    """Void the address."""
    return disk_access.end(request, resources.one(request, disk_access.owner(request)))


def _check_copy(
    request: ArmRequest, given: dict[str, object], creation: dict[str, object], source: Document | None
) -> None:
    """A copy into another subscription or region is made of an incremental snapshot, and is one."""
    if source is None:
        return
    option = str(creation["createOption"]).lower()
    is_snapshot = str(source["type"]).lower() == TYPE.lower()
    if option == "copystart":
        if not is_snapshot or not source["properties"].get("incremental") or not given.get("incremental"):
            raise bad_request("CopyStart takes an incremental snapshot and makes one.", code="InvalidParameter")
        return
    elsewhere = not str(source["id"]).lower().startswith(f"/subscriptions/{request.subscription.id.lower()}/")
    if given.get("incremental") and elsewhere and not is_snapshot:
        raise bad_request(
            "An incremental snapshot of a disk is made in the disk's own subscription.", code="InvalidParameter"
        )
