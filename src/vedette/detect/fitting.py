"""Whether a rule fits a workspace: what keeps its query from binding there, and columns it reads that the result does not have."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from vedette.core.errors import nearest
from vedette.detect.reading.document import Path
from vedette.detect.reading.files import ReadRule
from vedette.detect.reading.problems import ProblemSeverity, RuleProblem
from vedette.detect.rule import AnalyticsRule
from vedette.kql.continuing import continued
from vedette.kql.diagnostics import NO_WATCHLIST, Diagnostic

_KINDS: Final = {
    "KS204": "table", "KS142": "column", "KS211": "function", "KS209": "external table", NO_WATCHLIST: "watchlist"
}  # fmt: skip
"""Codes of names that refer to nothing, and what they should have been."""
_NAMED: Final = re.compile(r"(?:The name|There is no watchlist) '(.+?)'(?: does not refer|, so)", re.DOTALL)
PLACEHOLDER: Final = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}")
"""A column that stands in the format of an alert's name or description."""


class Checked(Protocol):
    """What a check of a query says: findings, and the result's columns as far as they are known."""

    @property
    def diagnostics(self) -> Sequence[Diagnostic]: ...

    @property
    def columns(self) -> Sequence[Any] | None: ...


class Checker(Protocol):
    """Binds queries without running them."""

    def check(self, text: str) -> Checked:
        """What parsing and binding say."""
        ...


def faults(checked: Checked) -> list[Diagnostic]:
    """What keeps a query from doing its work in a workspace: its mistakes, and each watchlist that is not there.

    A watchlist first, since columns that are not known may be those of its items.
    """
    found = [one for one in checked.diagnostics if one.severity == "Error" or one.code == NO_WATCHLIST]
    found.sort(key=lambda one: one.code != NO_WATCHLIST)
    return [replace(one, severity="Error") for one in found]


def fits(rule: AnalyticsRule, checker: Checker) -> bool:
    """Whether nothing keeps a rule's query from doing its work now."""
    return not faults(checker.check(rule.query))


def missing(query: str, found: Iterable[Diagnostic]) -> list[dict[str, str]]:
    """The names that refer to nothing, each once, with what they should have been."""
    names: dict[tuple[str, str], None] = {}
    for one in found:
        if one.code in _KINDS:
            told = _NAMED.search(one.message)
            name = told[1] if told else query[one.start : one.start + one.length].strip("[]'\"")
            names[_KINDS[one.code], name] = None
    return [{"kind": kind, "name": name} for kind, name in names]


@dataclass(frozen=True, slots=True)
class AbsentColumn:
    """A column that a rule reads from its result, which does not have it. `path` is where a rule in the public layout says so."""

    what: str
    column: str
    nearest: str | None
    path: Path
    of_entity: bool

    @property
    def message(self) -> str:
        """A sentence."""
        return f"{self.what} is read from the column '{self.column}', which the result does not have."

    @property
    def hint(self) -> str | None:
        """What to do, where a name is near."""
        return f"Did you mean '{self.nearest}'?" if self.nearest else None


def absent_columns(rule: AnalyticsRule, checked: Checked, checker: Checker) -> list[AbsentColumn]:
    """Columns that the rule reads and its result lacks; none where the query has a mistake, since its columns are not known then."""
    if any(diagnostic.severity == "Error" for diagnostic in checked.diagnostics):
        return []
    columns = [str(column.name) for column in checked.columns or ()]
    absent: list[AbsentColumn] = []
    may_be: dict[str, bool] = {}
    for what, column, path, of_entity in _needed(rule):
        if column in columns:
            continue
        if column not in may_be:
            may_be[column] = _may_be(rule.query, column, checker)
        if not may_be[column]:
            absent.append(AbsentColumn(what, column, nearest(column, columns), path, of_entity))
    return absent


def column_problems(read: ReadRule, checked: Checked, checker: Checker) -> list[RuleProblem]:
    """The same as warnings with their places in the file."""
    rule, source = read.rule, read.source
    return [
        RuleProblem(
            source.file, source.line_of(one.path), one.message, one.hint, rule.name, ProblemSeverity.WARNING,
            code="RC403" if one.of_entity else "RC501",
        )
        for one in absent_columns(rule, checked, checker)
    ]  # fmt: skip


def _may_be(query: str, column: str, checker: Checker) -> bool:
    """Whether the result may have the column all the same: of some results only the data tells the columns."""
    name = column.replace("\\", "\\\\").replace("'", "\\'")
    text = continued(query, f"project ['{name}']")
    return not any(diagnostic.severity == "Error" for diagnostic in checker.check(text).diagnostics)


def _needed(rule: AnalyticsRule) -> Iterator[tuple[str, str, Path, bool]]:
    """Columns that the rule reads from its result: for what, the column, where it says so, and whether for an entity."""
    for number, mapping in enumerate(rule.entity_mappings):
        for place, field in enumerate(mapping.fields):
            path: Path = ("entityMappings", number, "fieldMappings", place, "columnName")
            yield f"{mapping.entity_type}.{field.identifier}", field.column, path, True
    for number, column in enumerate(rule.sentinel_entities_columns):
        yield "The list of entities", column, ("sentinelEntitiesMappings", number, "columnName"), True
    for key, column in rule.custom_details.items():
        yield f"The custom detail '{key}'", column, ("customDetails", key), False
    override = rule.alert_details_override
    for what, field_name, text in (
        ("title", "alertDisplayNameFormat", override.display_name_format),
        ("description", "alertDescriptionFormat", override.description_format),
    ):
        for column in PLACEHOLDER.findall(text or ""):
            yield f"The alert's {what}", column, ("alertDetailsOverride", field_name), False
    for what, field_name, named in (
        ("severity", "alertSeverityColumnName", override.severity_column),
        ("tactics", "alertTacticsColumnName", override.tactics_column),
    ):
        if named:
            yield f"The alert's {what}", named, ("alertDetailsOverride", field_name), False
    for number, dynamic in enumerate(override.dynamic_properties):
        path = ("alertDetailsOverride", "alertDynamicProperties", number, "value")
        yield f"The alert's {dynamic.alert_property}", dynamic.column, path, False
