"""api-versions that the resource providers know."""

from __future__ import annotations

from typing import Final

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

HAS_TECHNIQUES: Final = frozenset(
    version
    for version in SECURITY_INSIGHTS
    if version >= "2024" or (version.endswith("-preview") and version >= "2022-07-01")
)
"""Versions whose `additionalData` lists techniques."""

PERMISSIONS: Final = frozenset({"2015-07-01", "2018-07-01", "2022-04-01"})
"""Versions of Microsoft.Authorization/permissions."""
