"""Identifiers: random ones from an injectable source, and ones derived from what they name."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from typing import Final

IdSource = Callable[[], str]
"""Makes one new id per call; services take it as an argument."""

NAMESPACE: Final = uuid.UUID("6f0d9a52-5f3b-5c0e-9d6b-2c1f0f4f8a11")
"""The namespace of every derived id. It never changes: ids in other systems (Microsoft Sentinel) were made with it."""


def new_id() -> str:
    """A new random id: a UUID of version 4 in lower case."""
    return str(uuid.uuid4())


def seeded_ids(seed: int) -> IdSource:
    """A source that makes the same version 4 UUIDs in the same order for the same seed (replays, tests)."""
    source = random.Random(seed)  # noqa: S311  (ids are no secrets)
    return lambda: str(uuid.UUID(int=source.getrandbits(128), version=4))


def derived_id(*parts: str) -> str:
    """The UUID of version 5 (RFC 9562) of the parts joined with colons, in `NAMESPACE`.

    The same parts make the same id for ever. Colons and percent signs of every part but the last are written as %3A and
    %25, so that different parts do not run together; parts that are UUIDs or plain names stay as they are.
    """
    if not parts or not all(parts):
        raise ValueError("an id is derived from one or more parts that are not empty")
    escaped = [part.replace("%", "%25").replace(":", "%3A") for part in parts[:-1]]
    return str(uuid.uuid5(NAMESPACE, ":".join([*escaped, parts[-1]])))


def is_uuid(text: str) -> bool:
    """Whether the text is a UUID as RFC 9562 writes it (8-4-4-4-12 hexadecimal digits, any case)."""
    if len(text) != 36:
        return False
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False
