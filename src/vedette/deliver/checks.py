"""The steps of a destination's test, run one after the other until one fails."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from vedette.core.clock import Clock
from vedette.deliver.contract import CheckReport, CheckStep, DeliveryFailure

Step = Callable[[], CheckStep]
"""What a step finds; its name and duration are filled in. It raises DeliveryFailure where it fails."""


def run_steps(clock: Clock, plan: Iterable[tuple[str, Step]]) -> CheckReport:
    """The report of the steps, which ends with the first one that fails."""
    steps: list[CheckStep] = []
    for name, step in plan:
        began = clock.monotonic()
        try:
            found = step()
        except DeliveryFailure as failure:
            fields = (failure.target,) if failure.target else ()
            found = CheckStep(name, False, failure.message, failure.hint or failure.cause, failure.code, fields)
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
