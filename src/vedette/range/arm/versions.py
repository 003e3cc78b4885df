"""api-versions that the resource providers know."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Dated:
    """Every version from one date to another: for providers that bring out several a year."""

    first: str
    last: str

    def __contains__(self, version: object) -> bool:
        dated = isinstance(version, str) and re.fullmatch(r"(\d{4}-\d\d-\d\d)(-preview)?", version)
        return bool(dated) and self.first <= str(version)[:10] <= self.last

    def __iter__(self) -> Iterator[str]:
        yield from (self.first, self.last)


Versions = frozenset[str] | Dated

SECURITY_INSIGHTS: Final = frozenset(
    {
        "2020-01-01",
        "2021-03-01-preview",
        "2021-04-01",
        "2021-09-01-preview",
        "2021-10-01",
        "2021-10-01-preview",
        "2022-01-01-preview",
        "2022-04-01-preview",
        "2022-05-01-preview",
        "2022-06-01-preview",
        "2022-07-01-preview",
        "2022-08-01",
        "2022-08-01-preview",
        "2022-09-01-preview",
        "2022-10-01-preview",
        "2022-11-01",
        "2022-11-01-preview",
        "2022-12-01-preview",
        "2023-02-01",
        "2023-02-01-preview",
        "2023-11-01",
        "2024-03-01",
        "2024-09-01",
        "2025-03-01",
        "2025-06-01",
        "2025-09-01",
        "2025-10-01-preview",
    }
)

PROVIDER_IS_WRITABLE: Final = frozenset({"2022-07-01-preview"})
"""Versions of incidents in which `providerName` and `providerIncidentId` are not read-only (Incidents.json)."""

INCIDENT_TASKS: Final = frozenset(
    version
    for version in SECURITY_INSIGHTS
    if version >= "2024" or (version.endswith("-preview") and version >= "2022-12-01")
)
"""Versions that have incidents/tasks."""

HAS_TECHNIQUES: Final = frozenset(
    version
    for version in SECURITY_INSIGHTS
    if version >= "2024" or (version.endswith("-preview") and version >= "2022-07-01")
)
"""Versions whose `additionalData` lists techniques."""

PERMISSIONS: Final = frozenset({"2015-07-01", "2018-07-01", "2022-04-01"})
"""Versions of Microsoft.Authorization/permissions."""

COMPUTE: Final = Dated("2016-04-30", "2026-12-31")
NETWORK: Final = Dated("2015-06-15", "2026-12-31")
LOCKS: Final = frozenset({"2015-01-01", "2016-09-01", "2017-04-01", "2020-05-01"})
RESOURCES: Final = Dated("2014-04-01", "2026-12-31")
AUTHORIZATION: Final = Dated("2015-07-01", "2022-05-01")
WORKSPACES: Final = Dated("2015-03-20", "2026-12-31")
CLOUD_ALERTS: Final = frozenset({"2019-01-01", "2020-01-01", "2021-01-01", "2021-11-01", "2022-01-01"})
SUPPRESSION_RULES: Final = frozenset({"2019-01-01-preview"})
ASSESSMENTS: Final = frozenset({"2019-01-01-preview", "2020-01-01", "2021-06-01", "2025-05-04", "2025-05-04-preview"})
SECURITY_LOCATIONS: Final = frozenset({"2015-06-01-preview"})
ACTIVITY: Final = frozenset({"2014-04-01", "2015-04-01", "2017-03-01-preview"})
SECURITY_OPERATIONS: Final = Dated("2015-06-01", "2026-12-31")
