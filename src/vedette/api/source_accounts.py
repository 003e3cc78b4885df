"""Through what the alerts of Defender for Cloud are changed where they come from: the app registrations of its connectors."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from vedette.clients.azure_cloud import AzureCloud
from vedette.clients.azure_http import ClientSecretCredentials
from vedette.clients.defender_for_cloud import DefenderForCloudClient
from vedette.collect.connectors.service import Connectors, InUse
from vedette.core.clock import Clock
from vedette.respond.at_source.service import SourceAccount

KIND = "defender-for-cloud"


def source_accounts(
    connectors: Connectors, workspace_id: str, clock: Clock, clouds: Mapping[str, AzureCloud]
) -> list[SourceAccount]:
    """The enabled connectors of a workspace, as far as their cloud is known."""
    return [
        SourceAccount(
            one.name, one.settings["subscription_id"], partial(_open, one, clouds[one.settings["cloud"]], clock)
        )
        for one in connectors.in_use(workspace_id, KIND)
        if one.settings["cloud"] in clouds
    ]


def _open(one: InUse, cloud: AzureCloud, clock: Clock) -> DefenderForCloudClient:
    credentials = ClientSecretCredentials(
        one.settings["tenant_id"], one.settings["client_id"], one.secrets["client_secret"]
    )
    return DefenderForCloudClient(credentials, one.settings["subscription_id"], clock, cloud)
