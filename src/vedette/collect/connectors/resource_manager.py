"""A connector over collections of Azure Resource Manager: its manifest, and sources below a subscription."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

from vedette.clients.azure_cloud import CLOUDS, AzureCloud
from vedette.clients.resource_manager import ResourceManagerClient
from vedette.collect.connectors import app_registration
from vedette.collect.connectors.contract import ConnectorManifest
from vedette.collect.connectors.polling import CollectionConnection, Source
from vedette.core.clock import Clock
from vedette.core.redaction import Secret


class ResourceManagerKind:
    """Made of a function of the clouds (the manifest) and one of the subscription's path (the sources)."""

    def __init__(
        self, clock: Clock, clouds: Mapping[str, AzureCloud], manifest: Callable[[Mapping[str, AzureCloud]], ConnectorManifest],
        sources: Callable[[str], Mapping[str, Source]],
    ) -> None:  # fmt: skip
        self._clock, self._clouds = clock, dict(clouds or CLOUDS)
        self._manifest, self._sources = manifest(self._clouds), sources

    @property
    def manifest(self) -> ConnectorManifest:
        """What the connector is and which fields it needs."""
        return self._manifest

    def open(self, values: Mapping[str, str], secrets: Mapping[str, Secret]) -> CollectionConnection:
        """A connection with checked values; does no network call."""
        cloud = self._clouds[values["cloud"]]
        return CollectionConnection(
            ResourceManagerClient(app_registration.credentials(values, secrets), self._clock, cloud),
            self._sources(f"/subscriptions/{values['subscription_id']}"), self._manifest, self._clock,
            timedelta(days=int(values["first_look_back"])), (cloud.resource_manager, cloud.authority),
        )  # fmt: skip
