"""The connectors, by id. One that ships is a folder and a line here; one of another package is an entry point.

A package that brings a connector names, in the group `vedette.connectors`, a function of a clock that returns a `ConnectorKind`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import entry_points
from typing import Final

from vedette.clients.azure_cloud import CLOUDS, AzureCloud
from vedette.collect.connectors.azure_activity.connector import AzureActivity
from vedette.collect.connectors.azure_security.connector import AzureSecurity
from vedette.collect.connectors.contract import ConnectorKind
from vedette.collect.connectors.defender_for_cloud.connector import DefenderForCloud
from vedette.collect.connectors.entra_id.connector import EntraId
from vedette.collect.connectors.log_analytics.connector import LogAnalytics
from vedette.collect.connectors.office365.connector import Office365
from vedette.collect.connectors.servicenow.connector import ServiceNow
from vedette.collect.connectors.storage_account.connector import StorageAccount
from vedette.collect.connectors.taxii.connector import Taxii
from vedette.core.clock import Clock
from vedette.core.errors import not_found
from vedette.core.outbound import Outbound

log = logging.getLogger(__name__)
GROUP: Final = "vedette.connectors"


class ConnectorRegistry:
    """Connectors, each once."""

    def __init__(self, kinds: Iterable[ConnectorKind]) -> None:
        self._kinds: dict[str, ConnectorKind] = {}
        for kind in kinds:
            identity = kind.manifest.id
            if identity in self._kinds:
                log.warning("a second connector '%s' is not used", identity)
                continue
            self._kinds[identity] = kind

    def __iter__(self) -> Iterator[ConnectorKind]:
        return iter(self._kinds.values())

    def put(self, kind: ConnectorKind) -> None:
        """Adds a connector, in place of one of the same id."""
        self._kinds = {**self._kinds, kind.manifest.id: kind}

    def get(self, identity: str) -> ConnectorKind:
        """The connector of that id; `NotFound` names the nearest one."""
        if identity not in self._kinds:
            raise not_found("connector", identity, self._kinds)
        return self._kinds[identity]


def default_connectors(
    clock: Clock, clouds: Mapping[str, AzureCloud] = CLOUDS, outbound: Outbound | None = None
) -> ConnectorRegistry:
    """Every connector that ships, and those of other packages. `clouds`: the Azure clouds to choose from, the default first.

    `outbound`: which addresses that people enter may be reached; None: those of the public internet.
    """
    shipped: list[ConnectorKind] = [
        AzureSecurity(clock, clouds),
        DefenderForCloud(clock, clouds),
        EntraId(clock, clouds),
        AzureActivity(clock, clouds),
        Office365(clock, clouds),
        LogAnalytics(clock, clouds),
        StorageAccount(clock, clouds),
        Taxii(clock, outbound),
        ServiceNow(clock, outbound),
    ]
    return ConnectorRegistry([*shipped, *_installed(clock)])


def _installed(clock: Clock) -> Iterator[ConnectorKind]:
    for point in entry_points(group=GROUP):
        try:
            yield point.load()(clock)
        except Exception as error:
            log.error("the connector '%s' of another package cannot be used: %s", point.name, error)
