"""The contract of what keeps the values of secrets outside the state.

A backend knows values by a locator: a name within the prefix of the installation. Vedette makes a new locator for every
value that it writes, so that a new and an old value of one secret are there side by side until the old one is deleted.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Final, Protocol

from vedette.core.errors import InvalidInput, NotFound, Unavailable, VedetteError

TIMEOUT: Final = 10.0
"""Seconds for one request to such a service."""

OWN: Final = "vedette-"
"""How the locators begin that Vedette made, and alone may delete."""

LOCATOR: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,119}")
"""Names that every one of these services takes."""


class SecretBackend(Protocol):
    """A keeper of values. Its errors are `VedetteError` and never repeat a value."""

    @property
    def id(self) -> str:
        """Its name in references and settings."""
        ...

    @property
    def title(self) -> str:
        """Its name for people."""
        ...

    def read(self, locator: str) -> str:
        """The value at a locator; `NotFound` if there is none, `Unavailable` where the service cannot be asked."""
        ...

    def write(self, locator: str, value: str, expires_at: datetime | None) -> None:
        """Keep a value; `NotWritable` where the backend can only be read."""
        ...

    def delete(self, locator: str) -> None:
        """Delete a value; nothing happens if there is none."""
        ...


OpenBackend = Callable[[], SecretBackend]
"""Makes a backend when it is first used: its library is imported then, and a setting that it lacks is named."""


class NotWritable(InvalidInput):
    """A backend that can only be read was asked to keep something."""

    def __init__(self, title: str, hint: str) -> None:
        super().__init__(f"{title} can be read but not written.", code="VDT0540", hint=hint)


def checked_locator(locator: str, title: str) -> str:
    """The locator; `InvalidInput` for what is none (it is not repeated: it may be a secret that was mistyped)."""
    if not LOCATOR.fullmatch(locator):
        raise InvalidInput(
            f"That is not the name of a secret in {title}.",
            code="VDT0541",
            hint="A name has letters, digits, hyphens and underscores, at most 120.",
        )
    return locator


def absent(title: str, locator: str) -> NotFound:
    """The error for a value that is not there."""
    return NotFound(f"{title} has no secret '{locator}'.", code="VDT0542", target=locator)


def out_of_reach(title: str, reason: str, hint: str | None = None) -> Unavailable:
    """The error for a service that cannot be asked, or refuses. `reason` holds no secret."""
    return Unavailable(f"{title} cannot be used: {reason}.", code="VDT0543", hint=hint)


def not_installed(title: str, extra: str) -> VedetteError:
    """The error for a backend whose library is not installed."""
    return Unavailable(
        f"{title} needs a library that is not installed.", code="VDT0544", hint=f"pip install 'vedette[{extra}]'"
    )


def unset(title: str, setting: str) -> InvalidInput:
    """The error for a setting without which a backend cannot work."""
    return InvalidInput(f"{title} needs the setting VEDETTE_{setting.upper()}.", code="VDT0545", target=setting)
