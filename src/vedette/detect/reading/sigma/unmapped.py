"""What keeps a Sigma rule from being a query here, said so that somebody can do something about it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Missing:
    """A name that means nothing here: `kind` is ``log source``, ``field``, ``rule`` or ``modifier``."""

    kind: str
    name: str


class Unmapped(Exception):
    """A rule that cannot be a query here: why, and what it is that is missing."""

    def __init__(self, message: str, *missing: Missing) -> None:
        super().__init__(message)
        self.message = message
        self.missing = missing
