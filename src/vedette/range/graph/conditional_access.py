"""Graph /identity/conditionalAccess: policies and named locations."""

from __future__ import annotations

import ipaddress
from typing import Any, Final

from vedette.range.documents import Document
from vedette.range.graph import audit_logs
from vedette.range.graph.errors import ACCESS, GraphError, bad_request
from vedette.range.graph.operations import GraphRequest, GraphResponse, graph
from vedette.range.graph.query import EntityType, read_collection, read_entity
from vedette.range.state import timestamp

POLICIES: Final = "identity/conditionalAccess/policies"
LOCATIONS: Final = "identity/conditionalAccess/namedLocations"
READ: Final = ("Policy.Read.All", "Policy.Read.ConditionalAccess")
WRITE: Final = ("Policy.Read.All+Policy.ReadWrite.ConditionalAccess",)
_STATES: Final = ("enabled", "disabled", "enabledForReportingButNotEnforced")
_POLICY_WRITABLE: Final = frozenset({"displayName", "state", "conditions", "grantControls", "sessionControls"})
_IP: Final = "#microsoft.graph.ipNamedLocation"
_COUNTRY: Final = "#microsoft.graph.countryNamedLocation"
POLICY: Final = EntityType(
    name="microsoft.graph.conditionalAccessPolicy",
    properties=_POLICY_WRITABLE | frozenset("id createdDateTime modifiedDateTime templateId".split()),
    order="displayName",
)
LOCATION: Final = EntityType(
    name="microsoft.graph.namedLocation",
    properties=frozenset(
        "id createdDateTime modifiedDateTime displayName isTrusted ipRanges countriesAndRegions countryLookupMethod "
        "includeUnknownCountriesAndRegions".split()
    ),
    order="displayName",
)


@graph("GET", f"/{POLICIES}", permissions=READ, area=ACCESS)
def list_policies(request: GraphRequest) -> GraphResponse:
    """A page of policies."""
    return read_collection(request, POLICY, request.collection(POLICIES), segment=POLICIES)


@graph("GET", f"/{POLICIES}/{{id}}", permissions=READ, area=ACCESS)
def get_policy(request: GraphRequest) -> GraphResponse:
    """One policy."""
    return read_entity(request, POLICY, _one(request, POLICIES), segment=POLICIES)


@graph("POST", f"/{POLICIES}", permissions=WRITE, area=ACCESS)
def create_policy(request: GraphRequest) -> GraphResponse:
    """A new policy."""
    body = _policy_body(request)
    for name in ("displayName", "state", "conditions"):
        if not body.get(name):
            raise bad_request(f"1029: The policy must have a '{name}'.")
    _check_policy(request, body)
    made = {
        "id": request.tenant.ids(),
        "createdDateTime": timestamp(request.tenant.clock.now()),
        "modifiedDateTime": None,
        "grantControls": None,
        "sessionControls": None,
        **body,
    }
    request.collection(POLICIES).put(made["id"], made)
    _audit(request, "Add conditional access policy", "Policy", made, "Add")
    return GraphResponse(201, {"@odata.context": f"{request.context}{POLICIES}/$entity", **made})


@graph("PATCH", f"/{POLICIES}/{{id}}", permissions=WRITE, area=ACCESS)
def update_policy(request: GraphRequest) -> GraphResponse:
    """Change a policy: 204."""
    policy = {**_one(request, POLICIES), **_policy_body(request)}
    _check_policy(request, policy)
    policy["modifiedDateTime"] = timestamp(request.tenant.clock.now())
    request.collection(POLICIES).put(policy["id"], policy)
    _audit(request, "Update conditional access policy", "Policy", policy, "Update")
    return GraphResponse(204)


@graph("DELETE", f"/{POLICIES}/{{id}}", permissions=WRITE, area=ACCESS)
def delete_policy(request: GraphRequest) -> GraphResponse:
    """Delete a policy; 404 the second time."""
    policy = _one(request, POLICIES)
    request.collection(POLICIES).delete(policy["id"])
    _audit(request, "Delete conditional access policy", "Policy", policy, "Delete")
    return GraphResponse(204)


@graph("GET", f"/{LOCATIONS}", permissions=READ, area=ACCESS)
def list_locations(request: GraphRequest) -> GraphResponse:
    """A page of named locations."""
    return read_collection(request, LOCATION, request.collection(LOCATIONS), segment=LOCATIONS)


@graph("GET", f"/{LOCATIONS}/{{id}}", permissions=READ, area=ACCESS)
def get_location(request: GraphRequest) -> GraphResponse:
    """One named location."""
    return read_entity(request, LOCATION, _one(request, LOCATIONS), segment=LOCATIONS)


