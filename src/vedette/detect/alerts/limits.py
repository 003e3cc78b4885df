"""How much a run and an alert may hold. Defaults are Microsoft Sentinel's service limits where it has one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AlertLimits:
    """Limits of one run and of each of its alerts; reaching one is said on the alert."""

    alerts_per_run: int = 150
    alerts_per_nrt_run: int = 30
    entities_per_alert: int = 500
    """Shared evenly among the rule's mappings."""
    entities_bytes: int = 64 * 1024
    custom_details: int = 20
    custom_details_bytes: int = 4 * 1024
    values_per_custom_detail: int = 50
    title_characters: int = 256
    description_characters: int = 5000
    sample_rows: int = 20
    sample_bytes: int = 256 * 1024
    value_characters: int = 8 * 1024
    """Of one text in the sample, and of one entity identifier."""
