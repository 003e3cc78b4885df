"""docs/settings.md: every setting, from `vedette.core.settings`."""

from __future__ import annotations

import re
import types
import typing
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from vedette.core.settings import PREFIX, Settings

HEADER = "<!-- Written by `make pages` from vedette.core.settings; change it there. -->\n\n"
INTRODUCTION = """# Settings

Vedette reads its settings from environment variables; an option of a command wins over the variable of the same name. A value
that cannot be read stops the command with the variable's name. A variable that starts with `VEDETTE_` and is no setting is
reported, since it is most likely a misspelt one. Secrets are never printed.

"""


def _kind(annotation: Any) -> str:
    """How a reader would call what the setting takes."""
    origin = typing.get_origin(annotation)
    if origin is typing.Literal:
        return ", ".join(f"`{value}`" for value in typing.get_args(annotation))
    if origin in (typing.Union, types.UnionType):
        return _kind(next(part for part in typing.get_args(annotation) if part is not type(None)))
    if origin is typing.Annotated:
        return _kind(typing.get_args(annotation)[0])
    names = {str: "text", int: "whole number", float: "number", SecretStr: "secret", dict: "JSON object"}
    return names.get(origin or annotation, getattr(annotation, "__name__", str(annotation)).lower())


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "the user's own folder for data" if "directory" in (field.description or "") else ""
    return (
        ""
        if field.default in (None, "")
        else f"`{field.default:g}`"
        if isinstance(field.default, float)
        else f"`{field.default}`"
    )


def render() -> str:
    """The page's text."""
    lines = ["| variable | takes | default | what it is |", "|---|---|---|---|"]
    for name, field in Settings.model_fields.items():
        about = re.sub(r"\s+", " ", field.description or "")
        lines.append(f"| `{PREFIX}{name.upper()}` | {_kind(field.annotation)} | {_default(field)} | {about} |")
    return HEADER + INTRODUCTION + "\n".join(lines) + "\n"
