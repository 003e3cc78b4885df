"""Microsoft.Network: security groups with their rules, and interfaces."""

from __future__ import annotations

import ipaddress
import re
from typing import Any, Final

from vedette.range.arm import resources
from vedette.range.arm.errors import ArmError, bad_request
from vedette.range.arm.long_running import start
from vedette.range.arm.operations import ArmRequest, ArmResponse, operation
from vedette.range.arm.paging import page
from vedette.range.arm.versions import NETWORK
from vedette.range.documents import Document

GROUPS: Final = "Microsoft.Network/networkSecurityGroups"
RULES: Final = "Microsoft.Network/networkSecurityGroups/securityRules"
INTERFACES: Final = "Microsoft.Network/networkInterfaces"
DEFAULT_RULES: Final = "Microsoft.Network/networkSecurityGroups/defaultSecurityRules"
_EVERY_GROUP: Final = (
    ("AllowVnetInBound", "Inbound", 65000, "Allow", "VirtualNetwork", "VirtualNetwork"),
    ("AllowAzureLoadBalancerInBound", "Inbound", 65001, "Allow", "AzureLoadBalancer", "*"),
    ("DenyAllInBound", "Inbound", 65500, "Deny", "*", "*"),
    ("AllowVnetOutBound", "Outbound", 65000, "Allow", "VirtualNetwork", "VirtualNetwork"),
    ("AllowInternetOutBound", "Outbound", 65001, "Allow", "*", "Internet"),
    ("DenyAllOutBound", "Outbound", 65500, "Deny", "*", "*"),
)
_CHOICES: Final = {
    "protocol": ("Tcp", "Udp", "Icmp", "Esp", "Ah", "*"),
    "access": ("Allow", "Deny"),
    "direction": ("Inbound", "Outbound"),
}
_LISTS: Final = ("sourcePortRanges", "destinationPortRanges", "sourceAddressPrefixes", "destinationAddressPrefixes")
_TAG: Final = re.compile(r"[A-Za-z][A-Za-z0-9.]*")
_PORTS: Final = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?")


@operation("GET", GROUPS, collection=True, action="read", versions=NETWORK)
def list_groups(request: ArmRequest) -> ArmResponse:
    """A page of security groups."""
    return resources.listing(request, GROUPS)


@operation("GET", GROUPS, collection=False, action="read", versions=NETWORK)
def get_group(request: ArmRequest) -> ArmResponse:
    """One security group with its rules."""
    return ArmResponse(200, _shown(_with_etag(request, resources.one(request))))


@operation("PUT", GROUPS, collection=False, action="write", versions=NETWORK)
def put_group(request: ArmRequest) -> ArmResponse:
    """Create (201) or replace (200); the rules in the body are its rules from then on."""
    body = request.body if isinstance(request.body, dict) else {}
    existing = request.store.get(resources.identity(request))
    _match(request, existing)
    identity = existing["id"] if existing else resources.identity(request)
    rules: list[Document] = []
    for given in (body.get("properties") or {}).get("securityRules") or []:
        rules.append(_rule(request, identity, str(given.get("name")), given.get("properties") or {}, rules))
    group: Document = {
        "id": identity,
        "name": request.names[0],
        "type": GROUPS,
        "location": body.get("location") or "westeurope",
        "etag": _etag(request),
        **({"tags": body["tags"]} if body.get("tags") else {}),
        "properties": {"provisioningState": "Succeeded", "securityRules": rules, "defaultSecurityRules": []},
    }
    return _store(request, group, 200 if existing else 201, group)


@operation("DELETE", GROUPS, collection=False, action="delete", versions=NETWORK)
def delete_group(request: ArmRequest) -> ArmResponse:
    """Delete a security group that no interface uses."""
    group = request.store.get(resources.identity(request))
    if group is None:
        return ArmResponse(204)
    for _, other in request.store.items():
        used = (other.get("properties") or {}).get("networkSecurityGroup") or {}
        if str(used.get("id", "")).lower() == group["id"].lower():
            raise bad_request(
                f"Network security group {group['id']} cannot be deleted because it is in use by {other['id']}.",
                code="InUseNetworkSecurityGroupCannotBeDeleted",
            )
    return start(request, 202, None, delete=group["id"], location=group["location"])


@operation("PATCH", GROUPS, collection=False, action="write", versions=NETWORK)
def tag_group(request: ArmRequest) -> ArmResponse:
    """Change the tags of a security group."""
    return _tag(request)


@operation("PATCH", INTERFACES, collection=False, action="write", versions=NETWORK)
def tag_interface(request: ArmRequest) -> ArmResponse:
    """Change the tags of a network interface."""
    return _tag(request)


@operation("GET", DEFAULT_RULES, collection=True, action="read", versions=NETWORK)
def list_default_rules(request: ArmRequest) -> ArmResponse:
    """The rules that every group has behind its own."""
    return page(request, _defaults(_group(request)))


