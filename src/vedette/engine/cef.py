"""CEF messages as `parse_cef_dictionary()` of Azure's transformations gives them.

Source: "ArcSight Common Event Format Implementation Standard": seven header fields between bars, then `key=value` pairs; a bar or
backslash of the header and an equals sign of a value are escaped by a backslash.
"""

from __future__ import annotations

import re
from typing import Final

HEADER: Final = (
    "CefVersion", "DeviceVendor", "DeviceProduct", "DeviceVersion", "DeviceEventClassId", "Name", "Severity",
)  # fmt: skip
_START: Final = re.compile(r"CEF:(?=\s*\d)")
_KEY: Final = re.compile(r"(?:^|(?<=\s))([A-Za-z0-9_.\[\]-]+)=")
_ESCAPE: Final = re.compile(r"\\([\\|=nr])")
_PLAIN: Final = {"n": "\n", "r": "\r"}


def dictionary(message: str) -> dict[str, object] | None:
    """The header's fields and `Extension`, a bag of texts; None where the text is no CEF message."""
    start = _START.search(message)
    if start is None:
        return None
    parts: list[str] = []
    rest = message[start.end() :]
    while len(parts) < len(HEADER):
        bar = re.search(r"(?<!\\)(?:\\\\)*\|", rest)
        if bar is None:
            if len(parts) == len(HEADER) - 1:
                parts.append(rest)
                rest = ""
                break
            return None
        parts.append(rest[: bar.end() - 1])
        rest = rest[bar.end() :]
    found: dict[str, object] = {name: _unescaped(part.strip()) for name, part in zip(HEADER, parts, strict=True)}
    found["Extension"] = _extension(rest)
    return found


def _extension(text: str) -> dict[str, str]:
    keys = list(_KEY.finditer(text))
    ends = [one.start() for one in keys[1:]] + [len(text)]
    return {key[1]: _unescaped(text[key.end() : end].strip()) for key, end in zip(keys, ends, strict=True)}


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda one: _PLAIN.get(one[1], one[1]), text) if "\\" in text else text
