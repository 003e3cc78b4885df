"""Regular expressions: RE2, as in KQL (rule 27)."""

from __future__ import annotations

import functools
from typing import Any

import re2


@functools.lru_cache(maxsize=512)
def compiled(pattern: str) -> Any | None:
    """A compiled expression, or None where the text is none."""
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error:
        return None


@functools.lru_cache(maxsize=512)
def fault(pattern: str) -> str | None:
    """What is wrong with a pattern, as a sentence that names the cause; None where nothing is."""
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options)
    except re2.error as error:
        cause = error.args[0] if error.args else "it cannot be read"
        cause = cause.decode("utf-8", "replace") if isinstance(cause, bytes) else str(cause)
        hint = "; look-around and back-references are not part of RE2" if "(?" in pattern or "\\" in cause else ""
        return f"The regular expression is not valid: {cause}{hint}"
    return None


def group_count(pattern: str) -> int:
    """How many capture groups a pattern has; 0 for one that is not valid."""
    found = compiled(pattern)
    return int(found.groups) if found is not None else 0


def group_names(pattern: str) -> dict[str, int]:
    """The named capture groups of a pattern."""
    found = compiled(pattern)
    return dict(found.groupindex) if found is not None else {}
