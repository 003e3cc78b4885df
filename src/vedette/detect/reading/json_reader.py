"""JSON with the line of every part. The standard reader keeps none: the text is walked again when one is asked for."""

from __future__ import annotations

import json
import re

from vedette.detect.reading.document import Document, Path
from vedette.detect.reading.problems import UnreadableDocument
from vedette.detect.rule import JsonValue

MAX_BYTES = 64 * 1024 * 1024
MAX_DEPTH = 100

_TOKEN = re.compile(r'[\s,:]*("(?:[^"\\]|\\.)*"|[{}\[\]]|[^\s,:{}\[\]"]+)')
_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]]')


class _Repeated(ValueError):
    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def _unique(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    value = dict(pairs)
    if len(value) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _Repeated(key)
            seen.add(key)
    return value


def _not_json(name: str) -> None:
    raise ValueError(name)


def read_json(text: str, file: str) -> Document:
    """The value of a JSON text. Raises `UnreadableDocument` when it is not JSON, nested too deep or too large."""
    if len(text) > MAX_BYTES:
        raise UnreadableDocument(
            f"the file is larger than the {MAX_BYTES // 1024 // 1024} MiB that a JSON rule file may have"
        )
    _check_depth(text)
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_not_json)
    except json.JSONDecodeError as error:
        raise UnreadableDocument(f"not valid JSON: {error.msg} at column {error.colno}", error.lineno) from None
    except _Repeated as error:
        raise UnreadableDocument(f"the name '{error.key}' is given twice in one object") from None
    except ValueError as error:
        raise UnreadableDocument(f"not valid JSON: {error} is not a JSON value") from None
    return Document(value, file, lambda path: locate(text, path))


def _check_depth(text: str) -> None:
    depth = 0
    for match in _BRACKET.finditer(text):
        character = match[0][0]
        if character in "{[":
            depth += 1
            if depth > MAX_DEPTH:
                raise UnreadableDocument(
                    f"the file is nested deeper than {MAX_DEPTH} levels", text.count("\n", 0, match.start()) + 1
                )
        elif character in "}]":
            depth -= 1


def locate(text: str, path: Path) -> int | None:
    """The 1-based line of the value at `path` in a JSON text (of its name, in an object), or of the part around it."""
    tokens = ((match[1], match.start(1)) for match in _TOKEN.finditer(text))
    found: Path = ()
    position = len(text) - len(text.lstrip())
    stack: list[tuple[bool, Path]] = []  # whether an object, and its path
    indexes: list[int] = []  # of the next entry, for each open list
    step: str | int | None = None
    step_at = 0
    for token, at in tokens:
        if stack and stack[-1][0] and step is None and token not in ("}", "]"):
            step, step_at = json.loads(token), at
            continue
        if token in ("}", "]"):
            stack.pop()
            indexes.pop()
            step = None
            continue
        if stack:
            in_object, parent = stack[-1]
            if not in_object:
                step_at = at
                index = indexes[-1]
                indexes[-1] += 1
                here: Path = (*parent, index)
            else:
                assert step is not None
                here = (*parent, step)
            if path[: len(here)] == here and len(here) > len(found):
                found, position = here, step_at
                if here == path:
                    break
        else:
            here = ()
        if token in ("{", "["):
            stack.append((token == "{", here))
            indexes.append(0)
        step = None
    return text.count("\n", 0, position) + 1
