"""A connector over collections of Azure Resource Manager: its manifest, and sources below a subscription."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

from vedette.clients.azure_cloud import AzureCloud
from vedette.clients.resource_manager import ResourceManagerClient
from vedette.collect.connectors import app_registration
from vedette.collect.connectors.contract import ConnectorManifest
from vedette.collect.connectors.polling import CollectionConnection, Source
from vedette.core.clock import Clock
from vedette.core.redaction import Secret


class ResourceManagerKind(app_registration.AppRegistrationKind):
    """Made of a function of the clouds (the manifest) and one of the subscription's path (the sources)."""

    def __init__(
        self, clock: Clock, clouds: Mapping[str, AzureCloud], manifest: Callable[[Mapping[str, AzureCloud]], ConnectorManifest],
        sources: Callable[[str], Mapping[str, Source]],
    ) -> None:  # fmt: skip
        super().__init__(clock, clouds, manifest)
        self._sources = sources

    def open(self, values: Mapping[str, str], secrets: Mapping[str, Secret]) -> CollectionConnection:
        """A connection with checked values; does no network call."""
        cloud = self._clouds[values["cloud"]]
        return CollectionConnection(
            ResourceManagerClient(app_registration.credentials(values, secrets), self._clock, cloud),
            self._sources(f"/subscriptions/{values['subscription_id']}"), self._manifest, self._clock,
            timedelta(days=int(values["first_look_back"])), (cloud.resource_manager, cloud.authority),
        )  # fmt: skip
