"""Sigma's correlation rules as KQL: what happens together within a span of time, for the same values of the group's fields.

A span slides: it is looked at as it ends with each event, so that no border of a window comes between two events. A run reads the
span before its own window, and tells only what ends inside of it: each finding belongs to one window. Conditions that more events
can break (fewer than, exactly) are counted over spans that follow one another.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Any, Final

from sigma.correlations import (
    CorrelationConditionAND,
    CorrelationConditionOR,
    SigmaCorrelationCondition,
    SigmaCorrelationConditionOperator,
    SigmaCorrelationRule,
    SigmaCorrelationType,
    SigmaExtendedCorrelationCondition,
    SigmaRuleReference,
)

from vedette.detect.reading.sigma.columns import shown_name
from vedette.detect.reading.sigma.queries import Written, mappings, written
from vedette.detect.reading.sigma.unmapped import Missing, Unmapped

_OPERATORS: Final = {
    SigmaCorrelationConditionOperator.LT: "<",
    SigmaCorrelationConditionOperator.LTE: "<=",
    SigmaCorrelationConditionOperator.GT: ">",
    SigmaCorrelationConditionOperator.GTE: ">=",
    SigmaCorrelationConditionOperator.EQ: "==",
    SigmaCorrelationConditionOperator.NEQ: "!=",
}
_AT_LEAST: Final = (SigmaCorrelationConditionOperator.GT, SigmaCorrelationConditionOperator.GTE)
_FUNCTIONS: Final = {
    SigmaCorrelationType.VALUE_COUNT: "count_distinct(CorrelationValue)",
    SigmaCorrelationType.VALUE_SUM: "sum(todouble(CorrelationValue))",
    SigmaCorrelationType.VALUE_AVG: "avg(todouble(CorrelationValue))",
    SigmaCorrelationType.VALUE_MEDIAN: "percentile(todouble(CorrelationValue), 50)",
}
_LONGEST: Final = timedelta(days=14)
_MOST_OFTEN: Final = timedelta(minutes=5)
_LEAST_OFTEN: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Correlated:
    """A correlation rule's query, how often it runs, and how far back each run reads."""

    query: Written
    frequency: timedelta
    period: timedelta


def correlated(rule: SigmaCorrelationRule) -> Correlated:
    """The query of a correlation rule whose references are resolved. `Unmapped` says what keeps it from being one."""
    span = timedelta(seconds=rule.timespan.seconds)
    sliding = _slides(rule)
    if sliding:
        frequency = min(max(_MOST_OFTEN, span / 12), _LEAST_OFTEN)
        frequency -= frequency % timedelta(minutes=1)
        period = span + frequency
    else:
        frequency = period = span
        if span < timedelta(minutes=1):
            raise Unmapped(
                f"the time span {rule.timespan.spec} is shorter than a minute, and the condition needs spans that do not overlap"
            )
    if period > _LONGEST:
        raise Unmapped(f"the time span {rule.timespan.spec} is longer than the 14 days that a rule may look back")
    return Correlated(_Writer(rule, span, frequency, sliding).query(), frequency, period)


def base_rules(rule: SigmaCorrelationRule) -> Iterator[Any]:
    """The rules whose events it correlates, each once, in the order of the rule."""
    seen: set[int] = set()
    for reference in _references(rule):
        if id(reference.rule) not in seen:
            seen.add(id(reference.rule))
            yield reference.rule


def _references(rule: SigmaCorrelationRule) -> list[SigmaRuleReference]:
    return list(rule.rules or rule.referenced_rules)


def _slides(rule: SigmaCorrelationRule) -> bool:
    condition = rule.condition
    if isinstance(condition, SigmaExtendedCorrelationCondition) or rule.type in (
        SigmaCorrelationType.TEMPORAL, SigmaCorrelationType.TEMPORAL_ORDERED,
    ):  # fmt: skip
        return True
    return condition.op in _AT_LEAST


