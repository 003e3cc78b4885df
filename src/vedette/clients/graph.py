"""Microsoft Graph: its collections, page after page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from vedette.clients.azure_cloud import PUBLIC, AzureCloud
from vedette.clients.azure_errors import AzureFailure, FailureKind
from vedette.clients.azure_http import AzureHttp, ClientSecretCredentials, json_of, query_text
from vedette.core.clock import Clock

_DEFAULT_AUDIENCE: Final = "https://graph.microsoft.com"
_HEADERS: Final = {
    # without it, members that were added to enumerations later come as unknownFutureValue (throttling and enums: best practices)
    "Prefer": "include-unknown-enum-members",
}


@dataclass(frozen=True, slots=True)
class GraphPage:
    """Objects of a collection as they came, and the address of the next page."""

    value: list[dict[str, Any]]
    next_link: str | None
    warning: str | None = None
    """What a provider behind Graph could not answer (status 206)."""


class GraphClient:
    """Microsoft Graph v1.0 with an App Registration's token. Every method raises `AzureFailure`."""

    def __init__(self, credentials: ClientSecretCredentials, clock: Clock, cloud: AzureCloud = PUBLIC) -> None:
        # a fake tenant gives tokens for the public cloud's audience, whatever its own address
        local = not cloud.instance_discovery
        audience = _DEFAULT_AUDIENCE if local else cloud.graph
        self._http = AzureHttp(credentials, cloud, cloud.graph, f"{audience}/.default", clock)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def authenticate(self) -> None:
        """Get a token, and nothing else."""
        self._http.authenticate()

    def first_page(self, path: str, query: Mapping[str, str]) -> GraphPage:
        """The first page of a collection such as `/security/alerts_v2`, or `/beta/…` for what v1.0 does not have."""
        versioned = path if path.startswith("/beta/") else f"/v1.0{path}"
        return self._page(f"{self._http.base_url}{versioned}{query_text(query)}")

    def next_page(self, link: str) -> GraphPage:
        """The page at the address that the one before named."""
        return self._page(self._http.same_origin(link))

    def _page(self, url: str) -> GraphPage:
        answer = self._http.send("GET", url, headers=_HEADERS)
        document = json_of(answer)
        value, link = document.get("value"), document.get("@odata.nextLink")
        if not isinstance(value, list):
            raise AzureFailure(FailureKind.UNAVAILABLE, "the answer is not a collection of Microsoft Graph")
        warning = answer.headers.get("Warning") if answer.status_code == 206 else None
        return GraphPage([item for item in value if isinstance(item, dict)], str(link) if link else None, warning)
