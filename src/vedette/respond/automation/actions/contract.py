"""The contract that every kind of action keeps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from vedette.core.roles import Principal
from vedette.detect.reading.fields import FieldReader
from vedette.incidents.service import IncidentService

AtSource = Callable[[int, str, Principal], int]
"""Has the alerts of an incident moved to another state where they come from (`Dismiss`, …); how many there are."""
PersonOf = Callable[[Sequence[str]], dict[str, str] | None]
"""Finds somebody who has an account here by any of several names: ``{"id", "name"}``, or None."""


@dataclass(frozen=True, slots=True)
class ActionContext:
    """What an action works on, and as whom."""

    incidents: IncidentService
    number: int
    principal: Principal
    person_of: PersonOf
    at_source: AtSource


class Action(Protocol):
    """One action of a rule."""

    @property
    def said(self) -> str:
        """What it does, in a few words."""
        ...

    @property
    def not_runnable(self) -> str | None:
        """Why it is not done here, as one sentence; None where it is."""
        ...

    @property
    def foreign(self) -> str | None:
        """Why Microsoft Sentinel would not understand it, as one sentence; None where it does."""
        ...

    def run(self, context: ActionContext) -> None:
        """Do it, inside the transaction of the event. Raises `VedetteError` where the incident does not allow it."""
        ...


class ActionKind(Protocol):
    """A kind of action: one file, one line in the registry."""

    @property
    def type(self) -> str:
        """Its `actionType`."""
        ...

    def read(self, fields: FieldReader) -> Action | None:
        """The action out of its `actionConfiguration`; None, with a finding, where it cannot be read."""
        ...
