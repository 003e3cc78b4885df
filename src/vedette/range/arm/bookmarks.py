"""Microsoft.SecurityInsights/bookmarks: what a hunter kept."""

from __future__ import annotations

from typing import Final

from vedette.range.arm import insights
from vedette.range.arm.operations import ArmRequest, ArmResponse, operation
from vedette.range.arm.versions import SECURITY_INSIGHTS
from vedette.range.state import timestamp

TYPE: Final = "Microsoft.SecurityInsights/bookmarks"
FAMILY: Final = "bookmarks"


@operation("GET", TYPE, collection=True, action="read", versions=SECURITY_INSIGHTS)
def list_bookmarks(request: ArmRequest) -> ArmResponse:
    """A page of bookmarks."""
    return insights.listing(request, FAMILY)


@operation("GET", TYPE, collection=False, action="read", versions=SECURITY_INSIGHTS)
def get_bookmark(request: ArmRequest) -> ArmResponse:
    """One bookmark."""
    return ArmResponse(200, insights.one(request, FAMILY, "Bookmark"))


@operation("PUT", TYPE, collection=False, action="write", versions=SECURITY_INSIGHTS)
def put_bookmark(request: ArmRequest) -> ArmResponse:
    """Create or replace."""
    given = dict(request.properties())
    insights.required(given, "bookmark", "displayName", "query")
    now, existing = timestamp(request.tenant.clock.now()), request.insights(FAMILY).get(request.names[0])
    before = existing["properties"] if existing else {}
    properties = {
        "labels": [],
        **given,
        "created": before.get("created", now),
        "createdBy": before.get("createdBy", request.person),
        "updated": now,
        "updatedBy": request.person,
    }
    return insights.write(
        request,
        request.insights(FAMILY),
        f"bookmarks/{request.names[0]}",
        properties,
        type_name="Microsoft.SecurityInsights/Bookmarks",
    )


@operation("DELETE", TYPE, collection=False, action="delete", versions=SECURITY_INSIGHTS)
def delete_bookmark(request: ArmRequest) -> ArmResponse:
    """Delete."""
    return insights.remove(request, request.insights(FAMILY))
