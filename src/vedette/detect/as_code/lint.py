"""What is wrong with a rule before it runs: findings with a code, a place and what to do.

The codes are stable: a build may name those that it accepts. What can only be told with data is not asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from vedette.core.errors import InvalidInput, nearest
from vedette.detect.as_code.limits import beyond_limits
from vedette.detect.as_code.rule_tests import RuleTestResult, test_cases
from vedette.detect.attack import TACTICS, tactic_named
from vedette.detect.attack_matrix import VERSION, tactics_of
from vedette.detect.entities.types import LEGACY_COLUMNS
from vedette.detect.fitting import Checked, Checker, column_problems
from vedette.detect.reading.files import ReadRule
from vedette.detect.reading.problems import ProblemSeverity, RuleProblem
from vedette.detect.rule import AnalyticsRule, RuleKind
from vedette.kql.diagnostics import NO_WATCHLIST, position, sentence

CODES: Final = {
    "RC001": "The file or the rule cannot be read.",
    "RC002": "The rule was read, but something in it was not understood.",
    "RC101": "The query does not bind.",
    "RC102": "The query binds, with a warning.",
    "RC201": "The period is shorter than the frequency: events between two windows are never searched.",
    "RC202": "The frequency or the period is outside Microsoft Sentinel's limits.",
    "RC203": "Something of the rule is more or longer than Microsoft Sentinel takes.",
    "RC301": "A tactic that Microsoft Sentinel does not have.",
    "RC302": "A technique that serves none of the rule's tactics.",
    "RC303": "A technique that MITRE ATT&CK does not list.",
    "RC304": "The rule names no tactic.",
    "RC401": "An entity type or identifier that Microsoft Sentinel does not have.",
    "RC402": "No entity is mapped, so that alerts of the rule cannot be grouped by entities.",
    "RC403": "An entity is mapped from a column that the result does not have.",
    "RC404": "An entity is mapped without an identifier that Microsoft Sentinel wants of its type.",
    "RC405": "Alerts are grouped by an entity that the rule does not map.",
    "RC501": "A custom detail or an alert detail is read from a column that the result does not have.",
    "RC601": "Two rules have one id.",
    "RC701": "A test beside the rule is not one.",
}
"""What each code means."""

_WARNINGS: Final = {"RC002", "RC102", "RC202", "RC203", "RC303", "RC304", "RC402", "RC404", "RC405"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. `line` is 1-based in the file; `query_line` and `query_column` are places in the query's text."""

    code: str
    message: str
    file: str
    line: int | None = None
    rule: str | None = None
    hint: str | None = None
    query_line: int | None = None
    query_column: int | None = None

    @property
    def severity(self) -> ProblemSeverity:
        """Errors make `vedette rules lint` fail."""
        return ProblemSeverity.WARNING if self.code in _WARNINGS else ProblemSeverity.ERROR

    def to_dict(self) -> dict[str, Any]:
        """The finding as JSON, without what is not known."""
        known = {
            "code": self.code, "severity": self.severity.value, "file": self.file, "line": self.line, "rule": self.rule,
            "message": self.message, "hint": self.hint, "query_line": self.query_line, "query_column": self.query_column,
        }  # fmt: skip
        return {name: value for name, value in known.items() if value is not None}


def lint(
    rules: Sequence[ReadRule], problems: Iterable[RuleProblem], checker: Checker, *, workspace: bool = False
) -> list[Finding]:
    """Every finding of some rules and of what was found when they were read, by file and line.

    With `workspace`, the checker knows the watchlists that there are, so that one which is not there is a mistake.
    """
    found = [_of_problem(problem) for problem in problems]
    ids: dict[str, ReadRule] = {}
    for read in rules:
        checked = checker.check(read.rule.query) if read.rule.has_query else None
        for code, message, hint, place in _rule_findings(read.rule, checked, workspace):
            line, column = place or (None, None)
            found.append(Finding(code, message, read.source.file, read.source.line, read.rule.name, hint, line, column))
        for code, said, path in beyond_limits(read.rule) if read.rule.has_query else ():
            found.append(Finding(code, said, read.source.file, read.source.line_of(path), read.rule.name))
        if checked is not None:
            found += [_of_problem(problem) for problem in column_problems(read, checked, checker)]
        first = ids.setdefault(read.rule.id.lower(), read)
        if first is not read:
            where = f"{first.source.file}:{first.source.line}" if first.source.line else first.source.file
            message = f"The id {read.rule.id} is that of '{first.rule.name}' in {where}."
            found.append(
                Finding(
                    "RC601", message, read.source.file, read.source.line, read.rule.name, "Give it an id of its own."
                )
            )
    return sorted(found, key=lambda one: (one.file, one.line or 0, one.code))


