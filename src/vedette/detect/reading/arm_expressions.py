"""Template expressions of Azure Resource Manager, as far as templates of analytics rules use them.

A string that starts with ``[`` and ends with ``]`` is an expression; ``[[`` at the start stands for a plain ``[``. What
a template cannot say without being deployed (the workspace's name, a resource group) is `UNKNOWN`, inside the text.
Source: learn.microsoft.com/azure/azure-resource-manager/templates/template-expressions and template-functions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from vedette.detect.rule import JsonValue

UNKNOWN: Final = "\ufffc"
"""Stands, inside a text, for what only a deployment knows (U+FFFC, object replacement character)."""

_TOKEN = re.compile(r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>-?\d+)|(?P<name>[A-Za-z_][\w]*)|(?P<mark>[()\[\],.]))")
_MAX_DEPTH = 50
_MAX_SIZE = 4 * 1024 * 1024
"""Characters and elements of a value that expressions make: a variable that names another one twice is twice as long."""


class ExpressionError(Exception):
    """An expression that cannot be evaluated; its text is a sentence's part."""


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
        return _Parser(text[1:-1], self).parse()

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
            found = self._known[what] = _fitting(self.evaluate(value))
        finally:
            self._open.pop()
        return found


def _folded(value: JsonValue) -> Mapping[str, JsonValue]:
    return {str(key).casefold(): entry for key, entry in value.items()} if isinstance(value, Mapping) else {}


class _Parser:
    """Recursive descent over one expression, evaluated as it is read."""

    def __init__(self, text: str, scope: Scope) -> None:
        self._scope = scope
        self._text = text
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

    def parse(self) -> JsonValue:
        value = self._value()
        if self._next != len(self._tokens):
            raise ExpressionError(f"the expression goes on after its end, at '{self._tokens[self._next][1]}'")
        return value

    def _peek(self) -> str | None:
        return self._tokens[self._next][1] if self._next < len(self._tokens) else None

    def _take(self, mark: str | None = None) -> tuple[str, str]:
        if self._next >= len(self._tokens) or (mark is not None and self._tokens[self._next][1] != mark):
            raise ExpressionError(f"the expression lacks '{mark or 'a value'}'")
        self._next += 1
        return self._tokens[self._next - 1]

    def _value(self) -> JsonValue:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise ExpressionError("the expression is nested too deep")
        kind, token = self._take()
        if kind == "text":
            value: JsonValue = token[1:-1].replace("''", "'")
        elif kind == "number":
            value = int(token)
        elif kind == "name":
            value = self._call(token)
        else:
            raise ExpressionError(f"the expression has '{token}' where a value belongs")
        while self._peek() in (".", "["):
            value = self._access(value)
        self._depth -= 1
        return value

    def _call(self, name: str) -> JsonValue:
        self._take("(")
        arguments: list[JsonValue] = []
        while self._peek() != ")":
            if arguments:
                self._take(",")
            arguments.append(self._value())
        self._take(")")
        folded = name.casefold()
        if folded == "parameters":
            return self._scope.parameter(arguments[0] if arguments else "")
        if folded == "variables":
            return self._scope.variable(arguments[0] if arguments else "")
        function = _FUNCTIONS.get(folded)
        if function is None:
            raise ExpressionError(f"the template function {name}() is not supported")
        try:
            return _fitting(function(*arguments))
        except (TypeError, ValueError, IndexError):
            raise ExpressionError(f"the arguments of {name}() do not fit") from None

    def _access(self, value: JsonValue) -> JsonValue:
        key: JsonValue
        _, mark = self._take()
        if mark == ".":
            _, key = self._take()
        else:
            key = self._value()
            self._take("]")
        if isinstance(value, str) and value == UNKNOWN:
            return UNKNOWN
        if isinstance(value, Mapping):
            for name, entry in value.items():
                if str(name).casefold() == str(key).casefold():
                    return entry
        if isinstance(value, list) and isinstance(key, int) and 0 <= key < len(value):
            return value[key]
        raise ExpressionError(f"there is no '{key}' in what the expression looks into")


