"""Functions of Azure Resource Manager's template expressions: those whose value a template says by itself.

What only a deployment knows (the workspace's name, a parameter without a default) is `UNKNOWN`, inside the text. Functions that
write texts and lists keep it there; of any other one that is asked about it, the answer is not known either.
Source: learn.microsoft.com/azure/azure-resource-manager/templates/template-functions.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Any, Final

from vedette.detect.rule import JsonValue

UNKNOWN: Final = "\ufffc"
"""Stands, inside a text, for what only a deployment knows (U+FFFC, object replacement character)."""

_MAX_SIZE = 4 * 1024 * 1024
"""Characters and elements of a value that expressions make: a variable that names another one twice is twice as long."""


class ExpressionError(Exception):
    """An expression that cannot be evaluated; its text is a sentence's part."""


def holds_unknown(value: JsonValue) -> bool:
    """Whether something in a value is only known when the template is deployed."""
    return place_of_unknown(value) is not None


def place_of_unknown(value: JsonValue, path: tuple[str | int, ...] = ()) -> tuple[str | int, ...] | None:
    """The path to the first part of a value that only a deployment knows; None if all of it is known."""
    if isinstance(value, str):
        return path if UNKNOWN in value else None
    if isinstance(value, Mapping):
        entries: list[tuple[str | int, JsonValue]] = list(value.items())
    elif isinstance(value, list):
        entries = list(enumerate(value))
    else:
        return None
    places = (place_of_unknown(entry, (*path, key)) for key, entry in entries)
    return next((place for place in places if place is not None), None)


def call(name: str, arguments: list[JsonValue]) -> JsonValue:
    """The value of a function of these arguments. Raises `ExpressionError`."""
    folded = name.casefold()
    function = _FUNCTIONS.get(folded)
    if function is None:
        raise ExpressionError(f"the template function {name}() is not supported")
    if folded not in _WRITERS and any(holds_unknown(argument) for argument in arguments):
        return UNKNOWN
    try:
        return fitting(function(*arguments))
    except (TypeError, ValueError, IndexError, ZeroDivisionError, AttributeError, RecursionError):
        raise ExpressionError(f"the arguments of {name}() do not fit") from None


def fitting(value: JsonValue) -> JsonValue:
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
            raise _too_long()
    return value


def truth(value: JsonValue) -> bool:
    """A value that is true or false. Raises `ExpressionError` for any other."""
    if not isinstance(value, bool):
        raise ExpressionError(f"{written(value)[:40]!r} is not true or false")
    return value


