"""Azure's clouds: where tokens and Azure Resource Manager are. The public one, the sovereign ones, and local ones."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final


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
)
CHINA: Final = AzureCloud(
    "AzureChina",
    "https://login.partner.microsoftonline.cn",
    "https://management.chinacloudapi.cn",
    "https://management.chinacloudapi.cn",
)
CLOUDS: Final = {cloud.name: cloud for cloud in (PUBLIC, US_GOVERNMENT, CHINA)}


def local_cloud(url: str, ca_file: Path, name: str = "Local") -> AzureCloud:
    """A cloud that one local server plays, as the fake tenant does."""
    return AzureCloud(name, url, url, PUBLIC.audience, ca_file, instance_discovery=False)
