"""Places in a sorted collection, and the tokens of next links that carry them.

A page goes on behind the row that the last one ended with, so that rows that came or went meanwhile neither repeat nor hide others.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable
from typing import Any


def token_of(position: list[Any]) -> str:
    """A place as text for a URL."""
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode()


def position_of(token: str) -> list[Any] | None:
    """The place that a token tells; None for what is no token, with or without its padding."""
    try:
        position = json.loads(base64.urlsafe_b64decode(token.encode() + b"=="))
    except (binascii.Error, ValueError):
        return None
    return position if isinstance(position, list) else None


def index_after(positions: Iterable[list[Any]], position: list[Any], descending: list[bool]) -> int:
    """The index of the first of the rows, told by their places in order, that is behind a place."""
    index = 0
    for place in positions:
        for mine, theirs, down in zip(place, position, descending, strict=True):
            if mine != theirs:
                if (mine < theirs) if down else (mine > theirs):
                    return index
                break
        index += 1
    return index
