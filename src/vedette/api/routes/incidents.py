"""Incidents: the queue, one whole, changes by field, comments."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Response
from pydantic import Field

from vedette.api.security import Caller, Services, requires
from vedette.api.wire import Wire
from vedette.core.errors import InvalidInput, VedetteError
from vedette.core.roles import Permission

router = APIRouter(tags=["incidents"], prefix="/workspaces/{ws}/incidents")
MAX_BATCH = 500

IfMatch = Annotated[str | None, Header(alias="If-Match", max_length=1000, description="The etag that was read.")]

May = Depends(requires(Permission.INCIDENTS_READ))


class Patch(Wire):
    """New values of fields, and for each the revision that the person saw."""

    set: dict[str, Any]
    base: dict[str, int] = Field(default_factory=dict)
    source_alerts: str | None = Field(
        default=None,
        description="What becomes of the incident's alerts where they come from (Defender for Cloud): `Dismiss`, `Resolve`,"
        " `Activate`, `InProgress`; left out, they stay as they are.",
    )


class BatchItem(Patch):
    """A change of one incident among several."""

    number: int


class Batch(Wire):
    """Changes of several incidents, each a transaction of its own."""

    items: list[BatchItem]


class Escalation(Wire):
    """To whom an incident is handed over: a team or person by name, or as `{"id", "name"}`; what was found; how severe it is."""

    to: str | dict[str, Any]
    findings: str = ""
    severity: str | None = None


class NewComment(Wire):
    """A comment."""

    message: str


def reference(text: str) -> int | str:
    """An incident's number, or its id."""
    return int(text) if text.isdigit() and len(text) < 10 else text


@router.get("", dependencies=[May], response_model=None)
def list_(
    services: Services,
    caller: Caller,
    status: Annotated[str | None, Query(description="New, Active, Closed; several with commas.")] = None,
    severity: Annotated[str | None, Query(description="High, Medium, Low, Informational; several with commas.")] = None,
    owner: Annotated[str | None, Query(description="Ids, `me` or `none`; several with commas.")] = None,
    q: Annotated[str | None, Query(max_length=500, description="Words that must all occur.")] = None,
    sort: Annotated[str, Query(max_length=40)] = "-createdTimeUtc",
    top: Annotated[int, Query(ge=0, le=10_000)] = 100,
    skip: Annotated[int, Query(ge=0)] = 0,
    changed_since: Annotated[str | None, Query(alias="changedSince", max_length=100)] = None,
) -> Response:
    """A page of the queue, with counts over the whole workspace."""
    filters = {
        "status": status, "severity": severity, "owner": owner, "q": q, "sort": sort, "top": str(top), "skip": str(skip),
        "changedSince": changed_since,
    }  # fmt: skip
    page = services.incident_page({name: value for name, value in filters.items() if value}, caller)
    return Response(page.to_json(), media_type="application/json")


@router.post("/batch")
def batch(
    services: Services, caller: Annotated[Caller, Depends(requires(Permission.INCIDENTS_WRITE))], body: Batch
) -> dict[str, Any]:
    """Changes several incidents; each succeeds or fails on its own."""
    if len(body.items) > MAX_BATCH:
        raise InvalidInput(f"At most {MAX_BATCH} incidents at once.")
    results: list[dict[str, Any]] = []
    for item in body.items:
        try:
            services.change(item.number, item.set, caller, item.base, source_alerts=item.source_alerts)
            results.append({"number": item.number, "status": 200, "incident": services.incidents.summary(item.number)})
        except VedetteError as error:
            shown = {
                "code": error.code,
                "message": str(error),
                "hint": error.hint,
                "details": getattr(error, "details", None),
            }
            results.append({"number": item.number, "status": error.status, "error": shown})
    services.wake()
    return {"results": results}


@router.get("/{incident}", dependencies=[May])
def get(services: Services, incident: str, response: Response) -> dict[str, Any]:
    """An incident whole, by number or id."""
    found = services.incident(incident)
    response.headers["ETag"] = f'"{found["etag"]}"'
    return found


@router.patch("/{incident}")
def change(
    services: Services,
    caller: Annotated[Caller, Depends(requires(Permission.INCIDENTS_WRITE))],
    incident: str,
    body: Patch,
    response: Response,
    if_match: IfMatch = None,
) -> dict[str, Any]:
    """Changes fields; only the same field, changed by somebody else to another value, is a conflict.

    With If-Match, any change since the incident was read is one (412).
    """
    found = services.change(
        reference(incident), body.set, caller, body.base, if_match, source_alerts=body.source_alerts
    )
    response.headers["ETag"] = f'"{found["etag"]}"'
    services.wake()
    return found


@router.post("/{incident}/escalate")
def escalate(
    services: Services,
    caller: Annotated[Caller, Depends(requires(Permission.INCIDENTS_WRITE))],
    incident: str,
    body: Escalation,
    response: Response,
    if_match: IfMatch = None,
) -> dict[str, Any]:
    """Hands an incident over to a team or a person as a true positive, with what was found as a comment."""
    named = services.application.person((body.to,)) if isinstance(body.to, str) else None
    found = services.incidents.escalate(
        reference(incident), named or body.to, caller, findings=body.findings, severity=body.severity, etag=if_match
    )
    response.headers["ETag"] = f'"{found["etag"]}"'
    services.wake()
    return found


@router.post("/{incident}/comments", status_code=201)
def comment(
    services: Services, caller: Annotated[Caller, Depends(requires(Permission.INCIDENTS_WRITE))], incident: str,
    body: NewComment,
) -> dict[str, Any]:  # fmt: skip
    """Adds a comment."""
    return services.incidents.comment(reference(incident), body.message, caller)