def as_results(rules: Sequence[ReadRule], findings: Sequence[Finding]) -> list[RuleTestResult]:
    """Findings as results of tests, for JUnit: each error is one that failed, and a rule without any is one that passed."""
    errors = [one for one in findings if one.severity is ProblemSeverity.ERROR]
    wrong = {(one.file, one.rule) for one in errors}
    results = [
        RuleTestResult(one.rule.name, one.source.file, "lint", 0.0)
        for one in rules
        if (one.source.file, one.rule.name) not in wrong
    ]
    for one in errors:
        where = "" if one.line is None else f"line {one.line}: "
        said = f"{where}{one.message} {one.hint or ''}".strip()
        results.append(RuleTestResult(one.rule or one.file, one.file, one.code, 0.0, failure=said))
    return results


def _of_problem(problem: RuleProblem) -> Finding:
    code = problem.code or ("RC001" if problem.severity is ProblemSeverity.ERROR else "RC002")
    return Finding(code, problem.message, problem.file, problem.line, problem.rule, problem.hint)


_Raw = tuple[str, str, str | None, tuple[int, int] | None]


def _rule_findings(rule: AnalyticsRule, checked: Checked | None, workspace: bool) -> Iterator[_Raw]:
    yield from _attack(rule)
    if checked is not None:
        yield from _query(rule, checked, workspace)
    try:
        test_cases(rule)
    except InvalidInput as error:
        yield "RC701", str(error), error.hint, None


def _attack(rule: AnalyticsRule) -> Iterator[_Raw]:
    if not rule.has_query:
        return
    if not rule.tactics:
        yield "RC304", "The rule names no tactic.", None, None
    for tactic in rule.tactics:
        if tactic_named(tactic) is None:
            yield "RC301", f"'{tactic}' is not a tactic.", _near(tactic, TACTICS), None
    named = set(rule.tactics)
    for technique in dict.fromkeys([*rule.techniques, *rule.sub_techniques]):
        serves = tactics_of(technique)
        if serves is None:
            if not technique.startswith("T0"):  # ATT&CK for ICS
                yield "RC303", f"MITRE ATT&CK (version {VERSION}) does not list {technique}.", None, None
        elif not named & set(serves):
            message = (
                f"{technique} serves {', '.join(serves)}; the rule names {', '.join(rule.tactics) or 'no tactic'}."
            )
            yield "RC302", message, "Name one of its tactics, or another technique.", None


def _query(rule: AnalyticsRule, checked: Checked, workspace: bool) -> Iterator[_Raw]:
    for diagnostic in checked.diagnostics:
        error = diagnostic.severity == "Error" or (workspace and diagnostic.code == NO_WATCHLIST)
        message = f"{diagnostic.code}: {sentence(diagnostic.message)}"
        yield "RC101" if error else "RC102", message, None, position(rule.query, diagnostic.start)
    columns = [str(column.name) for column in checked.columns or ()]
    if not rule.entity_mappings and not rule.sentinel_entities_columns:
        if not any(column in columns for column, _, _ in LEGACY_COLUMNS) and rule.kind is not RuleKind.HUNTING:
            yield "RC402", "No entity is mapped.", None, None


def _near(name: str, known: Iterable[str]) -> str | None:
    near = nearest(name, list(known))
    return f"Did you mean '{near}'?" if near else None
