"""Alert details that come from the result: title, description, severity, tactics, custom details, properties."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from vedette.core.errors import nearest
from vedette.detect.alerts.limits import AlertLimits
from vedette.detect.attack import apart, tactic_named, technique_named
from vedette.detect.entities.mapping import Row, text_of
from vedette.detect.rule import AnalyticsRule, JsonValue, Severity

_PLACEHOLDER = re.compile(r"\{\{\s*([^{}\s](?:[^{}]*[^{}\s])?)\s*\}\}")
_SEVERITIES = {severity.value.casefold(): severity for severity in Severity}


def _confidence_level(text: str) -> str:
    return next((level for level in ("Unknown", "Low", "High") if level.casefold() == text.casefold()), "")


def _confidence_score(text: str) -> str:
    try:
        return text if 0 <= float(text) <= 1 else ""
    except ValueError:
        return ""


_PLAIN_VALUES: Final[Mapping[str, Callable[[str], str]]] = {
    "ConfidenceLevel": _confidence_level,
    "ConfidenceScore": _confidence_score,
}
"""Properties that take some values only; what a text is of them, or nothing. Source: SecurityInsights, alerts' ConfidenceLevel."""


@dataclass(frozen=True, slots=True)
class Details:
    """What an alert says of itself."""

    title: str
    description: str
    severity: Severity
    tactics: tuple[str, ...]
    techniques: tuple[str, ...]
    sub_techniques: tuple[str, ...]
    custom: Mapping[str, tuple[str, ...]]
    properties: Mapping[str, str]
    notes: tuple[str, ...]


def details(rule: AnalyticsRule, columns: Sequence[str], rows: Sequence[Row], limits: AlertLimits) -> Details:
    """The details of an alert over `rows` (in time order). Overrides read the first row; custom details read all.

    What an override cannot give (no such column, an empty value, a value that is none of its kind) is the rule's own,
    and a note says so.
    """
    notes: list[str] = []
    first: Row = rows[0] if rows else {}
    override = rule.alert_details_override
    title = _formatted(override.display_name_format, "title", columns, first, limits.title_characters, notes)
    description = _formatted(
        override.description_format, "description", columns, first, limits.description_characters, notes
    )
    severity = rule.severity
    given = _column(override.severity_column, "severity", columns, first, notes)
    if given:
        found = _SEVERITIES.get(text_of(given).strip().casefold())
        if found is None:
            notes.append(f"The severity is the rule's: column '{override.severity_column}' has no severity.")
        severity = found or severity
    tactics = rule.tactics
    given = _column(override.tactics_column, "tactics", columns, first, notes)
    if given:
        named = [tactic for text in _texts(given) if (tactic := tactic_named(text))]
        if not named:
            notes.append(f"The tactics are the rule's: column '{override.tactics_column}' has no tactic.")
        tactics = tuple(dict.fromkeys(named)) or tactics
    properties: dict[str, str] = {}
    for entry in override.dynamic_properties:
        text = text_of(_column(entry.column, entry.alert_property, columns, first, notes)).strip()
        if text and entry.alert_property in _PLAIN_VALUES:
            text = _PLAIN_VALUES[entry.alert_property](text)
            if not text:
                notes.append(
                    f"The {entry.alert_property} is not told: column '{entry.column}' has no value of its kind."
                )
        if text:
            properties[entry.alert_property] = text[: limits.value_characters]
    techniques, sub_techniques = apart(
        _techniques(properties.get("Techniques"), rule.techniques),
        _techniques(properties.get("SubTechniques"), rule.sub_techniques),
    )
    return Details(
        title=title or rule.name[: limits.title_characters],
        description=(description or rule.description)[: limits.description_characters],
        severity=severity,
        tactics=tactics,
        techniques=techniques,
        sub_techniques=sub_techniques,
        custom=_custom(rule, columns, rows, limits, notes),
        properties=properties,
        notes=tuple(notes),
    )


def _formatted(
    pattern: str | None, what: str, columns: Sequence[str], row: Row, length: int, notes: list[str]
) -> str | None:
    if pattern is None:
        return None
    missing = [name for name in _PLACEHOLDER.findall(pattern) if name not in columns]
    if missing:
        near = nearest(missing[0], columns)
        hint = f" (nearest: '{near}')" if near else ""
        notes.append(f"The {what} is the rule's: the result has no column '{missing[0]}'{hint}.")
        return None
    empty = next((name for name in _PLACEHOLDER.findall(pattern) if not text_of(row.get(name)).strip()), None)
    if empty is not None:
        notes.append(f"The {what} is the rule's: column '{empty}' is empty.")
        return None
    text = _PLACEHOLDER.sub(lambda match: text_of(row.get(match[1])), pattern).strip()
    if len(text) > length:
        notes.append(f"The {what} was cut to {length:,} characters.")
        text = text[: length - 1] + "…"
    return text or None


def _column(name: str | None, what: str, columns: Sequence[str], row: Row, notes: list[str]) -> JsonValue:
    if name is None:
        return None
    if name not in columns:
        near = nearest(name, columns)
        hint = f" (nearest: '{near}')" if near else ""
        notes.append(f"The {what} is the rule's: the result has no column '{name}'{hint}.")
        return None
    return row.get(name)


def _texts(value: JsonValue) -> list[str]:
    """The texts of a list, of its JSON text, or of a text with commas."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = json.loads(value)
        except ValueError:
            pass
    if isinstance(value, list):
        return [text_of(entry).strip() for entry in value]
    return [part.strip() for part in text_of(value).split(",")]


def _techniques(given: str | None, own: tuple[str, ...]) -> tuple[str, ...]:
    named = [technique for text in _texts(given or "") if (technique := technique_named(text))]
    return tuple(dict.fromkeys(named)) or own


def _custom(
    rule: AnalyticsRule, columns: Sequence[str], rows: Sequence[Row], limits: AlertLimits, notes: list[str]
) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    cut: list[str] = []
    size = 0
    for name, column in rule.custom_details.items():
        if len(found) >= limits.custom_details:
            notes.append(f"An alert holds {limits.custom_details} custom details; further ones were left out.")
            break
        if column not in columns:
            near = nearest(column, columns)
            hint = f" (nearest: '{near}')" if near else ""
            notes.append(f"Custom detail '{name}' is missing: the result has no column '{column}'{hint}.")
            continue
        values: dict[str, None] = {}
        for row in rows:
            text = text_of(row.get(column))
            if not text or text in values:
                continue
            if len(values) >= limits.values_per_custom_detail:
                notes.append(
                    f"Custom detail '{name}' holds {limits.values_per_custom_detail} values; more were left out."
                )
                break
            more = len(text.encode(errors="surrogatepass"))
            if size + more > limits.custom_details_bytes:  # a long value keeps no short one out
                cut.append(name)
                continue
            size += more
            values[text] = None
        if values:
            found[name] = tuple(values)
    if cut:
        named = ", ".join(dict.fromkeys(cut))
        limit = limits.custom_details_bytes // 1024
        notes.append(f"Custom details hold {limit} KB: values of {named} that did not fit were left out.")
    return found
