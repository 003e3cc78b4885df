"""Microsoft Sentinel's incidents in Azure Resource Manager (Microsoft.SecurityInsights).

Built on the pipeline and the credential of Azure's SDK (azure-core, azure-identity), not on azure-mgmt-securityinsight:
its models (1.0.0) have no `providerName`, drop unknown fields of answers, and repeat requests by themselves, where a
repeated PUT of an incident has to be decided, not retried.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from vedette.clients.azure_cloud import PUBLIC, AzureCloud
from vedette.clients.azure_errors import AzureFailure, FailureKind, utc
from vedette.clients.azure_http import AzureHttp, ClientSecretCredentials, json_of
from vedette.core.clock import Clock, SystemClock

if TYPE_CHECKING:
    from azure.core.rest import HttpResponse

API_VERSION: Final = "2022-07-01-preview"
"""The api-version of the incident requests unless another is asked for."""

PROVIDER_NAME_VERSIONS: Final = frozenset({"2022-07-01-preview"})
"""The api-versions of which it is known that a client may write `providerName`; in stable ones it is read-only."""

PERMISSIONS_API_VERSION: Final = "2022-04-01"
WRITE_INCIDENTS: Final = "Microsoft.SecurityInsights/incidents/write"
READ_INCIDENTS: Final = "Microsoft.SecurityInsights/incidents/read"


@dataclass(frozen=True, slots=True)
class WorkspaceAddress:
    """Where a Microsoft Sentinel workspace is. Names are sent as they were typed."""

    subscription_id: str
    resource_group_name: str
    workspace_name: str

    @property
    def path(self) -> str:
        """The workspace's path in Azure Resource Manager, quoted for a URL."""
        names = (quote(name, safe="") for name in (self.subscription_id, self.resource_group_name, self.workspace_name))
        return "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.OperationalInsights/workspaces/{}".format(
            *names
        )


@dataclass(frozen=True, slots=True)
class IncidentProperties:
    """What a client may say about an incident. None and empty are left out of the request."""

    title: str
    severity: str
    """High, Medium, Low or Informational."""
    status: str
    """New, Active or Closed."""
    description: str | None = None
    first_activity: datetime | None = None
    last_activity: datetime | None = None
    labels: tuple[str, ...] = ()
    provider_name: str | None = None
    provider_incident_id: str | None = None
    classification: str | None = None
    classification_reason: str | None = None
    classification_comment: str | None = None
    owner: Mapping[str, str | None] | None = None

    def to_wire(self) -> dict[str, Any]:
        """The `properties` of a request."""
        wire: dict[str, Any] = {
            "title": self.title,
            "description": self.description,
            "severity": self.severity,
            "status": self.status,
            "classification": self.classification,
            "classificationReason": self.classification_reason,
            "classificationComment": self.classification_comment,
            "firstActivityTimeUtc": iso_utc(self.first_activity) if self.first_activity else None,
            "lastActivityTimeUtc": iso_utc(self.last_activity) if self.last_activity else None,
            "labels": [{"labelName": name} for name in self.labels] or None,
            "owner": dict(self.owner) if self.owner else None,
            "providerName": self.provider_name,
            "providerIncidentId": self.provider_incident_id,
        }
        return {name: value for name, value in wire.items() if value is not None}


@dataclass(frozen=True, slots=True)
class SentinelIncident:
    """An incident as Microsoft Sentinel shows it. `raw` is the whole answer, with fields that are not named here."""

    id: str
    name: str
    etag: str
    number: int | None
    created: datetime | None
    modified: datetime | None
    url: str | None
    properties: IncidentProperties
    raw: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Permission:
    """What one role permits at a scope; `*` in a pattern stands for any text."""

    actions: tuple[str, ...]
    not_actions: tuple[str, ...]

    def permits(self, action: str) -> bool:
        """Whether the role permits an action such as `Microsoft.SecurityInsights/incidents/write`."""
        return _any_fits(self.actions, action) and not _any_fits(self.not_actions, action)


