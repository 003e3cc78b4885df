"""The query API of Log Analytics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from vedette.clients.azure_cloud import PUBLIC, AzureCloud
from vedette.clients.azure_errors import AzureFailure, FailureKind
from vedette.clients.azure_http import AzureHttp, ClientSecretCredentials, json_of
from vedette.core.clock import Clock

_LOCAL_AUDIENCE: Final = "https://api.loganalytics.io"


@dataclass(frozen=True, slots=True)
class Answer:
    """The first table of an answer: names and types of its columns, and its rows."""

    columns: list[tuple[str, str]]
    rows: list[list[Any]]


class LogAnalyticsClient:
    """Queries workspaces with an App Registration's token. Every method raises `AzureFailure`."""

    def __init__(self, credentials: ClientSecretCredentials, clock: Clock, cloud: AzureCloud = PUBLIC) -> None:
        audience = cloud.log_analytics if cloud.instance_discovery else _LOCAL_AUDIENCE
        self._http = AzureHttp(credentials, cloud, cloud.log_analytics, f"{audience}/.default", clock, timeout=60)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def authenticate(self) -> None:
        """Get a token, and nothing else."""
        self._http.authenticate()

    def query(self, workspace: str, text: str, seconds: int = 50) -> Answer:
        """The rows of a query on a workspace (its id). An answer that is not whole is a failure."""
        url = f"{self._http.base_url}/v1/workspaces/{quote(workspace, safe='')}/query"
        document = json_of(self._http.send("POST", url, {"query": text}, {"Prefer": f"wait={seconds}"}))
        tables = document.get("tables")
        if "error" in document:
            raise AzureFailure(FailureKind.UNAVAILABLE, "Log Analytics gave a part of the rows only")
        if not isinstance(tables, list) or not tables:
            raise AzureFailure(FailureKind.UNAVAILABLE, "the answer is not one of Log Analytics")
        columns = [(str(one["name"]), str(one["type"])) for one in tables[0]["columns"]]
        return Answer(columns, list(tables[0]["rows"]))
