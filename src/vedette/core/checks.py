"""The test of a connection: its steps run one after the other, until one fails."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from vedette.core.clock import Clock
from vedette.core.errors import VedetteError


@dataclass(frozen=True, slots=True)
class CheckStep:
    """One step of a test and what came out of it. `ok` None: it could not be found out, which is no failure."""

    name: str
    ok: bool | None
    message: str
    hint: str | None = None
    code: str | None = None
    fields: tuple[str, ...] = ()
    """Fields of the form to look at."""
    duration: float = 0.0
    """Seconds."""


@dataclass(frozen=True, slots=True)
class CheckReport:
    """The outcome of a test, step by step; it ends with the first step that fails."""

    steps: tuple[CheckStep, ...]

    @property
    def ok(self) -> bool:
        """Whether no step failed."""
        return all(step.ok is not False for step in self.steps)

    @property
    def failing(self) -> str | None:
        """The name of the step that failed."""
        return next((step.name for step in self.steps if step.ok is False), None)


Step = Callable[[], CheckStep]
"""What a step finds; its name and duration are filled in. It raises VedetteError where it fails."""


def run_steps(clock: Clock, plan: Iterable[tuple[str, Step]]) -> CheckReport:
    """The report of the steps, which ends with the first one that fails."""
    steps: list[CheckStep] = []
    for name, step in plan:
        began = clock.monotonic()
        try:
            found = step()
        except VedetteError as failure:
            fields = (failure.target,) if failure.target else ()
            hint = failure.hint or getattr(failure, "cause", None)
            found = CheckStep(name, False, failure.message, hint, failure.code, fields)
        steps.append(replace(found, name=name, duration=clock.monotonic() - began))
        if found.ok is False:
            break
    return CheckReport(tuple(steps))


def passed(message: str) -> CheckStep:
    """A step that found what it should."""
    return CheckStep("", True, message)


def unknown(message: str, hint: str | None = None) -> CheckStep:
    """A step that could not find out, which is no failure."""
    return CheckStep("", None, message, hint)
