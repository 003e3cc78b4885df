"""The kinds of destinations, by name. A new kind is one file and one line here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from vedette.clients.azure_cloud import CLOUDS, AzureCloud
from vedette.core.clock import Clock
from vedette.core.errors import not_found
from vedette.deliver.contract import DestinationKind
from vedette.deliver.kinds.email import Email
from vedette.deliver.kinds.sentinel import MicrosoftSentinel
from vedette.deliver.kinds.servicenow import ServiceNow
from vedette.deliver.kinds.slack import Slack
from vedette.deliver.kinds.syslog import Syslog
from vedette.deliver.kinds.teams import Teams
from vedette.deliver.kinds.webhook import Webhook


class Registry:
    """Kinds of destinations, each once."""

    def __init__(self, kinds: Iterable[DestinationKind]) -> None:
        self._kinds = {kind.manifest.kind: kind for kind in kinds}

    def __iter__(self) -> Iterator[DestinationKind]:
        return iter(self._kinds.values())

    def get(self, kind: str) -> DestinationKind:
        """The kind of that name; `NotFound` names the nearest one."""
        if kind not in self._kinds:
            raise not_found("kind of destination", kind, self._kinds)
        return self._kinds[kind]


def default_registry(clock: Clock, clouds: Mapping[str, AzureCloud] = CLOUDS) -> Registry:
    """Every kind that ships. `clouds` are the Azure clouds that a destination may be in, the default first."""
    return Registry(
        [
            MicrosoftSentinel(clock, clouds),
            ServiceNow(clock),
            Webhook(clock),
            Syslog(clock),
            Email(clock),
            Slack(clock),
            Teams(clock),
        ]
    )
