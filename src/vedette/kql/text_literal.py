"""A text written as a KQL string literal."""

from __future__ import annotations

_ESCAPES = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def text_literal(text: str) -> str:
    """The literal that means `text`: ``'it\\'s'``, and ``@'C:\\Windows'`` where backslashes would be doubled."""
    if "\\" in text and text.isprintable():
        return "@'" + text.replace("'", "''") + "'"
    return "'" + "".join(_escaped(character) for character in text) + "'"


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    return f"\\u{ord(character):04x}" if ord(character) < 32 else character