@operation("GET", DEFAULT_RULES, collection=False, action="read", versions=NETWORK)
def get_default_rule(request: ArmRequest) -> ArmResponse:
    """One of them."""
    found = next((one for one in _defaults(_group(request)) if one["name"].lower() == request.names[1].lower()), None)
    if found is None:
        raise ArmError(404, "NotFound", f"Resource {resources.identity(request)} not found.")
    return ArmResponse(200, found)


@operation("GET", RULES, collection=True, action="read", versions=NETWORK)
def list_rules(request: ArmRequest) -> ArmResponse:
    """A page of a group's rules."""
    return page(request, list(_group(request)["properties"].get("securityRules", [])))


@operation("GET", RULES, collection=False, action="read", versions=NETWORK)
def get_rule(request: ArmRequest) -> ArmResponse:
    """One rule."""
    found = _find(_group(request), request.names[1])
    if found is None:
        raise ArmError(404, "NotFound", f"Resource {resources.identity(request)} not found.")
    return ArmResponse(200, found)


@operation("PUT", RULES, collection=False, action="write", versions=NETWORK)
def put_rule(request: ArmRequest) -> ArmResponse:
    """Create (201) or replace (200). No two rules of one direction have the same priority."""
    group, name = _group(request), request.names[1]
    existing = _find(group, name)
    _match(request, existing)
    others = [rule for rule in group["properties"].get("securityRules", []) if rule is not existing]
    rule = _rule(request, group["id"], existing["name"] if existing else name, request.properties(), others)
    rules = sorted([*others, rule], key=lambda each: each["properties"]["priority"])
    changed = {**group, "etag": _etag(request), "properties": {**group["properties"], "securityRules": rules}}
    return _store(request, changed, 200 if existing else 201, rule)


@operation("DELETE", RULES, collection=False, action="delete", versions=NETWORK)
def delete_rule(request: ArmRequest) -> ArmResponse:
    """Delete a rule; nothing to delete is 204."""
    group, existing = _group(request), _find(_group(request), request.names[1])
    if existing is None:
        return ArmResponse(204)
    _match(request, existing)
    rules = [rule for rule in group["properties"]["securityRules"] if rule is not existing]
    changed = {**group, "etag": _etag(request), "properties": {**group["properties"], "securityRules": rules}}
    request.store.put(group["id"], changed)
    return start(request, 202, None, location=group["location"])


@operation("GET", INTERFACES, collection=True, action="read", versions=NETWORK)
def list_interfaces(request: ArmRequest) -> ArmResponse:
    """A page of network interfaces."""
    return resources.listing(request, INTERFACES)


@operation("GET", INTERFACES, collection=False, action="read", versions=NETWORK)
def get_interface(request: ArmRequest) -> ArmResponse:
    """One network interface."""
    return ArmResponse(200, resources.visible(_with_etag(request, resources.one(request))))


@operation("PUT", INTERFACES, collection=False, action="write", versions=NETWORK)
def put_interface(request: ArmRequest) -> ArmResponse:
    """Create or replace a network interface; its security group has to be there."""
    given, body = request.properties(), request.body
    existing = request.store.get(resources.identity(request))
    _match(request, existing)
    used = (given.get("networkSecurityGroup") or {}).get("id")
    if used and used not in request.store:
        raise bad_request(
            f"Resource {used} referenced by resource {resources.identity(request)} was not found.",
            code="InvalidResourceReference",
        )
    interface: Document = {
        "id": existing["id"] if existing else resources.identity(request),
        "name": request.names[0],
        "type": INTERFACES,
        "location": body.get("location") or "westeurope",
        "etag": _etag(request),
        **({"tags": body["tags"]} if body.get("tags") else {}),
        "properties": {**given, "provisioningState": "Succeeded"},
    }
    return _store(request, interface, 200 if existing else 201, interface)


def _store(request: ArmRequest, resource: Document, status: int, shown: Document) -> ArmResponse:
    request.store.put(resource["id"], resource)
    body = resources.visible(shown)
    if request.tenant.operation_seconds:
        body = {**body, "properties": {**body["properties"], "provisioningState": "Updating"}}
    return start(request, status, body, location=resource["location"], with_location=False)


def _tag(request: ArmRequest) -> ArmResponse:
    resource = resources.one(request)
    tags = (request.body if isinstance(request.body, dict) else {}).get("tags")
    changed = {**resource, "etag": _etag(request), "tags": tags if isinstance(tags, dict) else {}}
    request.store.put(changed["id"], changed)
    return ArmResponse(200, resources.visible(changed))


def _shown(group: Document) -> Document:
    shown = resources.visible(group)
    properties = shown["properties"]
    return {
        **shown,
        "properties": {
            **properties,
            "defaultSecurityRules": properties.get("defaultSecurityRules") or _defaults(group),
        },
    }


