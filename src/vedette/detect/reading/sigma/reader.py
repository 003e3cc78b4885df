"""Sigma rules as analytics rules.

A rule that cannot be a query here (its log source or a field is in no table) is read all the same: with the reason in its `sigma`
field and without a query, so that it is known, listed as broken, and tried again by a later version.

Source: the Sigma specification 2.1 (sigmahq.io/sigma-specification); pySigma parses rules, conditions and modifiers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

from vedette.core.errors import VedetteError
from vedette.core.ids import derived_id
from vedette.detect.attack import tactic_named, technique_named
from vedette.detect.reading.document import Document
from vedette.detect.reading.problems import ProblemSeverity, RuleProblem
from vedette.detect.reading.sigma.aggregations import aggregation
from vedette.detect.reading.sigma.unmapped import Missing, Unmapped
from vedette.detect.rule import AnalyticsRule, EventGrouping, JsonValue, Severity, canonical_json

EVERY: Final = timedelta(minutes=5)
"""How often a rule that looks at single events runs."""

_LEVELS: Final = {
    "informational": Severity.INFORMATIONAL,
    "low": Severity.LOW,
    "medium": Severity.MEDIUM,
    "high": Severity.HIGH,
    "critical": Severity.HIGH,
}
_ACTIONS: Final = ("global", "reset", "repeat")
_TOLD: Final = ("status", "author", "date", "modified", "license", "references", "falsepositives", "level", "related")


def is_sigma(value: JsonValue) -> bool:
    """Whether a document is Sigma: a rule, a correlation, a filter, or what is said of all rules of a file."""
    if not isinstance(value, Mapping):
        return False
    if isinstance(value.get("detection"), Mapping | list) or isinstance(value.get("correlation"), Mapping):
        return True
    if "logsource" in value and ("detection" in value or isinstance(value.get("filter"), Mapping)):
        return True
    return value.get("action") in _ACTIONS


@dataclass(slots=True)
class _Rule:
    """A document and what pySigma makes of it."""

    document: Document
    source: dict[str, Any]
    parsed: Any = None
    events: Any = None
    """Of a rule that counts by its condition: what pySigma makes of that which it counts; `parsed` is the correlation."""
    reason: Unmapped | None = None
    used_by: list[str] = field(default_factory=list)
    """Correlations that raise the alerts in this rule's place."""
    needs: list[dict[str, Any]] = field(default_factory=list)
    """The sources of the rules that it correlates."""


def read_sigma(documents: Sequence[Document], problems: list[RuleProblem]) -> Iterator[tuple[AnalyticsRule, Document]]:
    """The rules of Sigma documents, which may refer to each other: those of one import, in their order."""
    from sigma.collection import SigmaCollection
    from sigma.exceptions import SigmaError

    rules, filters = _parsed(documents, problems)
    good = [rule for rule in rules if rule.parsed is not None]
    for document, one in filters:
        for rule in good:
            try:
                if rule.events is not None:
                    rule.events = one.apply_on_rule(rule.events)
                elif "detection" in rule.source:
                    rule.parsed = one.apply_on_rule(rule.parsed)
            except (SigmaError, ValueError, TypeError, AttributeError, KeyError) as error:
                problems.append(
                    RuleProblem(document.file, document.line(), f"the filter cannot be applied: {_said(error)}.")
                )
                break
    collection = SigmaCollection([rule.parsed for rule in good if rule.events is None], resolve_references=False)
    for rule in good:
        if rule.events is not None:
            _resolve(rule, SigmaCollection([rule.events, rule.parsed], resolve_references=False), ())
        elif "correlation" in rule.source:
            _resolve(rule, collection, good)
    for rule in rules:
        yield _made(rule, problems), rule.document


def again(source: JsonValue) -> AnalyticsRule | None:
    """The rule of a Sigma source that could not be a query when it came, if it can be one now; None if it still cannot."""
    documents = [Document(one, "state", lambda _: None) for one in (source if isinstance(source, list) else [source])]
    found = [rule for rule, document in read_sigma(documents, []) if document is documents[0]]
    return found[0] if found and found[0].query else None


