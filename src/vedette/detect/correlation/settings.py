"""The settings of a rule of kind Fusion: which signals it takes, and how many stages make a campaign.

`sourceSettings` is SecurityInsights' FusionSourceSettings: sources, their sub-types, and severities, each in or out. What is not named
is in. `fusionSettings` is this product's own: `minimumStages`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from vedette.detect.products import names_of
from vedette.detect.rule import JsonValue, Severity

TEMPLATE: Final = "f71aba3d-28fb-450b-b192-4e76a83015c8"
"""Sentinel's template of this kind, the only one there is."""
NAME: Final = "Advanced Multistage Attack Detection"
FREQUENCY: Final = timedelta(minutes=15)
LOOKBACK: Final = timedelta(days=14)
FEWEST_STAGES: Final = 2
MOST_STAGES: Final = 8

SOURCES: Final = ("Anomalies", "Alert providers", "Raw logs from other sources")
_RULES: Final = {
    "azure sentinel scheduled analytics rules": "ASI Scheduled Alerts",
    "microsoft sentinel scheduled analytics rules": "ASI Scheduled Alerts",
    "azure sentinel nrt analytic rules": "ASI NRT Alerts",
    "azure sentinel nrt analytics rules": "ASI NRT Alerts",
    "microsoft sentinel nrt analytics rules": "ASI NRT Alerts",
}
"""Sub-types that are rules of our own, and the provider that their alerts bear."""


@dataclass(frozen=True, slots=True)
class Provider:
    """A sub-type of the alert providers, and which severities of its alerts are left out: all, if it is switched off."""

    name: str
    left_out: tuple[str, ...]

    @property
    def column(self) -> str:
        """The column of SecurityAlert that tells its alerts."""
        return "ProviderName" if self.name.casefold() in _RULES else "ProductName"

    @property
    def values(self) -> tuple[str, ...]:
        """The values of that column."""
        own = _RULES.get(self.name.casefold())
        return names_of(self.name) if own is None else (own,)

    @property
    def off(self) -> bool:
        """Whether none of its alerts are taken."""
        return len(self.left_out) == len(Severity)


@dataclass(frozen=True, slots=True)
class FusionSettings:
    """What a rule's `sourceSettings` and `fusionSettings` come to."""

    alerts: bool = True
    anomalies: bool = True
    providers: tuple[Provider, ...] = ()
    """Those of which something is left out."""
    minimum_stages: int = FEWEST_STAGES


def settings_of(extra: Mapping[str, JsonValue]) -> FusionSettings:
    """The settings among a rule's further fields, as `problems_of` has found them to be in order."""
    alerts = anomalies = True
    providers: list[Provider] = []
    for source in _mappings(extra.get("sourceSettings")):
        name, enabled = str(source.get("sourceName", "")).casefold(), _is_on(source)
        if name == "anomalies":
            anomalies = enabled
        elif name == "alert providers":
            alerts = enabled
            providers += map(_provider, _mappings(source.get("sourceSubTypes")))
    own = extra.get("fusionSettings")
    least = own.get("minimumStages", FEWEST_STAGES) if isinstance(own, Mapping) else FEWEST_STAGES
    return FusionSettings(alerts, anomalies, tuple(one for one in providers if one.left_out), int(least))


def _provider(sub_type: Mapping[str, JsonValue]) -> Provider:
    name = str(sub_type.get("sourceSubTypeName", "")).strip()
    every = tuple(severity.value for severity in Severity)
    if not _is_on(sub_type):
        return Provider(name, every)
    filters = sub_type.get("severityFilters")
    listed = _mappings(filters.get("filters")) if isinstance(filters, Mapping) else []
    off = {str(one.get("severity", "")).casefold() for one in listed if not _is_on(one)}
    return Provider(name, tuple(severity for severity in every if severity.casefold() in off))


def problems_of(extra: Mapping[str, JsonValue]) -> list[tuple[str, str, bool]]:
    """What is wrong with the settings: the field, the sentence, and whether the rule cannot be read for it."""
    found: list[tuple[str, str, bool]] = []
    given = extra.get("sourceSettings")
    if given is not None and not isinstance(given, list):
        return [("sourceSettings", "'sourceSettings' is a list of sources", True)]
    for source in given or []:
        found += _source_problems(source)
    if extra.get("scenarioExclusionPatterns"):
        said = "are kept and exported, but exclude nothing: exceptions beside the rule do (`vedette rules exceptions`)"
        found.append(("scenarioExclusionPatterns", f"'scenarioExclusionPatterns' {said}", False))
    own = extra.get("fusionSettings")
    if own is None:
        return found
    if not isinstance(own, Mapping) or set(own) - {"minimumStages"}:
        return [*found, ("fusionSettings", "'fusionSettings' is a mapping with 'minimumStages'", True)]
    least = own.get("minimumStages", FEWEST_STAGES)
    if isinstance(least, bool) or not isinstance(least, int) or not FEWEST_STAGES <= least <= MOST_STAGES:
        said = f"'minimumStages' is a whole number from {FEWEST_STAGES} to {MOST_STAGES}"
        found.append(("fusionSettings", said, True))
    return found


def _source_problems(source: JsonValue) -> list[tuple[str, str, bool]]:
    field = "sourceSettings"
    name = source.get("sourceName") if isinstance(source, Mapping) else None
    if not isinstance(name, str) or not isinstance(source, Mapping):
        return [(field, "a source has 'sourceName' and 'enabled'", True)]
    if name.casefold() not in map(str.casefold, SOURCES):
        return [(field, f"'{name}' is not a source of Fusion: there are {', '.join(SOURCES)}", True)]
    sub_types = source.get("sourceSubTypes") or []
    if not isinstance(sub_types, list) or not all(isinstance(one, Mapping) for one in sub_types):
        return [(field, f"'sourceSubTypes' of '{name}' is a list of mappings", True)]
    found: list[tuple[str, str, bool]] = []
    if name.casefold() == SOURCES[2].casefold() and _is_on(source) and any(map(_is_on, sub_types)):
        said = "raw logs are no signals here: a rule that reads them makes alerts, which are"
        found.append((field, said, False))
    known = {severity.value.casefold() for severity in Severity}
    for one in sub_types:
        if not isinstance(one.get("sourceSubTypeName"), str):
            found.append((field, f"a sub-type of '{name}' has 'sourceSubTypeName' and 'enabled'", True))
        filters = one.get("severityFilters")
        for each in _mappings(filters.get("filters")) if isinstance(filters, Mapping) else []:
            if str(each.get("severity", "")).casefold() not in known:
                names = ", ".join(severity.value for severity in Severity)
                found.append((field, f"'{each.get('severity')}' is not a severity: there are {names}", True))
    return found


def _mappings(value: JsonValue) -> list[Mapping[str, JsonValue]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _is_on(value: Mapping[str, JsonValue]) -> bool:
    return str(value.get("enabled", True)).casefold() != "false"
