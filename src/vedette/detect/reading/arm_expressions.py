"""Template expressions of Azure Resource Manager, as far as templates of analytics rules use them.

A string that starts with ``[`` and ends with ``]`` is an expression; ``[[`` at the start stands for a plain ``[``. What
a template cannot say without being deployed (the workspace's name, a resource group) is `UNKNOWN`, inside the text.
Source: learn.microsoft.com/azure/azure-resource-manager/templates/template-expressions and template-functions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from vedette.detect.reading.arm_functions import UNKNOWN, ExpressionError, call, fitting, holds_unknown, truth
from vedette.detect.rule import JsonValue

__all__ = ["UNKNOWN", "ExpressionError", "Scope"]

_TOKEN = re.compile(r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>-?\d+)|(?P<name>[A-Za-z_][\w]*)|(?P<mark>[()\[\],.]))")
_MAX_DEPTH = 50


class Scope:
    """Parameters and variables that expressions of one template see."""

    def __init__(self, template: Mapping[str, JsonValue], given: Mapping[str, JsonValue] | None = None) -> None:
        self._parameters: Mapping[str, JsonValue] = _folded(template.get("parameters"))
        self._variables: Mapping[str, JsonValue] = _folded(template.get("variables"))
        self._given: Mapping[str, JsonValue] = _folded(given)
        self._open: list[str] = []
        self._known: dict[str, JsonValue] = {}

    def evaluate(self, value: JsonValue) -> JsonValue:
        """A value with every expression in it evaluated. Raises `ExpressionError`."""
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, list):
            return [self.evaluate(entry) for entry in value]
        if isinstance(value, Mapping):
            return {key: self.evaluate(entry) for key, entry in value.items()}
        return value

    def _text(self, text: str) -> JsonValue:
        if text.startswith("[["):
            # Whatever it ends with: no query and no title begins with two brackets of its own.
            return text[1:]
        if not (text.startswith("[") and text.endswith("]")):
            return text
        return self._value(_Parser(text[1:-1]).parse())

    def _value(self, term: _Term) -> JsonValue:
        """What a term comes to. Of a choice only the part that is chosen is evaluated, as Azure Resource Manager does."""
        if isinstance(term, _Literal):
            return term.value
        if isinstance(term, _Access):
            return _looked_up(self._value(term.value), self._value(term.key))
        folded = term.name.casefold()
        if folded in ("parameters", "variables"):
            name = self._value(term.arguments[0]) if term.arguments else ""
            if holds_unknown(name):
                return UNKNOWN
            return self.parameter(name) if folded == "parameters" else self.variable(name)
        if folded == "if" and len(term.arguments) == 3:
            condition = self._value(term.arguments[0])
            return UNKNOWN if condition == UNKNOWN else self._value(term.arguments[1 if truth(condition) else 2])
        if folded in ("and", "or"):
            return self._logical(term.arguments, decides=folded == "or")
        if folded == "coalesce":
            return next((value for one in term.arguments if (value := self._value(one)) is not None), None)
        return call(term.name, [self._value(argument) for argument in term.arguments])

    def _logical(self, terms: Sequence[_Term], *, decides: bool) -> JsonValue:
        """Of truths: the one that decides, if there is it, whatever of the others is not known."""
        values = []
        for term in terms:
            value = self._value(term)
            if value is decides:
                return decides
            values.append(value)
        return UNKNOWN if UNKNOWN in values else all(truth(value) for value in values)

    def parameter(self, name: JsonValue) -> JsonValue:
        """A parameter's given value, else its default, else `UNKNOWN`."""
        folded = str(name).casefold()
        if folded in self._given:
            return self._given[folded]
        if folded not in self._parameters:
            raise ExpressionError(f"the template has no parameter '{name}'")
        declared = self._parameters[folded]
        if not isinstance(declared, Mapping) or "defaultValue" not in declared:
            return UNKNOWN
        return self._guarded(f"parameter '{name}'", declared["defaultValue"])

    def variable(self, name: JsonValue) -> JsonValue:
        """A variable's value."""
        folded = str(name).casefold()
        if folded not in self._variables:
            loops = self._variables.get("copy")
            if any(str(_folded(loop).get("name")).casefold() == folded for loop in loops or ()):
                raise ExpressionError(f"the variable '{name}' is made by a copy loop, which is not supported")
            raise ExpressionError(f"the template has no variable '{name}'")
        return self._guarded(f"variable '{name}'", self._variables[folded])

    def _guarded(self, what: str, value: JsonValue) -> JsonValue:
        if what in self._known:
            return self._known[what]
        if what in self._open:
            raise ExpressionError(f"the {what} is defined by itself")
        if len(self._open) > _MAX_DEPTH:
            raise ExpressionError("variables are nested too deep")
        self._open.append(what)
        try:
            found = self._known[what] = fitting(self.evaluate(value))
        finally:
            self._open.pop()
        return found


