"""Graph /organization: the directory itself. Clients ask for it to see whether their credentials work."""

from __future__ import annotations

from vedette.range.graph.errors import DIRECTORY
from vedette.range.graph.operations import GraphRequest, GraphResponse, graph


@graph(
    "GET", "/organization", permissions=("Organization.Read.All", "Directory.Read.All", "User.Read.All"), area=DIRECTORY
)
def list_organizations(request: GraphRequest) -> GraphResponse:
    """The one directory."""
    directory = request.directory
    value = {
        "id": directory.id,
        "displayName": directory.display_name,
        "tenantType": "AAD",
        "verifiedDomains": [{"name": directory.domain, "isDefault": True, "isInitial": True, "type": "Managed"}],
        "assignedPlans": [],
    }
    return GraphResponse(200, {"@odata.context": f"{request.context}organization", "value": [value]})
