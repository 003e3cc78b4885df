"""Azure's clouds: where tokens and Azure Resource Manager are. The public one, the sovereign ones, and local ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from vedette.core.errors import InvalidInput, nearest


@dataclass(frozen=True, slots=True)
class AzureCloud:
    """The endpoints of one cloud. `ca_file` None trusts what the machine trusts."""

    name: str
    authority: str
    """Where tokens come from, such as `https://login.microsoftonline.com`."""
    resource_manager: str
    """Base address of Azure Resource Manager, without a slash at the end."""
    audience: str
    """The resource for which tokens are asked; `/.default` is added."""
    ca_file: Path | None = None
    graph: str = "https://graph.microsoft.com"
    """Base address of Microsoft Graph, without a slash at the end; tokens for it have its address as audience."""
    log_analytics: str = "https://api.loganalytics.azure.com"
    """Base address of the query API of Log Analytics, without a slash at the end; tokens for it have its address as audience."""
    office365: str = "https://manage.office.com"
    """Base address of the Office 365 Management Activity API, without a slash at the end; its audience in the same way."""
    blob_storage: str = "https://{account}.blob.core.windows.net"
    """Address of a storage account's blobs, without a slash at the end."""
    instance_discovery: bool = True
    """Whether Microsoft's directory of clouds is asked about the authority. Not for clouds that it does not know."""

    @property
    def scope(self) -> str:
        """The scope of a token for Azure Resource Manager."""
        return f"{self.audience}/.default"


PUBLIC: Final = AzureCloud(
    "AzurePublic",
    "https://login.microsoftonline.com",
    "https://management.azure.com",
    "https://management.azure.com",
)
US_GOVERNMENT: Final = AzureCloud(
    "AzureUSGovernment",
    "https://login.microsoftonline.us",
    "https://management.usgovcloudapi.net",
    "https://management.usgovcloudapi.net",
    graph="https://graph.microsoft.us",
    log_analytics="https://api.loganalytics.us",
    office365="https://manage.office365.us",
    blob_storage="https://{account}.blob.core.usgovcloudapi.net",
)
CHINA: Final = AzureCloud(
    "AzureChina",
    "https://login.partner.microsoftonline.cn",
    "https://management.chinacloudapi.cn",
    "https://management.chinacloudapi.cn",
    graph="https://microsoftgraph.chinacloudapi.cn",
    log_analytics="https://api.loganalytics.azure.cn",
    blob_storage="https://{account}.blob.core.chinacloudapi.cn",
)
CLOUDS: Final = {cloud.name: cloud for cloud in (PUBLIC, US_GOVERNMENT, CHINA)}


def local_cloud(url: str, ca_file: Path, name: str = "Local") -> AzureCloud:
    """A cloud that one local server plays, as the fake tenant does."""
    return AzureCloud(
        name, url, url, PUBLIC.audience, ca_file, graph=url, log_analytics=url, office365=url,
        blob_storage=f"{url}/{{account}}", instance_discovery=False,
    )  # fmt: skip


_ADDRESSES: Final = ("graph", "log_analytics", "office365", "blob_storage")
_PARTS: Final = ("authority", "resource_manager", "audience", "ca_file", *_ADDRESSES)


def clouds_with(further: Mapping[str, Mapping[str, str]]) -> dict[str, AzureCloud]:
    """Azure's clouds and further ones (the setting `azure_clouds`): Azure Stack, or a fake tenant.

    Each has an `authority` and a `resource_manager`, both https, and may have a `graph`, a `log_analytics`, an `office365`,
    a `blob_storage` (with `{account}` in the place of the storage account's name), an `audience` and a `ca_file`.
    `InvalidInput` names what is not right. Secrets are sent to these addresses: only who runs Vedette sets them.
    """
    clouds = dict(CLOUDS)
    for name, parts in further.items():
        for part in parts:
            if part not in _PARTS:
                near = nearest(part, _PARTS)
                raise _wrong(name, f"has no part '{part}'", f"Did you mean '{near}'?" if near else None)
        for part in ("authority", "resource_manager", *(one for one in _ADDRESSES if one in parts)):
            address = urlsplit(parts.get(part, ""))
            if address.scheme != "https" or not address.hostname or address.query or address.username:
                raise _wrong(name, f"needs an https address as its {part}")
        if "{account}" not in parts.get("blob_storage", "{account}"):
            raise _wrong(name, "needs {account} in its blob_storage")
        ca_file = Path(parts["ca_file"]).expanduser() if parts.get("ca_file") else None
        if ca_file is not None and not ca_file.is_file():
            raise _wrong(name, f"trusts the file {ca_file}, which is not there")
        clouds[name] = AzureCloud(
            name,
            parts["authority"].rstrip("/"),
            parts["resource_manager"].rstrip("/"),
            parts.get("audience") or PUBLIC.audience,
            ca_file,
            # a cloud that one server plays has all of it at one address
            graph=parts.get("graph", parts["resource_manager"]).rstrip("/"),
            log_analytics=parts.get("log_analytics", parts["resource_manager"]).rstrip("/"),
            office365=parts.get("office365", parts["resource_manager"]).rstrip("/"),
            blob_storage=parts.get("blob_storage", f"{parts['resource_manager'].rstrip('/')}/{{account}}").rstrip("/"),
            instance_discovery=False,
        )
    return clouds


def _wrong(name: str, problem: str, hint: str | None = None) -> InvalidInput:
    return InvalidInput(f"The Azure cloud '{name}' {problem}.", target="azure_clouds", hint=hint)
