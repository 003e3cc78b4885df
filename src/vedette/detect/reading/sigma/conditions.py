"""The condition of a Sigma rule as a KQL expression over the columns of one table.

Sigma's texts are equal without regard to case unless `cased` says otherwise, and a field that is not there is equal to nothing but
null. KQL's `=~`, `contains`, `startswith` and `endswith` mean the same; what has wildcards inside is a regular expression.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionItem,
    ConditionNOT,
    ConditionOR,
    ConditionValueExpression,
)
from sigma.types import (
    CompareOperators,
    Placeholder,
    SigmaBool,
    SigmaCasedString,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExists,
    SigmaExpansion,
    SigmaFieldReference,
    SigmaNull,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaString,
    SigmaTimestampPart,
    SpecialChars,
    TimestampPart,
)

from vedette.detect.reading.sigma.columns import NUMERIC, Column, LegColumns
from vedette.detect.reading.sigma.unmapped import Missing, Unmapped
from vedette.kql.text_literal import text_literal

_COMPARISONS: Final = {
    CompareOperators.LT: "<",
    CompareOperators.LTE: "<=",
    CompareOperators.GT: ">",
    CompareOperators.GTE: ">=",
    CompareOperators.NEQ: "!=",
}
_PARTS: Final = {
    TimestampPart.MINUTE: "datetime_part('minute', {})",
    TimestampPart.HOUR: "hourofday({})",
    TimestampPart.DAY: "dayofmonth({})",
    TimestampPart.WEEK: "week_of_year({})",
    TimestampPart.MONTH: "monthofyear({})",
    TimestampPart.YEAR: "getyear({})",
}

_PUNCTUATION: Final = re.compile(r"([!-/:-@\[-^`{-~])")


def condition(node: Any, columns: LegColumns) -> str:
    """A condition's tree, as pySigma parsed it, as KQL. `Unmapped` names what the table lacks or what has no meaning here."""
    return _Writer(columns).node(node, negated=False)


class _Writer:
    def __init__(self, columns: LegColumns) -> None:
        self._columns = columns

    def node(self, node: Any, *, negated: bool) -> str:
        """`negated`: within a `not`, where a comparison with nothing must be false and not null."""
        if isinstance(node, ConditionNOT):
            return f"not({self.node(node.args[0], negated=True)})"
        if isinstance(node, ConditionOR):
            return self._any(node.args, negated)
        if isinstance(node, ConditionAND):
            return _joined(" and ", [self.node(one, negated=negated) for one in node.args])
        if isinstance(node, ConditionFieldEqualsValueExpression):
            return self._field(node.field, node.value, negated)
        if isinstance(node, ConditionValueExpression):
            return self._keyword(node.value)
        raise Unmapped("the rule has no condition that selects anything")

    def _any(self, nodes: Sequence[ConditionItem | Any], negated: bool) -> str:
        """Alternatives; whole texts of one field are a list."""
        lists: dict[str, list[str]] = {}
        parts: list[str] = []
        for node in nodes:
            text = self._listed(node)
            if text is None:
                parts.append(self.node(node, negated=negated))
            elif text[0] in lists:
                lists[text[0]].append(text[1])
            else:
                lists[text[0]] = [text[1]]
                parts.append(text[0])
        written = []
        for part in parts:
            texts = lists.get(part)
            if texts is None:
                written.append(part)
            elif len(texts) == 1:
                written.append(f"{part} =~ {texts[0]}")
            else:
                written.append(f"{part} in~ ({', '.join(texts)})")
        return _joined(" or ", written)

    def _listed(self, node: Any) -> tuple[str, str] | None:
        if not isinstance(node, ConditionFieldEqualsValueExpression):
            return None
        value = node.value
        if isinstance(value, SigmaCasedString) or not isinstance(value, SigmaString):
            return None
        column = self._columns.of(node.field)
        if column.type != "string" or any(not isinstance(part, str) for part in value.s) or not str(value):
            return None
        return column.name, text_literal(_plain(value.s))

    def _field(self, field: str, value: Any, negated: bool) -> str:
        column = self._columns.of(field)
        if isinstance(value, SigmaString):
            return self._text(column, value, negated)
        if isinstance(value, SigmaTimestampPart):
            return _part(column, "==", value, negated)
        if isinstance(value, SigmaNumber):
            return _number(column, "==", value, negated)
        if isinstance(value, SigmaBool):
            text = "true" if value.boolean else "false"
            return (
                _sure(f"{column.name} == {text}", column, negated)
                if column.type == "bool"
                else f"{_text_of(column)} =~ '{text}'"
            )
        if isinstance(value, SigmaNull):
            return f"isempty({column.name})" if column.type == "string" else f"isempty({_text_of(column)})"
        if isinstance(value, SigmaExists):
            return f"{'isnotempty' if value.exists else 'isempty'}({_text_of(column)})"
        if isinstance(value, SigmaRegularExpression):
            return f"{_text_of(column)} matches regex {text_literal(_flags(value) + str(value.regexp))}"
        if isinstance(value, SigmaCIDRExpression):
            function = "ipv6_is_in_range" if ":" in value.cidr else "ipv4_is_in_range"
            test = f"{function}({_text_of(column)}, {text_literal(str(value.network))})"
            return f"coalesce({test}, false)" if negated else test
        if isinstance(value, SigmaCompareExpression):
            compared = _part if isinstance(value.number, SigmaTimestampPart) else _number
            return compared(column, _COMPARISONS[value.op], value.number, negated)
        if isinstance(value, SigmaFieldReference):
            return self._other(column, value)
        if isinstance(value, SigmaExpansion):
            return self._any([ConditionFieldEqualsValueExpression(field, one) for one in value.values], negated)
        kind = type(value).__name__.removeprefix("Sigma")
        raise Unmapped(
            f"the field '{field}' is compared with a value of the kind {kind}, which has no meaning here",
            Missing("modifier", kind),
        )

    def _other(self, column: Column, value: SigmaFieldReference) -> str:
        other = _text_of(self._columns.of(value.field))
        operator = (
            "contains"
            if value.starts_with and value.ends_with
            else "startswith"
            if value.starts_with
            else "endswith"
            if value.ends_with
            else "=~"
        )
        return f"{_text_of(column)} {operator} {other}"

    def _text(self, column: Column, value: SigmaString, negated: bool) -> str:
        parts = list(value.s)
        placeholders = [part.name for part in parts if isinstance(part, Placeholder)]
        cased = isinstance(value, SigmaCasedString)
        if placeholders:
            if len(parts) > 1:
                message = (
                    f"the placeholder %{placeholders[0]}% stands inside a text; only a whole value can be a watchlist"
                )
                raise Unmapped(message, Missing("placeholder", placeholders[0]))
            return f"{_text_of(column)} in~ ((_GetWatchlist({text_literal(placeholders[0])}) | project tostring(SearchKey)))"
        if all(isinstance(part, str) for part in parts):
            text = _plain(parts)
            if column.type in NUMERIC and _is_number(text):
                return _number(column, "==", SigmaNumber(text), negated)
            if not text:
                return f"isempty({_text_of(column)})"
            return f"{_text_of(column)} {'==' if cased else '=~'} {text_literal(text)}"
        return _wild(_text_of(column), parts, cased)

    def _keyword(self, value: Any) -> str:
        """A value of no field: somewhere in the event."""
        if isinstance(value, SigmaNumber):
            return f"* contains '{value}'"
        if isinstance(value, SigmaRegularExpression):
            return f"* matches regex {text_literal(_flags(value) + str(value.regexp))}"
        if not isinstance(value, SigmaString):
            raise Unmapped(f"a value of the kind {type(value).__name__.removeprefix('Sigma')} is given without a field")
        parts = _without_ends(list(value.s))
        cased = isinstance(value, SigmaCasedString)
        if any(isinstance(part, Placeholder) for part in parts):
            raise Unmapped("a placeholder is given without a field")
        if all(isinstance(part, str) for part in parts):
            return f"* {'contains_cs' if cased else 'contains'} {text_literal(_plain(parts))}"
        return f"* matches regex {text_literal(_pattern(parts, cased))}"


