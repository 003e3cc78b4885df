"""What of a rule Microsoft Sentinel would not take: as many and as long as its fields may be, and what an entity needs.

Such a rule runs here all the same. Source: the model of templates in Azure-Sentinel (.script/tests/detectionTemplateSchemaValidation),
and learn.microsoft.com/azure/sentinel (map-data-fields-to-entities, create-analytics-rules, customize-alert-details).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from vedette.detect.entities.types import REQUIRED
from vedette.detect.fitting import PLACEHOLDER
from vedette.detect.reading.document import Path
from vedette.detect.reading.durations import format_short
from vedette.detect.rule import AnalyticsRule, EntityMapping, MatchingMethod

Raw = tuple[str, str, Path]
"""A finding's code and message, and where in the public layout it is."""

_NAME: Final = 256
_DESCRIPTION: Final = 5_000
_QUERY: Final = 10_000
_MAPPINGS: Final = 10
_IDENTIFIERS: Final = 3
_PLACEHOLDERS: Final = 3
_KEY: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,19}")
_SUPPRESSION: Final = timedelta(hours=24)
_LOOKBACK: Final = (timedelta(minutes=5), timedelta(days=7))


def beyond_limits(rule: AnalyticsRule) -> Iterator[Raw]:
    """What is more than Microsoft Sentinel takes."""
    for field, text, most in (
        ("name", rule.name, _NAME), ("description", rule.description, _DESCRIPTION), ("query", rule.query, _QUERY),
    ):  # fmt: skip
        if len(text) > most:
            yield "RC203", f"The {field} has {len(text):,} characters; Microsoft Sentinel takes {most:,}.", (field,)
    yield from _entities(rule)
    for key in rule.custom_details:
        if not _KEY.fullmatch(key):
            message = (
                f"'{key}' is not a custom detail's name to Microsoft Sentinel: a letter, and then letters, digits and"
                " underscores, 20 together at most."
            )
            yield "RC203", message, ("customDetails", key)
    yield from _formats(rule)
    if rule.suppression.enabled and rule.suppression.duration > _SUPPRESSION:
        given = format_short(rule.suppression.duration)
        yield (
            "RC203",
            f"The rule is suppressed for {given}; Microsoft Sentinel takes 24h at most.",
            ("suppressionDuration",),
        )
    yield from _grouping(rule)


def _entities(rule: AnalyticsRule) -> Iterator[Raw]:
    count = len(rule.entity_mappings)
    if count > _MAPPINGS:
        yield "RC203", f"The rule maps {count} entities; Microsoft Sentinel takes {_MAPPINGS}.", ("entityMappings",)
    for number, mapping in enumerate(rule.entity_mappings):
        path: Path = ("entityMappings", number)
        names = [field.identifier for field in mapping.fields]
        if len(names) > _IDENTIFIERS:
            message = (
                f"{mapping.entity_type} is mapped by {len(names)} identifiers; Microsoft Sentinel takes {_IDENTIFIERS}."
            )
            yield "RC203", message, path
        for name in dict.fromkeys(name for name in names if names.count(name) > 1):
            message = (
                f"{mapping.entity_type}.{name} is mapped twice; Microsoft Sentinel refuses that, and here the second"
                " column is read where the first is empty."
            )
            yield "RC203", message, path
        yield from _required(mapping, path)


def _required(mapping: EntityMapping, path: Path) -> Iterator[Raw]:
    wanted = REQUIRED.get(mapping.entity_type, ())
    names = {field.identifier for field in mapping.fields}
    if wanted and not any(one <= names for one in wanted):
        said = ", ".join(" and ".join(sorted(one)) for one in wanted)
        message = f"{mapping.entity_type} is mapped without an identifier that names it; Microsoft Sentinel wants one of {said}."
        yield "RC404", message, path


def _formats(rule: AnalyticsRule) -> Iterator[Raw]:
    override = rule.alert_details_override
    for field, text, most in (
        ("alertDisplayNameFormat", override.display_name_format, _NAME),
        ("alertDescriptionFormat", override.description_format, _DESCRIPTION),
    ):
        if text is None:
            continue
        path: Path = ("alertDetailsOverride", field)
        if len(text) > most:
            yield "RC203", f"'{field}' has {len(text):,} characters; Microsoft Sentinel takes {most:,}.", path
        count = len(PLACEHOLDER.findall(text))
        if count > _PLACEHOLDERS:
            yield "RC203", f"'{field}' has {count} placeholders; Microsoft Sentinel takes {_PLACEHOLDERS}.", path


def _grouping(rule: AnalyticsRule) -> Iterator[Raw]:
    grouping = rule.incident.grouping
    if not grouping.enabled:
        return
    shortest, longest = _LOOKBACK
    path: Path = ("incidentConfiguration", "groupingConfiguration")
    if not shortest <= grouping.lookback <= longest:
        given = format_short(grouping.lookback)
        yield (
            "RC203",
            f"Alerts are grouped over {given}; Microsoft Sentinel takes 5m to 7d.",
            (*path, "lookbackDuration"),
        )
    if grouping.matching_method is MatchingMethod.SELECTED and not rule.sentinel_entities_columns:
        mapped = {mapping.entity_type for mapping in rule.entity_mappings}
        for name in grouping.group_by_entities:
            if name not in mapped:
                message = f"Alerts are grouped by {name}, which the rule does not map."
                yield "RC405", message, (*path, "groupByEntities")