def _folded(value: JsonValue) -> Mapping[str, JsonValue]:
    return {str(key).casefold(): entry for key, entry in value.items()} if isinstance(value, Mapping) else {}


def _looked_up(value: JsonValue, key: JsonValue) -> JsonValue:
    if value == UNKNOWN or holds_unknown(key):
        return UNKNOWN
    if isinstance(value, Mapping):
        for name, entry in value.items():
            if str(name).casefold() == str(key).casefold():
                return entry
    if isinstance(value, list) and isinstance(key, int) and not isinstance(key, bool) and key >= 0:
        # how many parts a text has that is split is not known where a part of it is not
        if any(holds_unknown(entry) for entry in value[: key + 1]):
            return UNKNOWN
        if key < len(value):
            return value[key]
    raise ExpressionError(f"there is no '{key}' in what the expression looks into")


@dataclass(frozen=True, slots=True)
class _Literal:
    """A text or a number."""

    value: JsonValue


@dataclass(frozen=True, slots=True)
class _Call:
    """A function and its arguments."""

    name: str
    arguments: tuple[_Term, ...]


@dataclass(frozen=True, slots=True)
class _Access:
    """A part of a value: a property or an element."""

    value: _Term
    key: _Term


_Term: TypeAlias = _Literal | _Call | _Access


class _Parser:
    """Recursive descent over one expression."""

    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        position = 0
        while text[position:].strip():
            match = _TOKEN.match(text, position)
            if match is None or match.lastgroup is None:
                raise ExpressionError(f"'{text[position : position + 20]}' is not part of a template expression")
            self._tokens.append((match.lastgroup, match[match.lastgroup]))
            position = match.end()
        self._next = 0
        self._depth = 0

    def parse(self) -> _Term:
        """The whole expression."""
        term = self._term()
        if self._next != len(self._tokens):
            raise ExpressionError(f"the expression goes on after its end, at '{self._tokens[self._next][1]}'")
        return term

    def _peek(self, ahead: int = 0) -> str | None:
        at = self._next + ahead
        return self._tokens[at][1] if at < len(self._tokens) else None

    def _take(self, mark: str | None = None) -> tuple[str, str]:
        if self._next >= len(self._tokens) or (mark is not None and self._tokens[self._next][1] != mark):
            raise ExpressionError(f"the expression lacks '{mark or 'a value'}'")
        self._next += 1
        return self._tokens[self._next - 1]

    def _term(self) -> _Term:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise ExpressionError("the expression is nested too deep")
        kind, token = self._take()
        if kind == "text":
            term: _Term = _Literal(token[1:-1].replace("''", "'"))
        elif kind == "number":
            term = _Literal(int(token))
        elif kind == "name":
            term = self._call(token)
        else:
            raise ExpressionError(f"the expression has '{token}' where a value belongs")
        while self._peek() in (".", "["):
            term = self._access(term)
        self._depth -= 1
        return term

    def _call(self, name: str) -> _Term:
        if self._peek() == "." and self._peek(2) == "(":
            raise ExpressionError(f"{name}.{self._peek(1)}(), a function of the template's own, is not supported")
        self._take("(")
        arguments: list[_Term] = []
        while self._peek() != ")":
            if arguments:
                self._take(",")
            arguments.append(self._term())
        self._take(")")
        return _Call(name, tuple(arguments))

    def _access(self, value: _Term) -> _Term:
        _, mark = self._take()
        if mark == ".":
            return _Access(value, _Literal(self._take()[1]))
        key = self._term()
        self._take("]")
        return _Access(value, key)
