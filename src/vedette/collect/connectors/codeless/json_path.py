"""The JSONPaths of codeless definitions: names, places in lists, and all of a list."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from vedette.core.errors import InvalidInput

ALL: Final = "*"
"""Stands for every element of a list."""
_PART: Final = re.compile(
    r"""\$|(?:\.([A-Za-z_@][\w@-]*)|\['([^']+)'\]|\["([^"]+)"\]|(?:\.?\[\*\])|\[(-?\d{1,6}):?\])"""
)
Step = str | int
"""A name, a place in a list (from its end where negative), or `ALL`."""


def json_path(text: str) -> tuple[Step, ...]:
    """The steps of a path such as `$.data['events'][*]`; what is more than that is refused."""
    at, steps = 0, []
    while at < len(text):
        part = _PART.match(text, at)
        slice_ = part is not None and part[4] is not None and part[0].endswith(":]") and part[4] != "-1"
        if part is None or (part[0] == "$") != (at == 0) or slice_:
            raise InvalidInput(
                f"The JSONPath '{text[:80]}' is not supported: only $, names, [*], [n] and [-1:].", target=text[:80]
            )
        if at:
            name = part[1] or part[2] or part[3]
            steps.append(name if name is not None else int(part[4]) if part[4] is not None else ALL)
        at = part.end()
    if not text:
        raise InvalidInput("A JSONPath is empty.")
    return tuple(steps)


def select(document: Any, path: tuple[Step, ...]) -> Any:
    """The value at a path, or None; with `[*]` a list of values."""
    for at, step in enumerate(path):
        if step == ALL:
            rest = path[at + 1 :]
            values = (
                document
                if isinstance(document, list)
                else list(document.values())
                if isinstance(document, Mapping)
                else []
            )
            found = [select(one, rest) for one in values]
            if ALL in rest:
                return [inner for one in found if isinstance(one, list) for inner in one]
            return [one for one in found if one is not None]
        if isinstance(step, int):
            inside = isinstance(document, list) and -len(document) <= step < len(document)
            document = document[step] if inside else None
        else:
            document = document.get(step) if isinstance(document, Mapping) else None
    return document
