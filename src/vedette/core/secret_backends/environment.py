"""Secrets in the environment of the process: variables whose names begin with VEDETTE_SECRET_."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from vedette.core.secret_backends.contract import NotWritable, absent, checked_locator

PREFIX: Final = "VEDETTE_SECRET_"
"""Also `SECRET_VARIABLES` of the settings, which do not warn of them."""


class Environment:
    """The locator `NAME` is the variable `VEDETTE_SECRET_NAME`; no other variable can be read."""

    id = "environment"
    title = "The environment"

    def __init__(self, variables: Mapping[str, str] | None = None) -> None:
        self._variables = os.environ if variables is None else variables

    def read(self, locator: str) -> str:
        """The value of the variable."""
        name = PREFIX + checked_locator(locator, self.title)
        value = self._variables.get(name)
        if not value:
            raise absent(self.title, name)
        return value

    def write(self, locator: str, value: str, expires_at: datetime | None) -> None:
        """Refused: a process cannot keep anything in its environment."""
        raise NotWritable(
            self.title,
            f"Set a variable such as {PREFIX}NAME where Vedette is started, and enter secretref:{self.id}:NAME for it.",
        )

    def delete(self, locator: str) -> None:
        """Nothing: what was set outside is removed outside."""
