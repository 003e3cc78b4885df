"""Defender for Cloud's alerts in Azure Resource Manager (Microsoft.Security): found, moved to another state, and suppressed.

Source: the REST API of Defender for Cloud, Alerts 2022-01-01 and Alerts Suppression Rules 2019-01-01-preview.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final
from urllib.parse import quote

from vedette.clients.azure_cloud import PUBLIC, AzureCloud
from vedette.clients.azure_errors import AzureFailure, FailureKind
from vedette.clients.azure_http import AzureHttp, ClientSecretCredentials, json_of, query_text
from vedette.core.clock import Clock

ALERTS_VERSION: Final = "2022-01-01"
RULES_VERSION: Final = "2019-01-01-preview"
VERBS: Final = {"Dismiss": "dismiss", "Resolve": "resolve", "Activate": "activate", "InProgress": "inProgress"}
"""What can be done with an alert, and the last part of the address that does it."""
ROLE: Final = "Security Admin"
_ROLE_HINT: Final = (
    f"Assign the role {ROLE} on the subscription to the app registration of the connector (Access control, IAM); "
    "Security Reader may only look."
)


@dataclass(frozen=True, slots=True)
class CloudAlert:
    """An alert as the subscription has it."""

    id: str
    """Its path in Azure Resource Manager."""
    name: str
    system_id: str
    type: str
    title: str
    status: str
    """Active, InProgress, Resolved or Dismissed."""


class DefenderForCloudClient:
    """The alerts of one subscription, with an App Registration's token. Every method raises `AzureFailure`."""

    def __init__(
        self, credentials: ClientSecretCredentials, subscription_id: str, clock: Clock, cloud: AzureCloud = PUBLIC
    ) -> None:
        self._http = AzureHttp(credentials, cloud, cloud.resource_manager, cloud.scope, clock)
        self._provider = f"/subscriptions/{quote(subscription_id, safe='')}/providers/Microsoft.Security"

    def __enter__(self) -> DefenderForCloudClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def alerts(self) -> Iterator[CloudAlert]:
        """All alerts, page after page."""
        for item in self._pages(f"{self._provider}/alerts", ALERTS_VERSION):
            about = item.get("properties")
            about = about if isinstance(about, Mapping) else {}
            name = str(item.get("name") or "")
            yield CloudAlert(
                str(item.get("id") or ""), name, str(about.get("systemAlertId") or name), str(about.get("alertType") or ""),
                str(about.get("alertDisplayName") or name), str(about.get("status") or ""),
            )  # fmt: skip

    def change(self, alert: CloudAlert, action: str) -> None:
        """Move an alert to another state: `action` is one of `VERBS`. Doing it again changes nothing."""
        self._send("POST", f"{quote(alert.id)}/{VERBS[action]}", ALERTS_VERSION)

    def suppression_rules(self) -> list[dict[str, Any]]:
        """The rules by which new alerts are dismissed."""
        return list(self._pages(f"{self._provider}/alertsSuppressionRules", RULES_VERSION))

    def suppress(self, name: str, properties: Mapping[str, Any]) -> dict[str, Any]:
        """Make a suppression rule, or replace the one of that name; returns it."""
        path = f"{self._provider}/alertsSuppressionRules/{quote(name, safe='')}"
        return json_of(self._send("PUT", path, RULES_VERSION, {"properties": dict(properties)}))

    def unsuppress(self, name: str) -> None:
        """Delete a suppression rule; one that is not there is none."""
        self._send("DELETE", f"{self._provider}/alertsSuppressionRules/{quote(name, safe='')}", RULES_VERSION)

    def _pages(self, path: str, version: str) -> Iterator[dict[str, Any]]:
        link: str | None = f"{self._http.base_url}{path}{query_text({'api-version': version})}"
        while link is not None:
            document = json_of(self._asked("GET", link, None))
            value = document.get("value")
            if not isinstance(value, list):
                raise AzureFailure(FailureKind.UNAVAILABLE, "the answer is not a collection of Azure Resource Manager")
            yield from (item for item in value if isinstance(item, dict))
            following = document.get("nextLink")
            link = self._http.same_origin(str(following)) if following else None

    def _send(self, method: str, path: str, version: str, body: Mapping[str, Any] | None = None) -> Any:
        return self._asked(method, f"{self._http.base_url}{path}{query_text({'api-version': version})}", body)

    def _asked(self, method: str, url: str, body: Mapping[str, Any] | None) -> Any:
        try:
            return self._http.send(method, url, body)
        except AzureFailure as failure:
            if failure.kind is not FailureKind.FORBIDDEN:
                raise
            raise AzureFailure(
                failure.kind, failure.message.partition(": ")[2], hint=_ROLE_HINT, remote_status=failure.remote_status,
                remote_code=failure.remote_code,
            ) from failure  # fmt: skip
