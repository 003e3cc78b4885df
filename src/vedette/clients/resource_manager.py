"""Azure Resource Manager's collections, page after page."""

from __future__ import annotations

from collections.abc import Mapping

from vedette.clients.azure_cloud import PUBLIC, AzureCloud
from vedette.clients.azure_errors import AzureFailure, FailureKind
from vedette.clients.azure_http import AzureHttp, ClientSecretCredentials, json_of, query_text
from vedette.clients.graph import GraphPage
from vedette.core.clock import Clock


class ResourceManagerClient:
    """Azure Resource Manager with an App Registration's token. Every method raises `AzureFailure`."""

    def __init__(self, credentials: ClientSecretCredentials, clock: Clock, cloud: AzureCloud = PUBLIC) -> None:
        self._http = AzureHttp(credentials, cloud, cloud.resource_manager, cloud.scope, clock)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def authenticate(self) -> None:
        """Get a token, and nothing else."""
        self._http.authenticate()

    def first_page(self, path: str, query: Mapping[str, str]) -> GraphPage:
        """The first page of a collection; `query` has the api-version."""
        return self._page(f"{self._http.base_url}{path}{query_text(query)}")

    def next_page(self, link: str) -> GraphPage:
        """The page at the address that the one before named."""
        return self._page(self._http.same_origin(link))

    def _page(self, url: str) -> GraphPage:
        document = json_of(self._http.send("GET", url))
        value, link = document.get("value"), document.get("nextLink")
        if not isinstance(value, list):
            raise AzureFailure(FailureKind.UNAVAILABLE, "the answer is not a collection of Azure Resource Manager")
        return GraphPage([item for item in value if isinstance(item, dict)], str(link) if link else None)