def _fitting(value: JsonValue) -> JsonValue:
    """The value, unless it is too long when it is written out: its parts may be the same object many times over."""
    size, waiting = 0, [value]
    while waiting:
        part = waiting.pop()
        size += 16  # of an object that holds nothing
        if isinstance(part, str):
            size += len(part)
        elif isinstance(part, list):
            waiting += part
        elif isinstance(part, Mapping):
            size += sum(len(str(key)) for key in part)
            waiting += part.values()
        if size + len(waiting) > _MAX_SIZE:
            raise ExpressionError(f"a value of the template is longer than {_MAX_SIZE:,} characters")
    return value


def _replace(text: JsonValue, old: JsonValue, new: JsonValue) -> str:
    whole, wanted, put = str(text), str(old), str(new)
    if whole.count(wanted) * len(put) > _MAX_SIZE:
        raise ExpressionError(f"a value of the template is longer than {_MAX_SIZE:,} characters")
    return whole.replace(wanted, put)


def _concat(*parts: JsonValue) -> JsonValue:
    if parts and all(isinstance(part, list) for part in parts):
        return [entry for part in parts for entry in part]
    return "".join(str(part) for part in parts)


def _format(pattern: JsonValue, *values: JsonValue) -> str:
    texts = [str(value) for value in values]
    size = 0

    def put(match: re.Match[str]) -> str:
        nonlocal size
        found = match[0][0] if match[0] in ("{{", "}}") else texts[int(match[1])]
        size += len(found)
        if size > _MAX_SIZE:
            raise ExpressionError(f"a value of the template is longer than {_MAX_SIZE:,} characters")
        return found

    return re.sub(r"\{\{|\}\}|\{(\d+)(?::[^}]*)?\}", put, str(pattern))


def _resource_id(*parts: JsonValue) -> str:
    texts = [str(part) for part in parts]
    at = next((index for index, text in enumerate(texts) if "/" in text), 0)
    provider, *kinds = texts[at].split("/")
    names = texts[at + 1 :]
    pairs = "/".join(f"{kind}/{name}" for kind, name in zip(kinds, names, strict=False))
    return f"/subscriptions/{UNKNOWN}/resourceGroups/{UNKNOWN}/providers/{provider}/{pairs}"


def _coalesce(*values: JsonValue) -> JsonValue:
    return next((value for value in values if value is not None), None)


def _unknown(*_: JsonValue) -> str:
    return UNKNOWN


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "concat": _concat,
    "format": _format,
    "resourceid": _resource_id,
    "extensionresourceid": lambda base, *rest: f"{base}/providers/" + _resource_id(*rest).rpartition("/providers/")[2],
    "resourcegroup": _unknown,
    "subscription": _unknown,
    "deployment": _unknown,
    "tenant": _unknown,
    "reference": _unknown,
    "newguid": _unknown,
    "utcnow": _unknown,
    "guid": _unknown,
    "uniquestring": _unknown,
    "tolower": lambda text: str(text).lower(),
    "toupper": lambda text: str(text).upper(),
    "trim": lambda text: str(text).strip(),
    "replace": _replace,
    "substring": lambda text, start, length=None: (
        str(text)[start:] if length is None else str(text)[start : start + length]
    ),
    "take": lambda value, count: value[:count],
    "last": lambda value: value[-1],
    "first": lambda value: value[0],
    "split": lambda text, mark: str(text).split(str(mark)),
    "string": lambda value: str(value),
    "int": lambda value: int(value),
    "bool": lambda value: str(value).casefold() in ("true", "1"),
    "createarray": lambda *values: list(values),
    "array": lambda value: value if isinstance(value, list) else [value],
    "coalesce": _coalesce,
    "empty": lambda value: value is None or len(value) == 0,
    "equals": lambda a, b: a == b,
    "not": lambda value: not value,
    "if": lambda condition, yes, no: yes if condition else no,
    "json": lambda text: None if text == "null" else text,
    "true": lambda: True,
    "false": lambda: False,
    "null": lambda: None,
}
