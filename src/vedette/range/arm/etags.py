"""Etags: `If-Match` and `If-None-Match` of HTTP, and the etag inside a body that Microsoft Sentinel compares."""

from __future__ import annotations

from typing import Any

from vedette.range.arm.errors import ArmError, conflict
from vedette.range.arm.operations import ArmRequest
from vedette.range.documents import Document


def check(request: ArmRequest, name: str, existing: Document | None) -> None:
    """412 where `If-Match` does not fit; 409 where the body has another etag than the resource."""
    told = existing.get("etag") if existing else None
    if request.if_match is not None and (existing is None or request.if_match not in ("*", told)):
        raise ArmError(
            412, "PreconditionFailed", "The condition specified using HTTP conditional header(s) is not met."
        )
    given: Any = request.body.get("etag") if isinstance(request.body, dict) else None
    if given and request.if_match is None and (existing is None or given != told):
        raise conflict(name)
