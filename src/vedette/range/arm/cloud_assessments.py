"""Microsoft.Security/assessments: Defender for Cloud's recommendations, resource by resource."""

from __future__ import annotations

from typing import Final

from vedette.range.arm import resources
from vedette.range.arm.errors import ArmError, bad_request
from vedette.range.arm.operations import ArmRequest, ArmResponse, operation
from vedette.range.arm.paging import page
from vedette.range.arm.versions import ASSESSMENTS
from vedette.range.documents import Document
from vedette.range.state import timestamp

TYPE: Final = "Microsoft.Security/assessments"
METADATA: Final = "Microsoft.Security/assessmentMetadata"
_CODES: Final = ("Healthy", "Unhealthy", "NotApplicable")


@operation("GET", TYPE, collection=True, action="read", versions=ASSESSMENTS)
def list_assessments(request: ArmRequest) -> ArmResponse:
    """A page of assessments at or below the scope."""
    here = request.path_base.lower().rstrip("/") + "/"
    found = [
        assessment
        for name, assessment in request.store.items()
        if name.startswith(here) and str(assessment.get("type", "")).lower() == TYPE.lower()
    ]
    return page(request, found)


@operation("GET", TYPE, collection=False, action="read", versions=ASSESSMENTS)
def get_assessment(request: ArmRequest) -> ArmResponse:
    """One assessment; `$expand=metadata` tells what it is about."""
    found = request.store.get(resources.identity(request))
    if found is None:
        raise ArmError(404, "ResourceNotFound", f"The assessment '{request.names[0]}' was not found.")
    if "metadata" in request.query.get("$expand", "").lower():
        metadata = request.store.get(_metadata_id(request, request.names[0]))
        if metadata is not None:
            found = {**found, "properties": {**found["properties"], "metadata": metadata["properties"]}}
    return ArmResponse(200, found)


@operation("PUT", TYPE, collection=False, action="write", versions=ASSESSMENTS)
def put_assessment(request: ArmRequest) -> ArmResponse:
    """What a product of one's own has found."""
    given = request.properties()
    status, details = given.get("status"), given.get("resourceDetails")
    if not isinstance(status, dict) or status.get("code") not in _CODES:
        raise bad_request(f"'status.code' is one of {', '.join(_CODES)}.")
    if not isinstance(details, dict) or not details.get("source"):
        raise bad_request("'resourceDetails.source' is required.")
    identity = resources.identity(request)
    existing = request.store.get(identity)
    now = timestamp(request.tenant.clock.now())
    before = (existing or {}).get("properties", {}).get("status", {})
    changed = before.get("code") != status["code"]
    properties = {
        **given,
        "status": {
            **status,
            "firstEvaluationDate": before.get("firstEvaluationDate", now),
            "statusChangeDate": now if changed else before.get("statusChangeDate", now),
        },
    }
    assessment: Document = {"id": identity, "name": request.names[0], "type": TYPE, "properties": properties}
    request.store.put(identity, assessment)
    return ArmResponse(200 if existing else 201, assessment)


@operation("DELETE", TYPE, collection=False, action="delete", versions=ASSESSMENTS)
def delete_assessment(request: ArmRequest) -> ArmResponse:
    """Delete (200); nothing to delete is 204."""
    return ArmResponse(200 if request.store.delete(resources.identity(request)) else 204)


@operation("GET", METADATA, collection=True, action="read", versions=ASSESSMENTS)
def list_metadata(request: ArmRequest) -> ArmResponse:
    """A page of what assessments are about."""
    found = [each for _, each in request.store.items() if str(each.get("type", "")).lower() == METADATA.lower()]
    return page(request, found)


@operation("GET", METADATA, collection=False, action="read", versions=ASSESSMENTS)
def get_metadata(request: ArmRequest) -> ArmResponse:
    """What one assessment is about."""
    return ArmResponse(200, resources.one(request))


@operation("PUT", METADATA, collection=False, action="write", versions=ASSESSMENTS)
def put_metadata(request: ArmRequest) -> ArmResponse:
    """Define an assessment of one's own."""
    given = request.properties()
    for name in ("displayName", "severity", "assessmentType"):
        if not given.get(name):
            raise bad_request(f"The property '{name}' is required.")
    identity = resources.identity(request)
    metadata: Document = {"id": identity, "name": request.names[0], "type": METADATA, "properties": dict(given)}
    request.store.put(identity, metadata)
    return ArmResponse(200, metadata)


def _metadata_id(request: ArmRequest, name: str) -> str:
    return f"/subscriptions/{request.subscription.id}/providers/{METADATA}/{name}"