def written(value: JsonValue) -> str:
    """A value as a text, as string() gives it: lists and objects as JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool | int | float):
        return str(value)
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _too_long() -> ExpressionError:
    return ExpressionError(f"a value of the template is longer than {_MAX_SIZE:,} characters")


def _concat(*parts: JsonValue) -> JsonValue:
    if parts and all(isinstance(part, list) for part in parts):
        return [entry for part in parts for entry in part]
    return "".join(written(part) for part in parts)


def _replace(text: str, old: str, new: str) -> str:
    if UNKNOWN in old:
        return UNKNOWN
    if text.count(old) * len(new) > _MAX_SIZE:
        raise _too_long()
    return text.replace(old, new)


def _format(pattern: str, *values: JsonValue) -> str:
    texts = [written(value) for value in values]
    size = 0

    def put(match: re.Match[str]) -> str:
        nonlocal size
        found = match[0][0] if match[0] in ("{{", "}}") else texts[int(match[1])]
        size += len(found)
        if size > _MAX_SIZE:
            raise _too_long()
        return found

    return re.sub(r"\{\{|\}\}|\{(\d+)(?::[^}]*)?\}", put, pattern)


def _resource_id(*parts: JsonValue) -> str:
    texts = [written(part) for part in parts]
    at = next((index for index, text in enumerate(texts) if "/" in text), 0)
    provider, *kinds = texts[at].split("/")
    names = texts[at + 1 :]
    pairs = "/".join(f"{kind}/{name}" for kind, name in zip(kinds, names, strict=False))
    return f"/subscriptions/{UNKNOWN}/resourceGroups/{UNKNOWN}/providers/{provider}/{pairs}"


def _unknown(*_: JsonValue) -> str:
    return UNKNOWN


def _json(text: str) -> JsonValue:
    try:
        return json.loads(text)
    except ValueError:
        raise ExpressionError("the text of json() is not JSON") from None


def _bool(value: JsonValue) -> bool:
    known = {"true": True, "1": True, "false": False, "0": False}
    text = written(value).strip().casefold()
    if text not in known:
        raise ValueError(text)
    return known[text]


def _split(text: str, marks: JsonValue) -> list[str]:
    delimiters = [marks] if isinstance(marks, str) else list(marks)
    return re.split("|".join(re.escape(mark) for mark in delimiters), text) if all(delimiters) else [text]


def _same(a: JsonValue, b: JsonValue) -> bool:
    """Equal, where true is not 1."""
    return isinstance(a, bool) == isinstance(b, bool) and a == b


def _contains(container: JsonValue, item: JsonValue) -> bool:
    if isinstance(container, str):
        return written(item) in container
    if isinstance(container, Mapping):
        return written(item).casefold() in {str(key).casefold() for key in container}
    return any(_same(entry, item) for entry in container)


def _distinct(entries: list[JsonValue]) -> list[JsonValue]:
    found: list[JsonValue] = []
    for entry in entries:
        if not _contains(found, entry):
            found.append(entry)
    return found


def _union(*values: JsonValue) -> JsonValue:
    if all(isinstance(value, Mapping) for value in values):
        return {key: entry for value in values for key, entry in value.items()}
    return _distinct([entry for value in values for entry in _listed(value)])


def _intersection(*values: JsonValue) -> JsonValue:
    first, *others = values
    if isinstance(first, Mapping):
        return {k: v for k, v in first.items() if all(k in other and _same(other[k], v) for other in others)}
    return _distinct([entry for entry in _listed(first) if all(_contains(_listed(other), entry) for other in others)])


def _listed(value: JsonValue) -> list[JsonValue]:
    if not isinstance(value, list):
        raise TypeError(value)
    return value


def _object(*pairs: JsonValue) -> dict[str, JsonValue]:
    if len(pairs) % 2:
        raise ValueError(pairs)
    return {written(pairs[at]): pairs[at + 1] for at in range(0, len(pairs), 2)}


def _nothing(value: JsonValue) -> str | None:
    """An end of an empty text or list."""
    return "" if isinstance(value, str) else None


def _number(value: JsonValue) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(value)
    return value


def _int(value: JsonValue) -> int:
    return int(value) if isinstance(value, str | float) else _number(value)


def _numbers(values: tuple[JsonValue, ...]) -> list[int]:
    return [_number(value) for value in (values[0] if len(values) == 1 and isinstance(values[0], list) else values)]


def _range(start: JsonValue, count: JsonValue) -> list[int]:
    if not 0 <= _number(count) <= 10_000:
        raise ValueError(count)
    return list(range(_number(start), _number(start) + count))


def _divided(a: JsonValue, b: JsonValue) -> int:
    quotient = abs(_number(a)) // abs(_number(b))
    return quotient if (a < 0) == (b < 0) else -quotient


def _ordered(a: JsonValue, b: JsonValue) -> int:
    """-1, 0 or 1, of two numbers or two texts."""
    if isinstance(a, bool) or isinstance(b, bool) or isinstance(a, str) is not isinstance(b, str):
        raise TypeError(a)
    return int(a > b) - int(a < b)


def _found_at(text: str, part: str, *, last: bool = False) -> int:
    return text.casefold().rfind(part.casefold()) if last else text.casefold().find(part.casefold())


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise ValueError(text) from None


def _padded(value: JsonValue, width: JsonValue, with_: str = " ") -> str:
    if _number(width) > _MAX_SIZE:
        raise _too_long()
    return written(value).rjust(width, with_)


_WRITERS: Final = frozenset(
    "concat format resourceid extensionresourceid tolower toupper trim replace string split array createarray"
    " createobject first last".split()
)
"""Functions that keep what is not known where it stands. A part of a list that is told by its place from one end is known if it is."""

_FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    **dict.fromkeys(
        ("resourcegroup", "subscription", "deployment", "tenant", "managementgroup", "environment", "reference", "newguid",
         "utcnow", "guid", "uniquestring", "listkeys", "subscriptionresourceid", "tenantresourceid"), _unknown
    ),
    "concat": _concat,
    "format": _format,
    "resourceid": _resource_id,
    "extensionresourceid": lambda base, *rest: f"{base}/providers/" + _resource_id(*rest).rpartition("/providers/")[2],
    "tolower": lambda text: written(text).lower(),
    "toupper": lambda text: written(text).upper(),
    "trim": lambda text: written(text).strip(),
    "replace": _replace,
    "substring": lambda text, start, length=None: text[start:] if length is None else text[start : start + length],
    "padleft": _padded,
    "startswith": lambda text, part: text.casefold().startswith(part.casefold()),
    "endswith": lambda text, part: text.casefold().endswith(part.casefold()),
    "indexof": _found_at,
    "lastindexof": lambda text, part: _found_at(text, part, last=True),
    "take": lambda value, count: value[: max(0, _number(count))],
    "skip": lambda value, count: value[max(0, _number(count)) :],
    "last": lambda value: value[-1] if value else _nothing(value),
    "first": lambda value: value[0] if value else _nothing(value),
    "split": _split,
    "join": lambda values, mark: mark.join(written(value) for value in _listed(values)),
    "string": written,
    "int": _int,
    "bool": _bool,
    "json": _json,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64tostring": _decoded,
    "base64tojson": lambda text: _json(_decoded(text)),
    "uricomponent": lambda text: urllib.parse.quote(text, safe="-_.!~*'()"),
    "uricomponenttostring": urllib.parse.unquote,
    "createarray": lambda *values: list(values),
    "createobject": _object,
    "array": lambda value: value if isinstance(value, list) else [value],
    "union": _union,
    "intersection": _intersection,
    "contains": _contains,
    "length": len,
    "empty": lambda value: value is None or len(value) == 0,
    "range": _range,
    "min": lambda *values: min(_numbers(values)),
    "max": lambda *values: max(_numbers(values)),
    "add": lambda a, b: _number(a) + _number(b),
    "sub": lambda a, b: _number(a) - _number(b),
    "mul": lambda a, b: _number(a) * _number(b),
    "div": _divided,
    "mod": lambda a, b: a - b * _divided(a, b),
    "equals": _same,
    "greater": lambda a, b: _ordered(a, b) > 0,
    "greaterorequals": lambda a, b: _ordered(a, b) >= 0,
    "less": lambda a, b: _ordered(a, b) < 0,
    "lessorequals": lambda a, b: _ordered(a, b) <= 0,
    "not": lambda value: not truth(value),
    "true": lambda: True,
    "false": lambda: False,
    "null": lambda: None,
}  # fmt: skip