def _parsed(
    documents: Iterable[Document], problems: list[RuleProblem]
) -> tuple[list[_Rule], list[tuple[Document, Any]]]:
    from sigma.filters import SigmaFilter

    rules: list[_Rule] = []
    filters: list[tuple[Document, Any]] = []
    common: dict[str, Any] = {}
    before: dict[str, Any] = {}
    file = None
    for document in documents:
        if document.file != file:
            file, common, before = document.file, {}, {}
        source = dict(document.value)
        action = source.pop("action", None)
        if action == "global":
            common = source
            continue
        if action == "reset":
            common = {}
            continue
        source = _merged(before if action == "repeat" else common, source)
        before = source
        if "filter" in source:
            parsed, error = _parse(SigmaFilter, source)
            if error is None:
                filters.append((document, parsed))
            else:
                problems.append(
                    RuleProblem(document.file, document.line(), f"the Sigma filter cannot be read: {error}.")
                )
            continue
        rule = _read(document, source, problems)
        if rule is not None:
            rules.append(rule)
    return rules, filters


def _read(document: Document, source: dict[str, Any], problems: list[RuleProblem]) -> _Rule | None:
    from sigma.correlations import SigmaCorrelationRule
    from sigma.rule import SigmaRule

    if not isinstance(source.get("title"), str) or not source["title"].strip():
        problems.append(RuleProblem(document.file, document.line(), "the Sigma rule has no 'title'.", "Give it one."))
        return None
    rule = _Rule(document, source)
    kind = SigmaCorrelationRule if "correlation" in source else SigmaRule
    try:
        counted = aggregation(source)
    except Unmapped as reason:
        rule.reason = reason
        return rule
    rule.parsed, error = _parse(kind, _readable(source if counted is None else counted[0]))
    if error is not None:
        rule.reason = Unmapped(f"it cannot be read: {error}")
        return rule
    try:
        for one in () if "correlation" in source else rule.parsed.detection.parsed_condition:
            one.parsed  # noqa: B018  what is wrong with a condition shows when it is read
    except Exception as failure:  # whatever a condition makes the parser stumble over is this rule's fault alone
        rule.parsed, rule.reason = None, Unmapped(f"its condition cannot be read: {_said(failure)}")
        return rule
    if counted is not None:
        rule.events = rule.parsed
        rule.parsed, error = _parse(SigmaCorrelationRule, counted[1])
        if error is not None:
            rule.reason = Unmapped(f"its aggregation cannot be read: {error}")
    return rule


def _parse(kind: Any, source: dict[str, Any]) -> tuple[Any, str | None]:
    try:
        return kind.from_dict(source), None
    except Exception as error:  # a document that the parser does not expect is that document's fault alone
        return None, _said(error)


def _readable(source: dict[str, Any]) -> dict[str, Any]:
    """The rule without what is only told of it and pySigma would refuse the rule for: a date that is none, a name as an id."""
    kept = {
        name: value for name, value in source.items() if name not in ("date", "modified", "related", "status", "level")
    }
    if not _is_uuid(kept.get("id")):
        kept.pop("id", None)
    if isinstance(kept.get("tags"), list):
        kept["tags"] = [tag for tag in kept["tags"] if isinstance(tag, str) and tag.count(".") >= 1]
    return kept


def _is_uuid(value: JsonValue) -> bool:
    from uuid import UUID

    try:
        UUID(str(value))
    except ValueError:
        return False
    return True


def _resolve(rule: _Rule, collection: Any, rules: Iterable[_Rule]) -> None:
    from sigma.exceptions import SigmaError

    try:
        rule.parsed.resolve_rule_references(collection)
        rule.parsed.aliases.resolve_rule_references(collection)
    except SigmaError as error:
        names = [str(one) for one in _listed(rule.source.get("correlation", {}).get("rules"))]
        there = [one.parsed for one in rules if one.parsed is not None]
        known = {str(one.id) for one in there} | {one.name for one in there if one.name}
        missing = [Missing("rule", name) for name in names if name not in known]
        reason = (
            f"it correlates rules that did not come with it: {', '.join(one.name for one in missing)}"
            if missing
            else _said(error)
        )
        rule.parsed, rule.reason = None, Unmapped(reason, *missing)
        return
    used = {id(reference.rule) for reference in rule.parsed.referenced_rules}
    for other in rules:
        if id(other.parsed) in used:
            rule.needs.append(other.source)
            if not rule.parsed.generate:
                other.used_by.append(str(rule.source["title"]))


