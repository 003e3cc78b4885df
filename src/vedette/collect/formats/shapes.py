"""JSON and CSV as collectors write them, brought into one shape: property names as Graph has them, values that are JSON.

PowerShell writes names with a capital, times as `/Date(…)/` or as objects around them, and in CSV the names of .NET classes in the
place of objects.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from vedette.collect.formats.timestamps import Moments

_CLASS: Final = re.compile(
    r"(?:Microsoft\.Graph\.PowerShell\.Models|System\.(?:Object|Collections|Management))[\w.\[\]`,]*"
)
_SPACES: Final = re.compile(r"\s+")
_STEP: Final = re.compile(r"\[(\d{1,4})\](?=[.\[]|$)")
_UNDERSCORE: Final = re.compile(r"(?<=[a-z0-9])_([a-z0-9])")


def lowered(value: Any) -> Any:
    """A value whose property names start with a small letter, at every depth; names of .NET classes become null."""
    if isinstance(value, Mapping):
        return {_lower(str(name)): lowered(one) for name, one in value.items()}
    if isinstance(value, list):
        return [lowered(one) for one in value]
    if isinstance(value, str) and value[:1] in "MS" and _CLASS.fullmatch(value):
        return None
    return value


def _lower(name: str) -> str:
    if name[1:2].isupper():  # IPAddress
        head = len(name) - len(name.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
        cut = max(1, head - 1) if head < len(name) else head
        return name[:cut].lower() + name[cut:]
    return name[:1].lower() + name[1:]


def camel(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record whose own property names are as REST APIs have them: Azure's SDKs for Python write `event_timestamp`. What it holds is
    left as it is: claims and tags have names of their own."""
    return {_UNDERSCORE.sub(lambda found: found[1].upper(), name): value for name, value in record.items()}


def nested(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record whose objects and lists are columns of a table (`status.errorCode`, `targetResources.0.id`, `a[0].b`) with those again.

    What a column holds besides, as text, the object takes the place of; empty parts of objects are left out.
    """
    if not any("." in name or "[" in name for name in record):
        return dict(record)
    made: dict[str, Any] = {}
    parts: dict[str, Any] = {}
    for name, value in record.items():
        steps = _STEP.sub(r".\1", name).split(".") if "@" not in name else [name]
        if len(steps) == 1 or not all(steps):
            made[name] = value
        elif value not in (None, ""):
            held = parts
            for step in steps[:-1]:
                below = held.get(step)
                if not isinstance(below, dict):
                    below = held[step] = {}
                held = below
            held[steps[-1]] = value
    made.update((name, _listed(value)) for name, value in parts.items() if not isinstance(made.get(name), (dict, list)))
    return made


def _listed(value: Any) -> Any:
    """Objects whose names are numbers as the lists that they are."""
    if not isinstance(value, dict):
        return value
    if all(name.isdecimal() for name in value):
        return [_listed(one) for _, one in sorted(value.items(), key=lambda pair: int(pair[0]))]
    return {name: _listed(one) for name, one in value.items()}


def inner(value: object) -> Any:
    """An object out of JSON text, and anything else as it is."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def parsed(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record whose texts that are JSON objects or arrays are those."""
    return {name: inner(value) for name, value in record.items()}


def header(name: str) -> str:
    """A heading of a CSV file without regard to case and to how many spaces it has."""
    return _SPACES.sub(" ", name).strip().casefold()


def headed(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record of a CSV file by its headings without regard to case and spaces; empty values are left out."""
    return {header(name): value for name, value in record.items() if value not in (None, "")}


def moment(value: object, moments: Moments) -> str | None:
    """A time as any of these tools writes it, as ISO 8601 text in UTC."""
    if isinstance(value, Mapping):  # PowerShell's {"value": "/Date(…)/", "DateTime": "…"}
        value = next((value[name] for name in ("value", "Value", "dateTime", "DateTime") if name in value), None)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return moments.read(value.strip()) if isinstance(value, str) and value.strip() else None


def number(value: object) -> object:
    """A whole number out of text; anything else as it is."""
    if isinstance(value, str) and value.lstrip("-").isdigit() and value.isascii():
        return int(value)
    return value


def truth(value: object) -> object:
    """A boolean out of the words that exports have for it; anything else as it is."""
    if isinstance(value, str):
        return {"true": True, "yes": True, "false": False, "no": False}.get(value.strip().lower(), value)
    return value
