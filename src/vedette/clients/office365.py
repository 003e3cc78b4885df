"""The Office 365 Management Activity API: subscriptions, lists of content, content."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from vedette.clients.azure_cloud import PUBLIC, AzureCloud
from vedette.clients.azure_errors import AzureFailure, FailureKind
from vedette.clients.azure_http import AzureHttp, ClientSecretCredentials, query_text
from vedette.core.clock import Clock

if TYPE_CHECKING:
    from azure.core.rest import HttpResponse

_ENABLED: Final = "AF20024"
"""The subscription is enabled already."""


class Office365Client:
    """The activity feed of a tenant, with an App Registration's token. Every method raises `AzureFailure`."""

    def __init__(self, credentials: ClientSecretCredentials, clock: Clock, cloud: AzureCloud = PUBLIC) -> None:
        audience = cloud.office365 if cloud.instance_discovery else PUBLIC.office365
        self._http = AzureHttp(credentials, cloud, cloud.office365, f"{audience}/.default", clock)
        self._feed = f"{cloud.office365}/api/v1.0/{credentials.tenant_id}/activity/feed"
        self._publisher = {"PublisherIdentifier": credentials.tenant_id}

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def authenticate(self) -> None:
        """Get a token, and nothing else."""
        self._http.authenticate()

    def start(self, content_type: str) -> None:
        """Start the subscription to a type of content, if it is not."""
        query = query_text({"contentType": content_type, **self._publisher})
        try:
            self._http.send("POST", f"{self._feed}/subscriptions/start{query}")
        except AzureFailure as failure:
            if _ENABLED not in f"{failure.remote_code} {failure.message}":
                raise

    def content(self, content_type: str, start: str, end: str) -> tuple[list[dict[str, Any]], str | None]:
        """What became available from one moment to another (24 hours at most, within 7 days), and the next page's address."""
        query = {"contentType": content_type, **self._publisher, "startTime": start, "endTime": end}
        return self.page(f"{self._feed}/subscriptions/content{query_text(query)}")

    def page(self, link: str) -> tuple[list[dict[str, Any]], str | None]:
        """The list at an address, and the next page's address."""
        answer = self._http.send("GET", self._http.same_origin(link))
        return _list(answer), answer.headers.get("NextPageUri")

    def records(self, link: str) -> list[dict[str, Any]]:
        """The records of a piece of content."""
        return _list(self._http.send("GET", self._http.same_origin(link)))


def _list(answer: HttpResponse) -> list[dict[str, Any]]:
    try:
        document = json.loads(answer.read())
    except ValueError:
        document = None
    if not isinstance(document, list):
        raise AzureFailure(FailureKind.UNAVAILABLE, "the answer is not a list of the Management Activity API")
    return [one for one in document if isinstance(one, dict)]