@graph("POST", f"/{LOCATIONS}", permissions=WRITE, area=ACCESS)
def create_location(request: GraphRequest) -> GraphResponse:
    """A new named location."""
    body = _location_body(request.document())
    if not body.get("displayName"):
        raise bad_request("1029: The named location must have a 'displayName'.")
    now = timestamp(request.tenant.clock.now())
    made = {"id": request.tenant.ids(), "createdDateTime": now, "modifiedDateTime": now, **body}
    if made["@odata.type"] == _IP:
        made.setdefault("isTrusted", False)
    request.collection(LOCATIONS).put(made["id"], made)
    _audit(request, "Add named location", "Policy", made, "Add")
    return GraphResponse(201, {"@odata.context": f"{request.context}{LOCATIONS}/$entity", **made})


@graph("PATCH", f"/{LOCATIONS}/{{id}}", permissions=WRITE, area=ACCESS)
def update_location(request: GraphRequest) -> GraphResponse:
    """Change a named location: 204. The list of ranges is replaced whole."""
    known, body = _one(request, LOCATIONS), _location_body(request.document())
    if body["@odata.type"] != known["@odata.type"]:
        raise bad_request("1113: The type of a named location cannot be changed.")
    location = {**known, **body, "modifiedDateTime": timestamp(request.tenant.clock.now())}
    request.collection(LOCATIONS).put(location["id"], location)
    _audit(request, "Update named location", "Policy", location, "Update")
    return GraphResponse(204)


@graph("DELETE", f"/{LOCATIONS}/{{id}}", permissions=WRITE, area=ACCESS)
def delete_location(request: GraphRequest) -> GraphResponse:
    """Delete a named location that no policy uses; 404 the second time."""
    location = _one(request, LOCATIONS)
    for policy in request.collection(POLICIES):
        if location["id"] in _locations_of(policy):
            raise bad_request("1086: The named location is used by a policy and cannot be deleted.")
    if location.get("isTrusted"):
        raise bad_request("1087: A trusted named location cannot be deleted.")
    request.collection(LOCATIONS).delete(location["id"])
    _audit(request, "Delete named location", "Policy", location, "Delete")
    return GraphResponse(204)


def _policy_body(request: GraphRequest) -> dict[str, Any]:
    body = {name: value for name, value in request.document().items() if not name.startswith("@odata.")}
    for name in body:
        if name not in _POLICY_WRITABLE:
            raise bad_request(f"The property '{name}' of '{POLICY.name}' cannot be written.")
    return body


def _check_policy(request: GraphRequest, policy: dict[str, Any]) -> None:
    if policy.get("state") not in _STATES:
        raise bad_request(f"1032: '{policy.get('state')}' is no state of a policy.")
    conditions = policy.get("conditions")
    if not isinstance(conditions, dict) or not conditions.get("applications") or not conditions.get("users"):
        raise bad_request("1030: The policy's conditions need 'applications' and 'users'.")
    if not policy.get("grantControls") and not policy.get("sessionControls"):
        raise bad_request("1039: The policy needs 'grantControls' or 'sessionControls'.")
    for name in _locations_of(policy):
        if name not in ("All", "AllTrusted") and name not in request.collection(LOCATIONS):
            raise bad_request(f"1040: The named location '{name}' does not exist.")


def _locations_of(policy: dict[str, Any]) -> list[str]:
    locations = (policy.get("conditions") or {}).get("locations") or {}
    return [*(locations.get("includeLocations") or []), *(locations.get("excludeLocations") or [])]


def _location_body(body: dict[str, Any]) -> dict[str, Any]:
    kind = body.get("@odata.type")
    if kind not in (_IP, _COUNTRY):
        raise bad_request("1105: '@odata.type' has to be that of an IP or a country named location.")
    known = {"@odata.type", "displayName", "id"}
    known |= {"isTrusted", "ipRanges"} if kind == _IP else {
        "countriesAndRegions",
        "countryLookupMethod",
        "includeUnknownCountriesAndRegions",
    }  # fmt: skip
    for name in body:
        if name not in known:
            raise bad_request(f"The property '{name}' of '{kind}' cannot be written.")
    if kind == _IP:
        ranges = body.get("ipRanges")
        if not isinstance(ranges, list) or not ranges:
            raise bad_request("1106: An IP named location needs all of its 'ipRanges'.")
        for each in ranges:
            _check_range(each)
    return {name: value for name, value in body.items() if name != "id"}


def _check_range(given: Any) -> None:
    kinds = {"#microsoft.graph.iPv4CidrRange": 4, "#microsoft.graph.iPv6CidrRange": 6}
    try:
        network = ipaddress.ip_network(given["cidrAddress"], strict=False)
        right = kinds.get(given.get("@odata.type")) == network.version and "/" in given["cidrAddress"]
    except (KeyError, TypeError, ValueError, AttributeError):
        right = False
    if not right:
        raise bad_request(f"1107: {given!r} is no range of addresses.")


def _one(request: GraphRequest, path: str) -> Document:
    found = request.collection(path).get(request.names["id"])
    if found is None:
        raise GraphError(404, "ResourceNotFound", f"'{request.names['id']}' could not be found in the directory.")
    return found


def _audit(request: GraphRequest, activity: str, category: str, document: Document, operation: str) -> None:
    target = {"id": document["id"], "type": "Policy", "displayName": document.get("displayName")}
    audit_logs.record(request, activity, category, target, operation=operation)
