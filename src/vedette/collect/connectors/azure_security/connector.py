"""Polls Microsoft Graph for alerts (v1 and v2) and incidents. What comes twice has the same record id: the object's id and the time
of its last change.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

from vedette.clients.azure_cloud import CLOUDS, AzureCloud
from vedette.clients.graph import GraphClient
from vedette.collect.connectors import app_registration
from vedette.collect.connectors.azure_security.manifest import ALERTS_V1, ALERTS_V2, INCIDENTS, manifest
from vedette.collect.connectors.changes import change_of
from vedette.collect.connectors.polling import CollectionConnection, Source
from vedette.collect.formats import defender_alerts, graph_incidents, legacy_alerts
from vedette.collect.formats.defender_facts import EVIDENCE
from vedette.core.clock import Clock
from vedette.core.redaction import Secret

ALERTS_PAGE: Final = 100
INCIDENTS_PAGE: Final = 50
_EVIDENCE: Final = "#microsoft.graph.security."


def _unknown_evidence(one: Mapping[str, Any]) -> Counter[str]:
    kinds = (str(part.get("@odata.type") or "") for part in one.get("evidence") or () if isinstance(part, Mapping))
    return Counter(kind for kind in kinds if kind.removeprefix(_EVIDENCE).removesuffix("Evidence") not in EVIDENCE)


def _since(name: str) -> Callable[[str], Mapping[str, str]]:
    return lambda since: {"$filter": f"{name} ge {since}"}


def sources(alerts_page: int = ALERTS_PAGE) -> dict[str, Source]:
    """What the endpoints read; `alerts_page` is how many alerts a page has."""
    return {
        ALERTS_V1: Source(
            path="/security/alerts", query={"$top": str(alerts_page)}, since=_since("lastModifiedDateTime"),
            changed=change_of("lastModifiedDateTime", "createdDateTime"), read=legacy_alerts.read, table="SecurityAlert",
        ),
        ALERTS_V2: Source(
            path="/security/alerts_v2", query={"$top": str(alerts_page)}, since=_since("lastUpdateDateTime"),
            changed=change_of("lastUpdateDateTime", "createdDateTime"), read=defender_alerts.read, table="SecurityAlert",
            unknown=_unknown_evidence,
        ),
        INCIDENTS: Source(
            path="/security/incidents", query={"$top": str(INCIDENTS_PAGE), "$expand": "alerts"},
            since=_since("lastUpdateDateTime"), changed=change_of("lastUpdateDateTime", "createdDateTime"),
            read=graph_incidents.read, table="SecurityIncident", optional=True,
        ),
    }  # fmt: skip


class AzureSecurity(app_registration.AppRegistrationKind):
    """The connector `azure-security`."""

    def __init__(
        self, clock: Clock, clouds: Mapping[str, AzureCloud] = CLOUDS, *, alerts_page: int = ALERTS_PAGE
    ) -> None:
        super().__init__(clock, clouds, manifest)
        self._sources = sources(alerts_page)

    def open(self, values: Mapping[str, str], secrets: Mapping[str, Secret]) -> CollectionConnection:
        """A connection with checked values; does no network call."""
        cloud = self._clouds[values["cloud"]]
        return CollectionConnection(
            GraphClient(app_registration.credentials(values, secrets), self._clock, cloud), self._sources, self._manifest, self._clock,
            timedelta(days=int(values["first_look_back"])), (cloud.graph, cloud.authority),
        )  # fmt: skip
