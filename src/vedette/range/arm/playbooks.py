"""runPlaybook on incidents and entities: the run is recorded; what a Logic App would do is not played."""

from __future__ import annotations

import re
from typing import Final

from vedette.range.arm import insights
from vedette.range.arm.errors import bad_request
from vedette.range.arm.incidents import incident_of
from vedette.range.arm.operations import ArmRequest, ArmResponse, operation
from vedette.range.arm.relations import ENTITIES
from vedette.range.arm.versions import SECURITY_INSIGHTS
from vedette.range.state import timestamp

RUNS: Final = "playbookRuns"
VERSIONS: Final = frozenset(
    version for version in SECURITY_INSIGHTS if version.endswith("-preview") and version >= "2022-09-01"
)
_WORKFLOW: Final = re.compile(
    r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.Logic/workflows/[^/]+", re.IGNORECASE
)


@operation(
    "POST", "Microsoft.SecurityInsights/incidents/runPlaybook", collection=True, action="action", versions=VERSIONS
)
def run_on_incident(request: ArmRequest) -> ArmResponse:
    """Start a playbook on an incident: 204. Each call is another run."""
    return _run(request, f"{request.base}/Incidents/{incident_of(request, request.names[0]).name}")


@operation(
    "POST", "Microsoft.SecurityInsights/entities/runPlaybook", collection=True, action="action", versions=VERSIONS
)
def run_on_entity(request: ArmRequest) -> ArmResponse:
    """Start a playbook on an entity: 204."""
    entity = insights.one(request, ENTITIES, "Entity", request.names[0])
    return _run(request, entity["id"])


def _run(request: ArmRequest, about: str) -> ArmResponse:
    body = request.body if isinstance(request.body, dict) else {}
    playbook = body.get("logicAppsResourceId")
    if not isinstance(playbook, str) or not _WORKFLOW.fullmatch(playbook):
        raise bad_request("Invalid request: 'logicAppsResourceId' has to be the id of a Logic App.")
    name = request.tenant.ids()
    run = {
        "id": name,
        "about": about,
        "playbook": playbook,
        "tenantId": body.get("tenantId"),
        "by": request.caller.object_id,
        "at": timestamp(request.tenant.clock.now()),
    }
    request.insights(RUNS).put(name, run)
    return ArmResponse(204)
