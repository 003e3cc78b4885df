"""Microsoft.Security's other findings as a seed tells them: secure scores, sub-assessments, compliance. They are only read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from vedette.range.arm.errors import ArmError
from vedette.range.arm.operations import ArmRequest, ArmResponse, operation
from vedette.range.arm.paging import page
from vedette.range.arm.versions import SECURITY_OPERATIONS

_TYPES: Final = (
    "Microsoft.Security/secureScores",
    "Microsoft.Security/secureScores/secureScoreControls",
    "Microsoft.Security/secureScoreControls",
    "Microsoft.Security/subAssessments",
    "Microsoft.Security/assessments/subAssessments",
    "Microsoft.Security/regulatoryComplianceStandards",
    "Microsoft.Security/regulatoryComplianceStandards/regulatoryComplianceControls",
    "Microsoft.Security/regulatoryComplianceStandards/regulatoryComplianceControls/regulatoryComplianceAssessments",
)


def _lister(kind: str) -> Callable[[ArmRequest], ArmResponse]:
    ends = f"/{kind.rsplit('/', 1)[1]}/".lower()

    def act(request: ArmRequest) -> ArmResponse:
        # `…/secureScores/X/secureScoreControls` has those below it; `…/secureScoreControls` all at or below the scope.
        here = (request.path.text.rsplit("/", 1)[0] if len(request.names) else request.path_base).lower() + "/"
        found: list[dict[str, Any]] = [
            {"id": name, **document} if "id" not in document else document
            for name, document in request.store.items()
            if name.startswith(here) and ends in name and "/" not in name.rsplit(ends, 1)[1]
        ]
        return page(request, found)

    return act


def _get(request: ArmRequest) -> ArmResponse:
    found = request.store.get(request.path.text.rstrip("/"))
    if found is None:
        raise ArmError(404, "ResourceNotFound", f"'{request.path.text}' was not found.")
    return ArmResponse(200, found)


for _type in _TYPES:
    operation("GET", _type, collection=True, action="read", versions=SECURITY_OPERATIONS)(_lister(_type))
    operation("GET", _type, collection=False, action="read", versions=SECURITY_OPERATIONS)(_get)