class _Writer:
    def __init__(self, rule: SigmaCorrelationRule, span: timedelta, frequency: timedelta, sliding: bool) -> None:
        self._rule = rule
        self._span = f"{int(span.total_seconds())}s"
        self._every = f"{int(frequency.total_seconds())}s"
        self._sliding = sliding
        self._groups = list(rule.group_by or ())
        self._names = [shown_name(group) for group in self._groups]

    def query(self) -> Written:
        rule = self._rule
        bases = list(base_rules(rule))
        if not bases:
            raise Unmapped("the correlation names no rules")
        for base in bases:
            if isinstance(base, SigmaCorrelationRule):
                name = base.name or base.title
                raise Unmapped(f"it correlates '{name}', which is a correlation itself", Missing("rule", name))
        values = self._values()
        parts = [self._events(number, base, values) for number, base in enumerate(bases)]
        functions = next((part.functions for part in parts if part.functions), "")
        union = ",\n".join(f"    ({part.body})" for part in parts)
        events = f"let events = materialize(union\n{union});"
        notes = tuple(dict.fromkeys(note for part in parts for note in part.notes))
        shown = {group.casefold(): name for group, name in zip(self._groups, self._names)}
        body = f"{events}\n{self._found(len(bases))}"
        return Written(functions, body, shown, mappings((), shown), notes)

    def _values(self) -> list[str]:
        condition = self._rule.condition
        if not isinstance(condition, SigmaCorrelationCondition) or condition.fieldref is None:
            return []
        return [condition.fieldref] if isinstance(condition.fieldref, str) else list(condition.fieldref)

    def _events(self, number: int, base: Any, values: list[str]) -> Written:
        fields = {group: self._alias(group, base) for group in self._groups}
        query = written(base, [*fields.values(), *values])
        columns = [
            f"{name} = tostring({query.shown[fields[group].casefold()]})"
            for group, name in zip(self._groups, self._names)
        ]
        keys = ", '\\u0001', ".join(f"tostring({query.shown[fields[group].casefold()]})" for group in self._groups)
        texts = [f"tostring({query.shown[value.casefold()]})" for value in values]
        value = "''" if not texts else texts[0] if len(texts) == 1 else f"strcat({', '.join(texts)})"
        made = [
            "TimeGenerated", f"SigmaRule = {number}", f"CorrelationKey = {f'strcat({keys})' if keys else repr('')}",
            f"CorrelationValue = {value}", *columns,
        ]  # fmt: skip
        indented = query.body.replace("\n", "\n    ")
        return Written(query.functions, f"{indented}\n    | project {', '.join(made)}", query.shown, (), query.notes)

    def _alias(self, group: str, base: Any) -> str:
        alias = self._rule.aliases.aliases.get(group)
        if alias is None:
            return group
        return next((field for reference, field in alias.mapping.items() if reference.rule is base), group)

    def _found(self, count: int) -> str:
        rule = self._rule
        if rule.type is SigmaCorrelationType.TEMPORAL_ORDERED:
            return self._ordered()
        if rule.type is SigmaCorrelationType.TEMPORAL:
            return self._together(count)
        condition = rule.condition
        assert isinstance(condition, SigmaCorrelationCondition)
        test = f"Count {_OPERATORS[condition.op]} {condition.count}"
        if rule.type is SigmaCorrelationType.EVENT_COUNT:
            return self._count(condition, test)
        function = _FUNCTIONS.get(rule.type)
        if rule.type is SigmaCorrelationType.VALUE_PERCENTILE:
            if condition.percentile is None:
                raise Unmapped("a correlation of the type value_percentile needs its percentile")
            function = f"percentile(todouble(CorrelationValue), {condition.percentile})"
        if function is None:
            raise Unmapped(
                f"the correlation type {rule.type.name.lower()} is not known here",
                Missing("correlation type", rule.type.name.lower()),
            )
        return self._aggregated(function, test)

    def _by(self, *more: str) -> str:
        return ", ".join(("CorrelationKey", *self._names, *more))

    def _told(self, text: str) -> str:
        """One finding for each group: the last, and what it began with."""
        names = "".join(f", {name}" for name in self._names)
        return (
            f"{text}\n| summarize Start = min(Start), End = max(End), Count = max(Count) by CorrelationKey{names}\n"
            f"| project TimeGenerated = End, StartTime = Start, EndTime = End, Count{names}"
        )

    def _count(self, condition: SigmaCorrelationCondition, test: str) -> str:
        if not self._sliding:
            return self._tumbling("count()", test)
        least = condition.count + (condition.op is SigmaCorrelationConditionOperator.GT)
        if least <= 1:
            return self._told(
                "events\n| extend Start = TimeGenerated, End = TimeGenerated, Count = 1\n"
                + f"| where End > ago({self._every})"
            )
        back = least - 1
        return self._told(
            "events\n| sort by CorrelationKey asc, TimeGenerated asc\n"
            f"| extend Start = prev(TimeGenerated, {back}), Before = prev(CorrelationKey, {back}), End = TimeGenerated, Count = {least}\n"
            f"| where Before == CorrelationKey and isnotnull(Start) and End - Start <= {self._span} and End > ago({self._every})"
        )

    def _aggregated(self, function: str, test: str) -> str:
        if not self._sliding:
            return self._tumbling(function, test)
        return self._told(
            f"{self._spans()}\n| summarize Count = {function}, Start = min(TimeGenerated) by {self._by('End')}\n| where {test}"
        )

    def _tumbling(self, function: str, test: str) -> str:
        names = "".join(f", {name}" for name in self._names)
        by = f" by CorrelationKey{names}" if self._names else ""
        return (
            f"events\n| where TimeGenerated > ago({self._span})\n"
            f"| summarize Count = {function}, StartTime = min(TimeGenerated), EndTime = max(TimeGenerated){by}\n| where {test}\n"
            f"| project TimeGenerated = coalesce(EndTime, now()), StartTime, EndTime, Count{names}"
        )

    def _spans(self) -> str:
        """Each end of a span that falls into the window, with every event of the span."""
        names = "".join(f", {name}" for name in self._names)
        return (
            f"events\n| where TimeGenerated > ago({self._every})\n| distinct CorrelationKey{names}, End = TimeGenerated\n"
            "| join kind=inner (events | project CorrelationKey, TimeGenerated, SigmaRule, CorrelationValue) on CorrelationKey\n"
            f"| where TimeGenerated <= End and End - TimeGenerated <= {self._span}"
        )

    def _together(self, count: int) -> str:
        condition = self._rule.condition
        if isinstance(condition, SigmaExtendedCorrelationCondition):
            test = self._expression(condition.parsed)
        elif condition.op not in (*_AT_LEAST, SigmaCorrelationConditionOperator.EQ):
            raise Unmapped(
                f"a correlation of the type temporal that asks for '{condition.op.name.lower()}' rules is met by one event alone"
            )
        else:
            everyone = condition.count == len(self._rule.rules or ())
            test = f"Count {_OPERATORS[condition.op]} {count if everyone else condition.count}"
        return self._told(
            f"{self._spans()}\n| summarize Count = count_distinct(SigmaRule), Rules = make_set(SigmaRule), Start = min(TimeGenerated)"
            f" by {self._by('End')}\n| where {test}"
        )

    def _expression(self, node: Any) -> str:
        """A condition over rules: which of them the span has events of."""
        if isinstance(node, SigmaRuleReference):
            bases = list(base_rules(self._rule))
            rule = next((one.rule for one in _references(self._rule) if one.reference == node.reference), None)
            number = next((at for at, base in enumerate(bases) if base is rule), None)
            if number is None:
                raise Unmapped(f"there is no rule '{node.reference}'", Missing("rule", node.reference))
            return f"set_has_element(Rules, {number})"
        if isinstance(node, CorrelationConditionAND | CorrelationConditionOR):
            word = " and " if isinstance(node, CorrelationConditionAND) else " or "
            return "(" + word.join(self._expression(one) for one in node.args) + ")"
        raise Unmapped(
            "a correlation that asks that a rule finds nothing ('not') cannot be told from an event that is still to come"
        )

    def _ordered(self) -> str:
        """Chains: for each event of a rule, the latest start of a chain that leads to it."""
        condition, references = self._rule.condition, _references(self._rule)
        if isinstance(condition, SigmaExtendedCorrelationCondition) or condition.count != len(references):
            raise Unmapped(
                "a correlation of the type temporal_ordered is known here for all of its rules in their order, without a condition"
            )
        bases = list(base_rules(self._rule))
        order = [next(at for at, base in enumerate(bases) if base is reference.rule) for reference in references]
        names = "".join(f", {name}" for name in self._names)
        lines = [
            f"let step0 = events | where SigmaRule == {order[0]}"
            f" | project CorrelationKey, Start = TimeGenerated, At = TimeGenerated{names};"
        ]
        for number, (before, base) in enumerate(pairwise(order), 1):
            after = ">" if before == base else ">="
            lines.append(
                f"let step{number} = step{number - 1}\n"
                f"    | join kind=inner (events | where SigmaRule == {base}"
                " | project CorrelationKey, Next = TimeGenerated) on CorrelationKey\n"
                f"    | where Next {after} At and Next - Start <= {self._span}\n"
                f"    | summarize Start = max(Start) by CorrelationKey{names}, At = Next;"
            )
        found = self._told(
            f"step{len(order) - 1}\n| extend End = At, Count = {len(order)}\n| where End > ago({self._every})"
        )
        return "\n".join([*lines, found])
