"""What a seed says of workspaces, put into the fake tenant: incidents as recorded, rows of log tables."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from vedette.core.errors import InvalidInput
from vedette.range.odata import moment_of
from vedette.range.state import Comment, FakeTenant, Incident, SentinelWorkspace

COMPUTED: Final = frozenset({"incidentNumber", "createdTimeUtc", "lastModifiedTimeUtc", "additionalData"})


def plant_incident(tenant: FakeTenant, workspace: SentinelWorkspace, document: dict[str, Any]) -> Incident:
    """An incident as Azure Resource Manager shows it; what it says of itself is kept, also what is computed otherwise."""
    name, properties = document.get("name"), document.get("properties")
    if not isinstance(name, str) or not isinstance(properties, dict):
        raise InvalidInput("An incident of a seed has a 'name' and 'properties'.")
    number = properties.get("incidentNumber")
    if not isinstance(number, int):
        number = workspace.next_incident_number
    workspace.next_incident_number = max(workspace.next_incident_number, number + 1)
    created = _moment(tenant, properties.get("createdTimeUtc"))
    incident = Incident(
        name=name,
        number=number,
        etag=document.get("etag") or tenant.next_etag(),
        created=created,
        modified=_moment(tenant, properties.get("lastModifiedTimeUtc"))
        if "lastModifiedTimeUtc" in properties
        else created,
        properties={key: value for key, value in properties.items() if key not in COMPUTED},
        recorded={
            key: value for key, value in document.items() if key not in ("id", "name", "etag", "type", "properties")
        },
    )
    additional = properties.get("additionalData") or {}
    incident.alerts_count = int(additional.get("alertsCount", 0))
    incident.alert_product_names = list(additional.get("alertProductNames", []))
    incident.tactics = list(additional.get("tactics", []))
    incident.techniques = list(additional.get("techniques", []))
    incident.related_analytic_rule_ids = list(properties.get("relatedAnalyticRuleIds") or [])
    incident.provider_name = properties.get("providerName") or incident.provider_name
    incident.provider_incident_id = properties.get("providerIncidentId")
    # Written as recorded while the incident is as recorded: Azure's seventh digit of a second does not fit a datetime.
    incident.recorded["properties"] = {key: properties[key] for key in COMPUTED if key in properties}
    workspace.incidents[name.lower()] = incident
    return incident


def plant_comments(
    tenant: FakeTenant, workspace: SentinelWorkspace, incident: str, documents: list[dict[str, Any]]
) -> None:
    """Comments of an incident as Azure Resource Manager shows them."""
    found = workspace.incidents.get(incident.lower())
    if found is None:
        raise InvalidInput(f"The seed comments on the incident '{incident}', which is not in it.")
    for document in documents:
        properties = document.get("properties")
        if not isinstance(document.get("name"), str) or not isinstance(properties, dict):
            raise InvalidInput("A comment of a seed has a 'name' and 'properties'.")
        created = _moment(tenant, properties.get("createdTimeUtc"))
        found.comments[document["name"].lower()] = Comment(
            document["name"],
            document.get("etag") or tenant.next_etag(),
            str(properties.get("message", "")),
            created,
            _moment(tenant, properties["lastModifiedTimeUtc"]) if properties.get("lastModifiedTimeUtc") else created,
            properties.get("author") or {},
        )


def plant_insights(
    tenant: FakeTenant, workspace: SentinelWorkspace, base: str, family: str, documents: list[dict[str, Any]]
) -> None:
    """Resources of Microsoft.SecurityInsights as Azure Resource Manager shows them, under the workspace that they are now in."""
    for document in documents:
        name = document.get("name")
        if not isinstance(name, str) or not isinstance(document.get("properties"), dict):
            raise InvalidInput(f"A resource of '{family}' in the seed has a 'name' and 'properties'.", target=family)
        etag = {} if family == "entities" else {"etag": document.get("etag") or tenant.next_etag()}
        identity = {"id": f"{base}/{'Entities' if family == 'entities' else family}/{name}"}
        kept = {"type": f"Microsoft.SecurityInsights/{family}", **document, **etag, **identity}
        tenant.documents.of("insights", workspace.customer_id, family).put(name, kept)


def plant_relations(
    tenant: FakeTenant, workspace: SentinelWorkspace, base: str, incident: str, names: list[str]
) -> None:
    """Say which entities, alerts and bookmarks belong to an incident."""
    if incident.lower() not in workspace.incidents:
        raise InvalidInput(f"The seed relates to the incident '{incident}', which is not in it.")
    for name in names:
        for family in ("entities", "bookmarks"):
            found = tenant.documents.of("insights", workspace.customer_id, family).get(name)
            if found is not None:
                break
        else:
            raise InvalidInput(f"The incident '{incident}' of the seed relates to '{name}', which is not in it.")
        relation = {
            "id": f"{base}/Incidents/{incident}/relations/{name}",
            "name": name,
            "type": "Microsoft.SecurityInsights/Incidents/relations",
            "etag": tenant.next_etag(),
            "properties": {
                "relatedResourceId": f"{base}/{family}/{name}",
                "relatedResourceName": name,
                "relatedResourceType": f"Microsoft.SecurityInsights/{family}",
                "relatedResourceKind": found.get("kind", "Bookmark"),
            },
        }
        tenant.documents.of("insights", workspace.customer_id, f"relations/{incident}").put(name, relation)


def plant_rows(tenant: FakeTenant, workspace_id: str, table: str, rows: list[dict[str, Any]]) -> None:
    """Add rows to a log table of a workspace."""
    if not rows:
        return
    kept = tenant.documents.of("logs", workspace_id)
    kept.put(f"{len(kept):08d}", {"table": table, "rows": rows})
    if tenant.log_engine is not None:
        tenant.log_engine.append(workspace_id, table, rows)


def _moment(tenant: FakeTenant, text: Any) -> datetime:
    moment = moment_of(text)
    return moment if moment is not None else tenant.clock.now()