def _made(rule: _Rule, problems: list[RuleProblem]) -> AnalyticsRule:
    made = _described(rule)
    if rule.used_by:
        made = replace(made, enabled=False)
        _note(
            rule,
            problems,
            made,
            f"it is a part of '{rule.used_by[0]}' and raises no alerts of its own ('generate' is not set): it is off",
        )
    if str(rule.source.get("status", "")).casefold() in ("deprecated", "unsupported"):
        _note(rule, problems, made, f"its status is '{rule.source['status']}'")
    try:
        if rule.reason is not None:
            raise rule.reason
        return _queried(rule, made, problems)
    except Unmapped as reason:
        sigma = {
            "unmapped": reason.message,
            "missing": [{"kind": one.kind, "name": one.name} for one in reason.missing],
            "source": [rule.source, *rule.needs] if rule.needs else rule.source,
        }
        return replace(made, query_frequency=EVERY, query_period=EVERY, extra={"sigma": sigma})


def _queried(rule: _Rule, made: AnalyticsRule, problems: list[RuleProblem]) -> AnalyticsRule:
    from vedette.detect.reading.sigma.correlations import correlated
    from vedette.detect.reading.sigma.queries import written

    if "correlation" in rule.source or rule.events is not None:
        found = correlated(rule.parsed)
        query, frequency, period = found.query, found.frequency, found.period
        made = replace(made, event_grouping=EventGrouping.ALERT_PER_RESULT)
    else:
        query, frequency, period = written(rule.parsed), EVERY, EVERY
    for note in query.notes:
        _note(rule, problems, made, note)
    return replace(
        made, query=query.query, query_frequency=frequency, query_period=period, entity_mappings=query.entities,
    )  # fmt: skip


def _note(rule: _Rule, problems: list[RuleProblem], made: AnalyticsRule, message: str) -> None:
    problems.append(
        RuleProblem(
            rule.document.file,
            rule.document.line(),
            f"'{made.name}': {message}.",
            rule=made.name,
            severity=ProblemSeverity.WARNING,
        )
    )


_OLDER_TACTICS: Final = dict.fromkeys(("stealth", "defense-impairment", "defense_impairment"), "DefenseEvasion")
"""Tactics into which ATT&CK 19 divided Defense Evasion, as Sigma's tags spell them: Microsoft Sentinel has that one alone."""


def _described(rule: _Rule) -> AnalyticsRule:
    """All of the rule but what it searches."""
    source = rule.source
    tags = [tag for tag in _listed(source.get("tags")) if isinstance(tag, str)]
    attack = [tag.split(".", 1)[1] for tag in tags if tag.casefold().startswith("attack.")]
    tactics = [
        tactic for one in attack if (tactic := tactic_named(_OLDER_TACTICS.get(one.casefold(), one))) is not None
    ]
    techniques = [technique for one in attack if (technique := technique_named(one)) is not None]
    title = str(source["title"]).strip()
    given = source.get("id")
    identity = str(given).strip() if given not in (None, "") else derived_id("sigma", title, canonical_json(source))
    told = {name: source[name] for name in _TOLD if source.get(name) not in (None, "", [])}
    return AnalyticsRule(
        id=identity,
        name=title,
        description=str(source.get("description") or "").strip(),
        severity=_LEVELS.get(str(source.get("level", "")).casefold(), Severity.MEDIUM),
        status=str(source["status"]) if source.get("status") else None,
        tactics=tuple(dict.fromkeys(tactics)),
        techniques=tuple(dict.fromkeys(one.split(".")[0] for one in techniques)),
        sub_techniques=tuple(dict.fromkeys(one for one in techniques if "." in one)),
        tags=tuple(tags),
        metadata={"sigma": told} if told else None,
    )


def _merged(common: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """What is said of all rules of a file, and what a rule says itself; mappings are merged all the way down."""
    merged = dict(common)
    for name, value in own.items():
        there = merged.get(name)
        merged[name] = _merged(there, value) if isinstance(there, Mapping) and isinstance(value, Mapping) else value
    return merged


def _listed(value: JsonValue) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _said(error: Exception) -> str:
    if isinstance(error, VedetteError):
        return str(error).rstrip(".")
    return str(error.args[0] if error.args else error).splitlines()[0].rstrip(".")[:500] or type(error).__name__
