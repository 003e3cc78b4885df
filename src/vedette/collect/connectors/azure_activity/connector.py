"""Polls Azure Resource Manager for the activity log of a subscription: every event once, by the id of its data."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from vedette.clients.azure_cloud import CLOUDS, AzureCloud
from vedette.collect.connectors import app_registration
from vedette.collect.connectors.changes import change_of
from vedette.collect.connectors.contract import ConnectorManifest, Endpoint
from vedette.collect.connectors.polling import Source
from vedette.collect.connectors.resource_manager import ResourceManagerKind
from vedette.collect.formats import azure_activity
from vedette.core.clock import Clock
from vedette.core.forms import Permission

VERSION: Final = "2015-04-01"
OVERLAP: Final = timedelta(minutes=30)
"""An event becomes visible up to some twenty minutes after it happened."""
_RIGHT: Final = "Microsoft.Insights/eventtypes/values/Read"


def _identify(event: Mapping[str, object]) -> str:
    return str(event.get("eventDataId") or event.get("id"))


def sources(subscription: str) -> Mapping[str, Source]:
    """What is read of a subscription."""
    return {
        "events": Source(
            path=f"{subscription}/providers/Microsoft.Insights/eventtypes/management/values",
            query={"api-version": VERSION}, since=lambda since: {"$filter": f"eventTimestamp ge '{since}'"},
            changed=change_of("eventTimestamp"), identify=_identify, read=azure_activity.read, table="AzureActivity",
            overlap=OVERLAP, service="Azure", test_query={}, forbidden=app_registration.role_missing,
        )
    }  # fmt: skip


def manifest(clouds: Mapping[str, AzureCloud] = CLOUDS) -> ConnectorManifest:
    """What the connector is and asks for."""
    return ConnectorManifest(
        id="azure-activity", title="Azure Activity", category="Cloud Infrastructure",
        about="Collects the activity log of a subscription, of all categories, through Azure Resource Manager.",
        fields=app_registration.fields(clouds, app_registration.SUBSCRIPTION),
        permissions=(Permission("Monitoring Reader", "role on the subscription: reads the activity log"),),
        endpoints=(
            Endpoint(
                "events", "Activity log", timedelta(minutes=5), ("AzureActivity",), _RIGHT,
                "Events of all categories: administrative, policy, security, service health and so on.",
            ),
        ),
        prerequisites=(*app_registration.REGISTRATION, app_registration.ROLE),
        hosts=("management.azure.com", "login.microsoftonline.com"),
        source_fields=("tenant_id", "subscription_id", "cloud"),
        vendor_docs="https://learn.microsoft.com/rest/api/monitor/activity-logs",
        troubleshooting=app_registration.troubleshooting("Assign the role Monitoring Reader on the subscription."),
        guide="connectors/index.md#azure-activity",
    )  # fmt: skip


class AzureActivity(ResourceManagerKind):
    """The connector `azure-activity`."""

    def __init__(self, clock: Clock, clouds: Mapping[str, AzureCloud] = CLOUDS) -> None:
        super().__init__(clock, clouds, manifest, sources)
