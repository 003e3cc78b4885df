"""What a seed says of Microsoft Graph's resources, put into the fake tenant without losing a field."""

from __future__ import annotations

from typing import Any

from vedette.core.errors import InvalidInput
from vedette.range.documents import Document
from vedette.range.graph import alerts, applications, incidents
from vedette.range.state import Directory, FakeTenant, User


def plant(tenant: FakeTenant, directory: Directory, path: str, content: list[Document] | dict[str, Any]) -> None:
    """Add resources to the collection at a path such as `security/alerts_v2`.

    The content is a resource, a recorded answer with `value`, or a list of both. Incidents may have their alerts inside.
    """
    path = path.strip("/")
    given = [content] if isinstance(content, dict) else content
    for document in (each for part in given for each in _resources(part)):
        if not isinstance(document, dict) or not document.get("id"):
            raise InvalidInput(f"A resource of '{path}' in the seed has no id.", target=path)
        if path.lower() == "users":
            directory.users.append(_user(document))
            continue
        if path.lower() == "applications":
            directory.applications.append(applications.from_graph(tenant, document))
            continue
        if path.lower() == incidents.PATH:
            document = _incident(tenant, directory, document)
        tenant.documents.of("graph", directory.id, path).put(str(document["id"]), document)


def _user(document: Document) -> User:
    own = ("id", "displayName", "userPrincipalName", "mail")
    return User(
        str(document["id"]),
        str(document.get("displayName")),
        str(document.get("userPrincipalName")),
        document.get("mail"),
        {name: value for name, value in document.items() if name not in own and not name.startswith("@odata.")},
    )


def _resources(part: Any) -> list[Any]:
    answer = isinstance(part, dict) and isinstance(part.get("value"), list) and "id" not in part
    return list(part["value"]) if answer else [part]


def _incident(tenant: FakeTenant, directory: Directory, document: Document) -> Document:
    """Take a recorded incident apart: the alerts inside it become alerts of their own, and are remembered as its."""
    incident = dict(document)
    if not (inside := incident.pop("alerts", None)):
        return incident
    store = tenant.documents.of("graph", directory.id, alerts.PATH)
    name, entries = str(incident["id"]), []
    for alert in inside:
        known = store.get(str(alert["id"]))
        if known is not None and known != alert:
            # Recordings tell one alert in several states; the incident goes on telling the one that was in it.
            entries.append({"id": str(alert["id"]), "recorded": alert})
            continue
        store.put(str(alert["id"]), alert)
        entries.append({"id": str(alert["id"])})
    tenant.documents.of("graph", directory.id, incidents.LINKS).put(name, {"id": name, "alerts": entries})
    return incident
