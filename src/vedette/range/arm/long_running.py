"""Long-running operations: `Azure-AsyncOperation`, `Location` and `Retry-After`, and what is different when they are done.

How long they take is `FakeTenant.operation_seconds`, by the tenant's clock. What an operation changes takes effect at the
first request after its end.
"""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any, Final

from vedette.range.arm.errors import ArmError
from vedette.range.arm.operations import ArmRequest, ArmResponse, operation
from vedette.range.arm.versions import COMPUTE, NETWORK, SECURITY_OPERATIONS
from vedette.range.documents import Document
from vedette.range.odata import moment_of
from vedette.range.state import FakeTenant, Subscription, timestamp

_COLLECTIONS: Final = {
    "microsoft.compute/disks": "DiskOperations",
    "microsoft.compute/snapshots": "DiskOperations",
}


def start(
    request: ArmRequest,
    status: int,
    body: Any,
    *,
    put: Document | None = None,
    delete: str | None = None,
    output: Any = None,
    location: str = "westeurope",
    with_location: bool = True,
) -> ArmResponse:
    """Answer that something is going on. At the end `put` is stored, `delete` is gone, and `output` is the result."""
    now, tenant = request.tenant.clock.now(), request.tenant
    last = request.path.last
    assert last is not None
    collection = _COLLECTIONS.get(f"{last.namespace}/{last.types[0]}".lower(), "operations")
    name = tenant.ids()
    record: Document = {
        "id": name,
        "start": timestamp(now),
        "end": timestamp(now + timedelta(seconds=tenant.operation_seconds)),
        "put": put,
        "delete": delete,
        "output": output,
        "settled": False,
    }
    tenant.documents.of("operations", request.subscription.id).put(name, record)
    settle(tenant, request.subscription)
    link = (
        f"{request.origin}/subscriptions/{request.subscription.id}/providers/{last.namespace}/locations/{location}/"
        f"{collection}/{name}?api-version={request.api_version}"
    )
    headers = {"Azure-AsyncOperation": link, "Retry-After": _wait(tenant.operation_seconds)}
    if with_location:
        headers["Location"] = f"{link}&monitor=true"
    return ArmResponse(status, body, headers)


def settle(tenant: FakeTenant, subscription: Subscription) -> None:
    """Let operations that have ended by now take effect."""
    operations, resources = (tenant.documents.of(kind, subscription.id) for kind in ("operations", "arm"))
    now = tenant.clock.now()
    for record in operations:
        end = moment_of(record["end"])
        if record["settled"] or end is None or end > now:
            continue
        if (made := record["put"]) is not None and (made["id"] in resources or not made.get("_existing")):
            # `_existing`: the resource was there when the operation began, and must not come back if it is gone.
            resources.put(made["id"], {name: value for name, value in made.items() if name != "_existing"})
        if record["delete"] is not None:
            resources.delete(record["delete"])
        operations.put(record["id"], {**record, "put": None, "settled": True})


def _read(request: ArmRequest) -> ArmResponse:
    record = request.tenant.documents.of("operations", request.subscription.id).get(request.names[-1])
    if record is None:
        raise ArmError(404, "NotFound", f"The operation '{request.names[-1]}' does not exist.")
    monitor = request.query.get("monitor", "").lower() == "true"
    if not record["settled"]:
        end = moment_of(record["end"])
        assert end is not None
        headers = {"Retry-After": _wait((end - request.tenant.clock.now()).total_seconds())}
        if monitor:
            return ArmResponse(
                202, None, {**headers, "Location": f"{request.origin}{request.path.text}?{_query(request)}"}
            )
        body = {"name": record["id"], "startTime": record["start"], "status": "InProgress"}
        return ArmResponse(200, body, headers)
    if monitor:
        return ArmResponse(200, record["output"]) if record["output"] is not None else ArmResponse(204)
    status: dict[str, Any] = {
        "name": record["id"],
        "startTime": record["start"],
        "endTime": record["end"],
        "status": "Succeeded",
    }
    if record["output"] is not None:
        status["properties"] = {"output": record["output"]}
    return ArmResponse(200, status)


for _type, _versions in (
    ("Microsoft.Compute/locations/DiskOperations", COMPUTE),
    ("Microsoft.Compute/locations/operations", COMPUTE),
    ("Microsoft.Network/locations/operations", NETWORK),
    ("Microsoft.Security/locations/operations", SECURITY_OPERATIONS),
):
    operation("GET", _type, collection=False, action="read", versions=_versions)(_read)


def _wait(seconds: float) -> str:
    return str(min(10, math.ceil(seconds))) if seconds > 0 else "0"


def _query(request: ArmRequest) -> str:
    return f"api-version={request.api_version}&monitor=true"
