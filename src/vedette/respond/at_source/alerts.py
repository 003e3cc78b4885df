"""Which alerts of an incident come from Defender for Cloud, and where they are there.

An incident's alert is made of rows; those of SecurityAlert name the alert that the product raised. Kept of an alert are its first
rows, so one that a rule made of very many of them names the first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from vedette.incidents.models import AlertRow

_PRODUCTS: Final = ("azure security center", "microsoft defender for cloud", "asc", "microsoftdefenderforcloud")
"""What a row's product or provider is called, by the connectors and exports that bring such alerts."""
_NAMED_BY: Final = ("ProductName", "ProviderName")
_KNOWN_AS: Final = ("SystemAlertId", "VendorOriginalId")
_PLACES: Final = ("ResourceId", "_ResourceId", "AlertLink", "CompromisedEntity", "ExtendedProperties")
_SUBSCRIPTION: Final = re.compile(
    r"(?:/subscriptions/|subscriptionId/)([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class SourceAlert:
    """An alert at its source."""

    alert_id: str
    """The alert here that was made of it."""
    names: tuple[str, ...]
    """What it may be known as there."""
    title: str
    subscription_id: str | None

    @property
    def source_id(self) -> str:
        """Its SystemAlertId."""
        return self.names[0]


def source_alerts(alerts: Iterable[AlertRow]) -> list[SourceAlert]:
    """The alerts of Defender for Cloud that alerts here were made of, each once."""
    found: dict[str, SourceAlert] = {}
    for alert in alerts:
        for one in _of(alert):
            found.setdefault(one.source_id.casefold(), one)
    return list(found.values())


def _of(alert: AlertRow) -> Iterator[SourceAlert]:
    for row in alert.body["sample"]:
        named = {str(row.get(name) or "").casefold() for name in _NAMED_BY}
        names = tuple(dict.fromkeys(str(row[name]) for name in _KNOWN_AS if row.get(name)))
        if names and not named.isdisjoint(_PRODUCTS):
            title = row.get("DisplayName") or row.get("AlertName") or alert.body.get("title") or names[0]
            yield SourceAlert(alert.id, names, str(title), _subscription(row))


def _subscription(row: Mapping[str, Any]) -> str | None:
    for name in _PLACES:
        if match := _SUBSCRIPTION.search(str(row.get(name) or "")):
            return match[1].lower()
    return None
