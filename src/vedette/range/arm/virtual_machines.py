"""Microsoft.Compute/virtualMachines: reading them, and what a responder does to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from vedette.range.arm import disk_access, resources
from vedette.range.arm.errors import ArmError, bad_request
from vedette.range.arm.long_running import start
from vedette.range.arm.operations import ArmRequest, ArmResponse, operation
from vedette.range.arm.versions import COMPUTE
from vedette.range.documents import Document

TYPE: Final = "Microsoft.Compute/virtualMachines"
_POWER: Final = {
    "deallocate": "deallocated",
    "powerOff": "stopped",
    "start": "running",
    "restart": "running",
    "redeploy": "running",
}


@operation("GET", TYPE, collection=True, action="read", versions=COMPUTE)
def list_machines(request: ArmRequest) -> ArmResponse:
    """A page of virtual machines."""
    return resources.listing(request, TYPE)


@operation("GET", TYPE, collection=False, action="read", versions=COMPUTE)
def get_machine(request: ArmRequest) -> ArmResponse:
    """One virtual machine; `$expand=instanceView` tells whether it runs."""
    machine = resources.visible(resources.one(request))
    if "instanceview" in request.query.get("$expand", "").lower():
        view = _view(resources.one(request))
        machine = {**machine, "properties": {**machine["properties"], "instanceView": view}}
    return ArmResponse(200, machine)


@operation("GET", f"{TYPE}/instanceView", collection=True, action="read", versions=COMPUTE)
def get_view(request: ArmRequest) -> ArmResponse:
    """What a virtual machine is doing."""
    return ArmResponse(200, _view(resources.one(request, disk_access.owner(request))))


@operation("PATCH", TYPE, collection=False, action="write", versions=COMPUTE)
def tag_machine(request: ArmRequest) -> ArmResponse:
    """Change the tags of a virtual machine."""
    body = request.body if isinstance(request.body, dict) else {}
    if set(body) - {"tags"}:
        raise bad_request("The fake tenant changes only the tags of a virtual machine.", code="NotSupported")
    machine = {**resources.one(request), "tags": body.get("tags") or {}}
    request.store.put(machine["id"], machine)
    return ArmResponse(200, resources.visible(machine))


@operation("DELETE", TYPE, collection=False, action="delete", versions=COMPUTE)
def delete_machine(request: ArmRequest) -> ArmResponse:
    """Delete a virtual machine; its disks stay."""
    machine = request.store.get(resources.identity(request))
    if machine is None:
        return ArmResponse(204)
    for name, disk in request.store.items():
        if str(disk.get("managedBy", "")).lower() == machine["id"].lower():
            free = {key: value for key, value in disk.items() if key != "managedBy"}
            request.store.put(name, {**free, "properties": {**disk["properties"], "diskState": "Unattached"}})
    return start(request, 202, None, delete=machine["id"], location=machine["location"])


def _power(verb: str) -> Callable[[ArmRequest], ArmResponse]:
    def act(request: ArmRequest) -> ArmResponse:
        machine = resources.one(request, disk_access.owner(request))
        after = {**machine, "_power": _POWER[verb], "_existing": True}
        return start(request, 202, None, put=after, location=machine["location"])

    return act


for _verb in _POWER:
    operation("POST", f"{TYPE}/{_verb}", collection=True, action="action", versions=COMPUTE)(_power(_verb))


@operation("POST", f"{TYPE}/runCommand", collection=True, action="action", versions=COMPUTE)
def run_command(request: ArmRequest) -> ArmResponse:
    """Take a script for a running machine. It is recorded, not run: the output says so."""
    machine = resources.one(request, disk_access.owner(request))
    body: dict[str, Any] = request.body if isinstance(request.body, dict) else {}
    if body.get("commandId") not in ("RunShellScript", "RunPowerShellScript"):
        raise ArmError(404, "NotFound", f"The entity was not found: command '{body.get('commandId')}'.")
    if machine.get("_power", "running") != "running":
        raise ArmError(409, "OperationNotAllowed", "The operation requires the VM to be running (or set to run).")
    runs: list[Document] = [
        *machine.get("_commands", []),
        {"id": body["commandId"], "script": body.get("script") or []},
    ]
    request.store.put(machine["id"], {**machine, "_commands": runs})
    message = "Enable succeeded: \n[stdout]\nrecorded by the fake tenant, not run\n[stderr]\n"
    output = {
        "value": [
            {
                "code": "ProvisioningState/succeeded",
                "level": "Info",
                "displayStatus": "Provisioning succeeded",
                "message": message,
            }
        ]
    }
    return start(request, 202, None, output=output, location=machine["location"])


def _view(machine: Document) -> Document:
    state = machine.get("_power", "running")
    return {
        "computerName": machine["properties"].get("osProfile", {}).get("computerName"),
        "osName": machine["properties"].get("storageProfile", {}).get("osDisk", {}).get("osType"),
        "statuses": [
            {"code": "ProvisioningState/succeeded", "level": "Info", "displayStatus": "Provisioning succeeded"},
            {"code": f"PowerState/{state}", "level": "Info", "displayStatus": f"VM {state}"},
        ],
    }
