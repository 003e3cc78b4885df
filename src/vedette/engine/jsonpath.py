"""Paths into JSON values, as extract_json() and the bag functions take them: `$.a.b[0]['c']`."""

from __future__ import annotations

import functools
import re

_STEP = re.compile(
    r"""\.(?P<name>[\w$@-]+)|\[\s*(?P<index>-?\d+)\s*\]|\[\s*(?P<q>['"])(?P<quoted>.*?)(?P=q)\s*\]""", re.DOTALL
)
Steps = tuple[str | int, ...]


@functools.lru_cache(maxsize=1024)
def parse_path(text: str) -> Steps | None:
    """The steps of a path that starts with `$`; None where the text is no such path."""
    if not text.startswith("$"):
        return None
    steps: list[str | int] = []
    at = 1
    while at < len(text):
        found = _STEP.match(text, at)
        if found is None:
            return None
        if found["index"] is not None:
            steps.append(int(found["index"]))
        else:
            steps.append(found["name"] if found["name"] is not None else found["quoted"])
        at = found.end()
    return tuple(steps)


def key_steps(key: str) -> Steps:
    """A property of a bag: a path where the text is one, else the property of that very name."""
    return parse_path(key) or (key,)


def select(value: object, steps: Steps) -> tuple[bool, object]:
    """Whether a value has the part that a path leads to, and the part."""
    for step in steps:
        if isinstance(step, str) and isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(step, int) and isinstance(value, list) and -len(value) <= step < len(value):
            value = value[step]
        else:
            return False, None
    return True, value
