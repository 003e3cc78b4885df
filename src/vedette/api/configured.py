"""What the API of destinations and that of connectors have in common: what is written, how secrets are shown, how a test is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from vedette.api.wire import Utc, Wire
from vedette.core.checks import CheckReport
from vedette.core.configured import SecretStatus
from vedette.core.errors import InvalidInput
from vedette.core.forms import Form


class SecretState(Wire):
    """Whether a secret is stored; never its value."""

    set: bool
    changed_time_utc: Utc | None
    expires_time_utc: Utc | None = None
    warning: str | None = None

    @classmethod
    def of(cls, status: SecretStatus) -> SecretState:
        """What may be shown of a secret."""
        return cls(
            set=True, changed_time_utc=status.changed_at, expires_time_utc=status.expires_at, warning=status.warning
        )


class ConfiguredWrite(Wire):
    """What is given of something configured (a destination, a connector); secrets that are left out stay as they are."""

    kind: str | None = None
    name: str | None = None
    enabled: bool | None = None
    settings: dict[str, Any] = Field(default_factory=dict)
    secrets: dict[str, str] = Field(default_factory=dict)

    def values(self) -> dict[str, Any]:
        """Settings and secrets as the form's values."""
        return {**{name: value for name, value in self.settings.items() if value is not None}, **self.secrets}

    def named(self, what: str) -> tuple[str, str]:
        """Kind and name, which something new needs."""
        if not self.kind or not self.name:
            raise InvalidInput(f"A {what} needs a kind and a name.", target="kind" if not self.kind else "name")
        return self.kind, self.name


class TestStep(Wire):
    """One step of a test."""

    name: str
    ok: bool
    message: str
    hint: str | None
    duration_ms: float


class TestReport(Wire):
    """A test, step by step; it ends with the first step that fails."""

    ok: bool
    steps: list[TestStep]


def kinds_body(manifests: Sequence[Form]) -> dict[str, Any]:
    """Every kind with the fields of its form."""
    found = [manifest.to_dict() for manifest in manifests]
    return {"value": found, "count": len(found)}


def test_report(report: CheckReport) -> TestReport:
    """A test as the API shows it."""
    steps = [
        TestStep(
            name=step.name, ok=step.ok is not False, message=step.message, hint=step.hint,
            duration_ms=round(step.duration * 1000, 1),
        )
        for step in report.steps
    ]  # fmt: skip
    return TestReport(ok=report.ok, steps=steps)