def _defaults(group: Document) -> list[Document]:
    """What Azure allows and denies where no rule says otherwise."""
    return [
        {
            "name": name, "id": f"{group['id']}/defaultSecurityRules/{name}", "type": DEFAULT_RULES, "etag": group.get("etag"),
            "properties": {
                "provisioningState": "Succeeded", "protocol": "*", "sourcePortRange": "*", "destinationPortRange": "*",
                "sourceAddressPrefix": source, "destinationAddressPrefix": destination, "access": access, "priority": priority,
                "direction": direction, **{field: [] for field in _LISTS},
            },
        }
        for name, direction, priority, access, source, destination in _EVERY_GROUP
    ]  # fmt: skip


def _group(request: ArmRequest) -> Document:
    last = request.path.last
    assert last is not None
    return resources.one(request, resources.identity(request).rsplit("/", 1 if last.is_collection else 2)[0])


def _find(group: Document, name: str) -> Document | None:
    rules = group["properties"].get("securityRules", [])
    return next((rule for rule in rules if rule["name"].lower() == name.lower()), None)


def _match(request: ArmRequest, existing: Document | None) -> None:
    if request.if_match is not None and request.if_match not in ("*", (existing or {}).get("etag")):
        raise ArmError(
            412, "PreconditionFailed", "The precondition given in one of the request headers evaluated to false."
        )


def _etag(request: ArmRequest) -> str:
    return f'W/"{request.tenant.ids()}"'


def _with_etag(request: ArmRequest, resource: Document) -> Document:
    if "etag" not in resource:  # a seed says none
        resource = request.store.put(resource["id"], {**resource, "etag": _etag(request)})
    return resource


def _rule(request: ArmRequest, group: str, name: str, given: dict[str, Any], others: list[Document]) -> Document:
    properties = dict(given)
    for field, choices in _CHOICES.items():
        fitting = [choice for choice in choices if choice.lower() == str(properties.get(field)).lower()]
        if not fitting:
            raise bad_request(
                f"Security rule has invalid {field}: '{properties.get(field)}'.",
                code=f"SecurityRuleInvalid{field.title()}",
            )
        properties[field] = fitting[0]
    priority = properties.get("priority")
    if type(priority) is not int or not 100 <= priority <= 4096:
        raise bad_request(
            f"Security rule has invalid Priority. Value provided: {priority}. Allowed range 100-4096.",
            code="SecurityRuleInvalidPriority",
        )
    if len(str(properties.get("description") or "")) > 140:
        raise bad_request(
            "The description of a security rule has at most 140 characters.", code="SecurityRuleInvalidDescription"
        )
    for end in ("source", "destination"):
        _check_addresses(properties, end)
        _check_ports(properties, end)
    for other in others:
        same = other["properties"]["direction"] == properties["direction"]
        if same and other["properties"]["priority"] == priority and other["name"].lower() != name.lower():
            raise bad_request(
                f"Security rule {name} conflicts with rule {other['name']}. Rules cannot have the same Priority and "
                "Direction.",
                code="SecurityRuleConflict",
            )
    for field in _LISTS:
        properties.setdefault(field, [])
    properties["provisioningState"] = "Succeeded"
    return {
        "name": name,
        "id": f"{group}/securityRules/{name}",
        "etag": _etag(request),
        "type": RULES,
        "properties": properties,
    }


def _check_addresses(properties: dict[str, Any], end: str) -> None:
    single, many = properties.get(f"{end}AddressPrefix"), properties.get(f"{end}AddressPrefixes") or []
    groups = properties.get(f"{end}ApplicationSecurityGroups") or []
    if single is None and not many and not groups:
        raise bad_request(f"Security rule must specify {end} addresses.", code="SecurityRuleInvalidAddressPrefix")
    for text in [*([single] if single is not None else []), *many]:
        if text == "*" or _TAG.fullmatch(str(text)):
            continue
        try:
            ipaddress.ip_network(str(text), strict=False)
        except ValueError:
            raise bad_request(
                f"Security rule has invalid Address prefix. Value provided: {text}",
                code="SecurityRuleInvalidAddressPrefix",
            ) from None


def _check_ports(properties: dict[str, Any], end: str) -> None:
    single, many = properties.get(f"{end}PortRange"), properties.get(f"{end}PortRanges") or []
    if single is None and not many:
        raise bad_request(f"Security rule must specify {end} ports.", code="SecurityRuleInvalidPortRange")
    for text in [*([single] if single is not None else []), *many]:
        match = _PORTS.fullmatch(str(text))
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, -1)
        if text != "*" and not 0 <= first <= last <= 65_535:
            raise bad_request(
                f"Security rule has invalid Port range. Value provided: {text}", code="SecurityRuleInvalidPortRange"
            )