class SecurityInsightsClient:
    """The incidents of one workspace. Every method raises `AzureFailure`.

    No request is repeated by itself, but for one that is refused with 401: once, with a new token.
    `timeout` is the longest silence in seconds, while connecting and while waiting for an answer.
    """

    def __init__(
        self,
        credentials: ClientSecretCredentials,
        address: WorkspaceAddress,
        *,
        cloud: AzureCloud = PUBLIC,
        api_version: str = API_VERSION,
        timeout: float = 30.0,
        clock: Clock | None = None,
    ) -> None:
        self._address = address
        self._api_version = api_version
        self._http = AzureHttp(credentials, cloud, cloud.resource_manager, cloud.scope, clock or SystemClock(), timeout)

    def __enter__(self) -> SecurityInsightsClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def authenticate(self) -> None:
        """Get a token, and nothing else: tells wrong credentials from everything that may be wrong later."""
        self._http.authenticate()

    def get_incident(self, incident_id: str) -> SentinelIncident | None:
        """The incident of that id, or None if the workspace has none."""
        try:
            return _incident(self._send("GET", self._incident_path(incident_id)))
        except AzureFailure as failure:
            if failure.kind is FailureKind.NOT_FOUND and not failure.fields:
                return None
            raise

    def put_incident(
        self, incident_id: str, properties: IncidentProperties, *, etag: str | None = None
    ) -> SentinelIncident:
        """Create an incident, or replace the version with that etag. A newer version is a `CONFLICT` failure."""
        body: dict[str, Any] = {"properties": properties.to_wire()}
        if etag is not None:
            body["etag"] = etag
        return _incident(self._send("PUT", self._incident_path(incident_id), body=body))

    def delete_incident(self, incident_id: str) -> bool:
        """Delete an incident; False if there was none."""
        return self._send("DELETE", self._incident_path(incident_id)).status_code == 200

    def list_incidents(
        self, *, filter: str | None = None, orderby: str | None = None, top: int | None = None
    ) -> Iterator[SentinelIncident]:
        """The incidents that fit, page after page; `top` is the size of a page."""
        query = {"$filter": filter, "$orderby": orderby, "$top": None if top is None else str(top)}
        answer = self._send("GET", f"{self._insights}/incidents", query=query)
        while True:
            document = json_of(answer)
            for item in document.get("value", ()):
                yield _incident_from(item)
            link = document.get("nextLink")
            if not link:
                return
            answer = self._http.send("GET", self._http.same_origin(str(link)))

    def first_page(self, size: int = 1) -> list[SentinelIncident]:
        """The newest incidents, one page of them: the cheapest question that needs to read incidents."""
        answer = self._send(
            "GET",
            f"{self._insights}/incidents",
            query={"$top": str(size), "$orderby": "properties/createdTimeUtc desc"},
        )
        return [_incident_from(item) for item in json_of(answer).get("value", ())]

    def permissions(self) -> list[Permission]:
        """What the App Registration may do on the workspace: one entry a role."""
        answer = self._send(
            "GET",
            f"{self._address.path}/providers/Microsoft.Authorization/permissions",
            api_version=PERMISSIONS_API_VERSION,
        )
        return [
            Permission(tuple(item.get("actions", ())), tuple(item.get("notActions", ())))
            for item in json_of(answer).get("value", ())
        ]

    @property
    def _insights(self) -> str:
        return f"{self._address.path}/providers/Microsoft.SecurityInsights"

    def _incident_path(self, incident_id: str) -> str:
        return f"{self._insights}/incidents/{quote(incident_id, safe='')}"

    def _send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | None] | None = None,
        body: Mapping[str, Any] | None = None,
        api_version: str | None = None,
    ) -> HttpResponse:
        parts = {"api-version": api_version or self._api_version, **(query or {})}
        text = "&".join(f"{name}={quote(value, safe='')}" for name, value in parts.items() if value is not None)
        return self._http.send(method, f"{self._http.base_url}{path}?{text}", body)


def iso_utc(moment: datetime) -> str:
    """A moment in ISO 8601 as Azure writes it: UTC, `Z`, no more digits of a second than it has."""
    text = f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}".rstrip("0").rstrip(".")
    return f"{text}Z"


def _incident(answer: HttpResponse) -> SentinelIncident:
    return _incident_from(json_of(answer))


def _incident_from(document: Mapping[str, Any]) -> SentinelIncident:
    given: Mapping[str, Any] = document.get("properties") or {}

    def moment(name: str) -> datetime | None:
        return utc(given[name]) if given.get(name) else None

    return SentinelIncident(
        id=str(document.get("id", "")),
        name=str(document.get("name", "")),
        etag=str(document.get("etag", "")),
        number=given.get("incidentNumber"),
        created=moment("createdTimeUtc"),
        modified=moment("lastModifiedTimeUtc"),
        url=given.get("incidentUrl"),
        properties=IncidentProperties(
            title=str(given.get("title", "")),
            severity=str(given.get("severity", "")),
            status=str(given.get("status", "")),
            description=given.get("description"),
            first_activity=moment("firstActivityTimeUtc"),
            last_activity=moment("lastActivityTimeUtc"),
            labels=tuple(label["labelName"] for label in given.get("labels") or ()),
            provider_name=given.get("providerName"),
            provider_incident_id=given.get("providerIncidentId"),
            classification=given.get("classification"),
            classification_reason=given.get("classificationReason"),
            classification_comment=given.get("classificationComment"),
            owner=given.get("owner"),
        ),
        raw=document,
    )


def _any_fits(patterns: tuple[str, ...], action: str) -> bool:
    return any(
        re.fullmatch(".*".join(re.escape(part) for part in pattern.split("*")), action, re.IGNORECASE)
        for pattern in patterns
    )