def _joined(word: str, parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"({word.join(parts)})"


def _plain(parts: Sequence[Any]) -> str:
    return "".join(part for part in parts if isinstance(part, str))


def _text_of(column: Column) -> str:
    return column.name if column.type == "string" else f"tostring({column.name})"


def _moment(column: Column) -> str:
    return column.name if column.type == "datetime" else f"todatetime({column.name})"


def _is_number(text: str) -> bool:
    return re.fullmatch(r"-?\d+(\.\d+)?", text) is not None


def _number(column: Column, operator: str, value: SigmaNumber, negated: bool) -> str:
    if column.type in NUMERIC:
        return _sure(f"{column.name} {operator} {value}", column, negated)
    if operator == "==":
        return f"{_text_of(column)} == '{value}'"
    if operator == "!=":
        return f"{_text_of(column)} != '{value}'"
    test = f"todouble({_text_of(column)}) {operator} {value}"
    return f"coalesce({test}, false)" if negated else test


def _part(column: Column, operator: str, value: SigmaTimestampPart, negated: bool) -> str:
    """A part of a moment (its hour, its day) held against a number."""
    test = f"{_PARTS[value.timestamp_part].format(_moment(column))} {operator} {value}"
    return f"coalesce({test}, false)" if negated else test


def _sure(test: str, column: Column, negated: bool) -> str:
    return f"(isnotnull({column.name}) and {test})" if negated else test


def _flags(value: SigmaRegularExpression) -> str:
    flags = "".join(sorted(value.sigma_to_re_flag[flag] for flag in value.flags))
    return f"(?{flags})" if flags else ""


def _without_ends(parts: list[Any]) -> list[Any]:
    while parts and parts[0] is SpecialChars.WILDCARD_MULTI:
        parts = parts[1:]
    while parts and parts[-1] is SpecialChars.WILDCARD_MULTI:
        parts = parts[:-1]
    return parts


def _wild(text: str, parts: list[Any], cased: bool) -> str:
    inner = _without_ends(parts)
    if not inner:
        return f"isnotempty({text})"
    opens, closes = parts[0] is SpecialChars.WILDCARD_MULTI, parts[-1] is SpecialChars.WILDCARD_MULTI
    if all(isinstance(part, str) for part in inner):
        operator = "contains" if opens and closes else "endswith" if opens else "startswith"
        return f"{text} {operator}{'_cs' if cased else ''} {text_literal(_plain(inner))}"
    pattern = _pattern(inner, cased)
    return f"{text} matches regex {text_literal(_anchored(pattern, opens, closes))}"


def _pattern(parts: list[Any], cased: bool) -> str:
    wild = {SpecialChars.WILDCARD_MULTI: ".*", SpecialChars.WILDCARD_SINGLE: "."}
    body = "".join(_PUNCTUATION.sub(r"\\\1", part) if isinstance(part, str) else wild[part] for part in parts)
    return ("(?s)" if cased else "(?is)") + body


def _anchored(pattern: str, opens: bool, closes: bool) -> str:
    flags, body = pattern.split(")", 1)
    return f"{flags}){'' if opens else '^'}{body}{'' if closes else '$'}"
